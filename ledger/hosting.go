package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Commit turns owner's pending lease into a held one, after all bytes are
// durable in the store: COMING becomes STABLE with this root and manifest hash.
// For a share that others hold already both must equal theirs; so must they for a
// LOST or CORRUPT one, which is STABLE again then. Repeating a Commit changes
// nothing. Neither root nor manifest may be zero.
//
// Errors: ErrNotFound when owner has no lease (any more); ErrConflict when the
// share has another root or manifest; ErrInvalid.
func (b *Book) Commit(ctx context.Context, owner peer.ID, id potluck.ShareID, root, manifest potluck.Digest) error {
	if root == (potluck.Digest{}) || manifest == (potluck.Digest{}) {
		return fmt.Errorf("commit share %v: root or manifest hash is zero: %w", id, ErrInvalid)
	}
	return b.do(ctx, "commit", false, func(t *tx) error {
		s, l, leased, err := t.leased(owner, id)
		if err != nil {
			return err
		}
		if !leased {
			return fmt.Errorf("lease of %v on share %v: %w", owner, id, ErrNotFound)
		}
		old := s
		switch {
		case s.State == ShareComing:
			s.State, s.Root, s.Manifest, s.Deadline = ShareStable, root, manifest, 0
		case s.Root != root || s.Manifest != manifest:
			return fmt.Errorf("share %v has root %v and manifest %v, not %v and %v: %w", id, s.Root, s.Manifest, root, manifest, ErrConflict)
		case s.vanished():
			s.State = ShareStable
			t.note(Event{Kind: KindFound, Peer: owner, Share: &id, Bytes: s.Charge, Reason: "its owner wrote it again"})
		}
		if old != s {
			if err := t.putShare(old, s); err != nil {
				return err
			}
		}
		if !l.Pending {
			return nil
		}
		held := l
		held.Pending, held.Until, held.Renewed = false, 0, t.now
		t.note(Event{Kind: KindCommit, Peer: owner, Share: &id, Bytes: l.Charge})
		return t.putLease(s, &l, held)
	})
}

// leased reads a share and owner's lease on it.
func (t *tx) leased(owner peer.ID, id potluck.ShareID) (s share, l Lease, leased bool, err error) {
	if err := checkPeer(owner); err != nil {
		return s, l, false, fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	if l, leased, err = getLease(t, id, owner); err != nil || !leased {
		return s, l, false, err
	}
	s, there, err := getShare(t, id)
	if err == nil && !there {
		err = fmt.Errorf("share %v is missing, its lease is there: %w", id, ErrDamaged)
	}
	return s, l, err == nil, err
}

// drop removes those of owner's leases for which take says so; the others are
// left alone.
func (t *tx) drop(owner peer.ID, ids []potluck.ShareID, e Event, take func(share, Lease) bool) (freed potluck.Size, gone []potluck.ShareID, err error) {
	for _, id := range ids {
		s, l, leased, err := t.leased(owner, id)
		if err != nil {
			return 0, nil, err
		}
		if !leased || !take(s, l) {
			continue
		}
		last, err := t.dropLease(s, l)
		if err != nil {
			return 0, nil, err
		}
		if last {
			gone = append(gone, id)
		}
		freed += l.Charge
		e.Peer, e.Share, e.Bytes = owner, &id, l.Charge
		t.note(e)
	}
	return freed, gone, nil
}

// dropAll runs drop over any number of shares, MaxBatch in one operation.
func (b *Book) dropAll(ctx context.Context, owner peer.ID, ids []potluck.ShareID, e Event, take func(share, Lease) bool) (freed potluck.Size, gone []potluck.ShareID, err error) {
	err = pieces(ids, func(part []potluck.ShareID) error {
		var f potluck.Size
		var g []potluck.ShareID
		err := b.do(ctx, e.Kind, false, func(t *tx) (err error) {
			f, g, err = t.drop(owner, part, e, take)
			return err
		})
		if err == nil {
			freed, gone = freed+f, append(gone, g...)
		}
		return err
	})
	return freed, gone, err
}

func pieces[T any](ids []T, do func([]T) error) error {
	for len(ids) > 0 {
		n := min(len(ids), MaxBatch)
		if err := do(ids[:n]); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

func anyLease(share, Lease) bool { return true }

// Abort releases owner's pending leases on these shares; what is held is left
// alone, and so is what isn't there. COMING shares become GOING, and gone names
// all shares whose bytes must be deleted now; call Deleted or NotDeleted after
// that.
func (b *Book) Abort(ctx context.Context, owner peer.ID, ids []potluck.ShareID) (gone []potluck.ShareID, err error) {
	_, gone, err = b.dropAll(ctx, owner, ids, Event{Kind: KindAbort}, func(_ share, l Lease) bool { return l.Pending })
	return gone, err
}

// Cancel removes owner's leases on these shares, held or pending; shares on
// which it has none are left alone. freed is the sum of their charges; gone is as
// with Abort. With more than MaxBatch shares an error may come after some of them
// were cancelled; the figures tell which.
func (b *Book) Cancel(ctx context.Context, owner peer.ID, ids []potluck.ShareID) (freed potluck.Size, gone []potluck.ShareID, err error) {
	return b.dropAll(ctx, owner, ids, Event{Kind: KindCancel}, anyLease)
}

// Evict removes all leases of an account. It works in pieces like Cancel.
func (b *Book) Evict(ctx context.Context, owner peer.ID) (freed potluck.Size, gone []potluck.ShareID, err error) {
	for {
		ids, err := b.leaseIDs(ctx, owner, MaxBatch)
		if err != nil {
			return freed, gone, fmt.Errorf("evict: %w", err)
		}
		if len(ids) == 0 {
			return freed, gone, nil
		}
		f, g, err := b.dropAll(ctx, owner, ids, Event{Kind: KindEvict}, anyLease)
		freed, gone = freed+f, append(gone, g...)
		if err != nil {
			return freed, gone, err
		}
	}
}

// leaseIDs gives the first shares on which owner has a lease.
func (b *Book) leaseIDs(ctx context.Context, owner peer.ID, limit int) (ids []potluck.ShareID, err error) {
	err = b.scan(ctx, span{prefix: peerKey(keyLeaseByOwner, owner), keysOnly: true}, func(key, _ []byte) error {
		k := parts(key)
		k.peer()
		ids = append(ids, k.share())
		if err := k.end(key); err != nil {
			return err
		}
		if len(ids) == limit {
			return ErrStop
		}
		return nil
	})
	return ids, err
}

// Renew moves the end of all of owner's leases that have none of their own. It
// never moves it back. shares is how many leases are held. Errors: ErrNotFound.
func (b *Book) Renew(ctx context.Context, owner peer.ID, until time.Time) (shares int64, err error) {
	err = b.do(ctx, "renew", false, func(t *tx) error {
		a, u, err := knownAccount(t, owner)
		if err != nil {
			return err
		}
		shares = u.HeldShares
		if until.Unix() <= a.LeasesUntil {
			return nil
		}
		a.LeasesUntil = until.Unix()
		t.note(Event{Kind: KindRenew, Peer: owner, Bytes: u.Held})
		return t.putAccount(a)
	})
	return shares, err
}
