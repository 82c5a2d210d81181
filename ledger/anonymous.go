package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Anonymous is the account of shares whose owner nobody knows: the identity
// multihash of nothing, which is no key's peer ID. It is made on first use, is
// in no credit network and has no standing; its leases have ends of their own.
const Anonymous peer.ID = "\x00\x00"

// Found is a share that lies in the store and has no row, as its header says.
type Found struct {
	Share    potluck.ShareID
	Owner    peer.ID // empty or unknown here: Anonymous gets the lease
	Layout   potluck.Layout
	Charge   potluck.Size
	Root     potluck.Digest
	Manifest potluck.Digest
	Created  int64 // unix seconds; 0: now
}

// check holds what was found to what a STABLE share needs.
func (f Found) check() error {
	if f.Root == (potluck.Digest{}) || f.Manifest == (potluck.Digest{}) {
		return fmt.Errorf("root or manifest hash is zero")
	}
	if len(f.Owner) > MaxPeer {
		return checkPeer(f.Owner)
	}
	return first(checkShareID(f.Share, f.Layout), checkCharge(f.Charge), checkTimes(f.Created))
}

// Adopt makes rows for shares whose bytes are durable in the store: STABLE, and
// leased to the owner whom the header names, as long as all of its leases, or
// until until when those have ended. When this node has no account of that owner
// the lease is Anonymous's, until until.
// Shares with a row are left alone; adopted names the others, in the order of
// found. Nobody is asked for admission: the bytes are here already. With more
// than MaxBatch shares an error may come after some of them were adopted.
// Errors: ErrInvalid, ErrFull.
func (b *Book) Adopt(ctx context.Context, found []Found, until time.Time) (adopted []potluck.ShareID, err error) {
	for _, f := range found {
		if err := first(f.check(), checkTimes(until.Unix())); err != nil {
			return nil, fmt.Errorf("adopt share %v: %w: %w", f.Share, err, ErrInvalid)
		}
	}
	err = pieces(found, func(part []Found) error {
		var ids []potluck.ShareID
		err := b.do(ctx, "adopt", true, func(t *tx) (err error) {
			ids, err = t.adoptAll(part, until.Unix())
			return err
		})
		if err == nil {
			adopted = append(adopted, ids...)
		}
		return err
	})
	return adopted, err
}

func (t *tx) adoptAll(found []Found, until int64) (ids []potluck.ShareID, err error) {
	for _, f := range found {
		_, there, err := getShare(t, f.Share)
		if err != nil {
			return nil, err
		}
		if there {
			continue
		}
		if err := t.adopt(f, until); err != nil {
			return nil, err
		}
		ids = append(ids, f.Share)
	}
	return ids, nil
}

func (t *tx) adopt(f Found, until int64) error {
	l := Lease{Owner: f.Owner, Since: t.now, Renewed: t.now, Charge: f.Charge}
	known := false
	if f.Owner != "" && f.Owner != Anonymous {
		a, _, err := t.known(f.Owner)
		if err != nil {
			return err
		}
		if known = a != nil; known && a.LeasesUntil != 0 && a.LeasesUntil <= t.now {
			l.Until = until // what has just been found doesn't go at once
		}
	}
	reason := ""
	if !known {
		if err := t.anonymous(); err != nil {
			return err
		}
		reason = "its header names no owner"
		if f.Owner != "" {
			reason = fmt.Sprintf("its header names %v, who has no account here", f.Owner)
		}
		l.Owner, l.Until = Anonymous, until
	}
	s := share{ID: f.Share, State: ShareStable, Layout: f.Layout, Charge: f.Charge, Root: f.Root, Manifest: f.Manifest,
		Created: f.Created, Leases: 1}
	if s.Created == 0 {
		s.Created = t.now
	}
	t.note(Event{Kind: KindAdopt, Peer: l.Owner, Share: &f.Share, Bytes: f.Charge, Reason: reason})
	if err := t.putShare(share{}, s); err != nil {
		return err
	}
	return t.putLease(s, nil, l)
}

// anonymous makes the account of nobody when there is none yet.
func (t *tx) anonymous() error {
	old, _, err := t.known(Anonymous)
	if err != nil || old != nil {
		return err
	}
	t.putUsage(Anonymous, Usage{})
	t.note(Event{Kind: KindKnow, Peer: Anonymous, Reason: "the account of shares whose owner nobody knows"})
	return t.putAccount(Account{Peer: Anonymous, FirstSeen: t.now})
}
