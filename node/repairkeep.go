package node

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/shares"
)

// errNoLeave says that a repair authority isn't one for what is asked.
var errNoLeave = errors.New("the repair authority isn't for this")

// principal tells in whose name a peer asks: its own, or that of the owner who
// signed the authority that comes with the request. All that follows is decided,
// charged and leased as if the owner had asked.
func (k *keep) principal(ctx context.Context, from peer.ID, sealed []byte, index potluck.StorageIndex, l potluck.Layout) (peer.ID, error) {
	if len(sealed) == 0 {
		return from, nil
	}
	a, err := signed.OpenAuthority(sealed)
	if err == nil {
		err = a.ValidAt(k.clock().Unix())
	}
	if err == nil && (a.Repairer != from || a.Owner == k.self || a.Index != index || a.Layout != l) {
		err = errNoLeave
	}
	if err != nil {
		return "", bad("in the name of another: %w", err)
	}
	if revoked, err := k.book.Revoked(ctx, a); err != nil {
		return "", k.answer(err)
	} else if revoked {
		return "", bad("in the name of another: %w: its owner took authority %d back", errNoLeave, a.Number)
	}
	return a.Owner, nil
}

// sameFile refuses bytes of another file than the authority is for.
func sameFile(w p2p.WriteRequest, manifest []byte) error {
	if len(w.Authority) == 0 {
		return nil
	}
	a, err := signed.OpenAuthority(w.Authority)
	if err == nil && shares.Sum(manifest) != a.Manifest {
		err = errNoLeave
	}
	if err != nil {
		return bad("write: another manifest: %w", err)
	}
	return nil
}

// noteRepairer writes down who brought a share in its owner's name.
func (k *keep) noteRepairer(ctx context.Context, owner, from peer.ID, row ledger.ShareRow) error {
	if owner == from {
		return nil
	}
	return k.book.Note(ctx, ledger.Event{Kind: ledger.KindRepairedFor, Peer: owner, Share: &row.ID, Bytes: row.Charge,
		Reason: "brought by " + from.String() + " under the owner's authority"})
}
