package node

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/shares"
)

// repairFlows are what a host does for a repair that it doesn't do for a put: it
// takes bytes in the place of those that it lost or spoilt, and for an owner from a
// friend.
func repairFlows() []flow {
	again := func(t *testing.T, owner, host *Node, c content) error {
		g, err := c.allocate(t.Context(), owner, host)
		if err != nil || g.State == p2p.GrantHeld {
			return err
		}
		return c.write(t, owner, host, g.Offset)
	}
	lost := func(t *testing.T, owner, host *Node, c content) error {
		if row, err := host.book.Share(t.Context(), c.id()); err == nil && row.State == ledger.ShareStable {
			if err := host.store.Delete(t.Context(), c.id()); err != nil && !errors.Is(err, shares.ErrNotFound) {
				return err
			}
			host.keep.suspect(t.Context(), c.id(), shares.ErrNotFound)
		}
		return again(t, owner, host, c)
	}
	spoilt := func(t *testing.T, owner, host *Node, c content) error {
		if row, err := host.book.Share(t.Context(), c.id()); err == nil && row.State == ledger.ShareStable {
			flipBit(t, host, c.id(), int64(shares.HeaderLen)+100)
			host.keep.suspect(t.Context(), c.id(), shares.ErrDamaged)
		}
		return again(t, owner, host, c)
	}
	return []flow{
		{"write of what was lost", 700 << 10, true, true, true, lost, 4},
		{"write of what was spoilt", 700 << 10, true, true, true, spoilt, 4},
		{"write for an owner", 700 << 10, false, true, false, forOwner(), 5},
	}
}

// forOwner brings a share as a friend does that has the owner's leave.
func forOwner() func(t *testing.T, owner, host *Node, c content) error {
	key, _, err := crypto.GenerateEd25519Key(nil)
	return func(t *testing.T, owner, host *Node, c content) error {
		friend, failed := peer.IDFromPrivateKey(key)
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		now := time.Now()
		leave, err := signed.SealAuthority(owner.keep.key, signed.Authority{Owner: owner.self, Repairer: friend, Number: 1, Index: c.index,
			Layout: c.layout, Manifest: shares.Sum(c.manifest), NotBefore: now.Add(-time.Hour).Unix(), Expires: now.Add(24 * time.Hour).Unix()})
		if err != nil {
			return err
		}
		a, err := host.keep.Allocate(t.Context(), friend, p2p.AllocateRequest{Index: c.index, Layout: c.layout, Numbers: []potluck.ShareNumber{0}, Authority: leave})
		if err != nil || a.Grants[0].State == p2p.GrantHeld {
			return err
		}
		rest := c.data[a.Grants[0].Offset:]
		_, err = host.keep.Write(t.Context(), friend, p2p.WriteRequest{Index: c.index, Layout: c.layout, Offset: a.Grants[0].Offset,
			Length: potluck.Size(len(rest)), Manifest: potluck.Size(len(c.manifest)), Crosscheck: potluck.Size(len(c.crosscheck)), Authority: leave},
			bytes.NewReader(slices.Concat(rest, c.manifest, c.crosscheck)))
		return err
	}
}
