package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Store makes a held lease for owner on a share that has no row yet, and whose
// bytes are durable in the store: what Reserve and Commit do one after the
// other, in one operation. It is for small shares: admission is decided here,
// after the bytes were written, so a caller asks Quote before it writes them, and
// deletes them when Store refuses. r.Until is not used.
//
// Errors: *potluck.Refusal; ErrBusy when the share has a row; ErrInvalid.
func (b *Book) Store(ctx context.Context, owner peer.ID, room Room, r Reservation, root, manifest potluck.Digest) error {
	err := checkReservations(owner, room, []Reservation{r})
	if err == nil && (root == (potluck.Digest{}) || manifest == (potluck.Digest{})) {
		err = fmt.Errorf("root or manifest hash is zero")
	}
	if err != nil {
		return fmt.Errorf("store share %v: %w: %w", r.Share, err, ErrInvalid)
	}
	return b.do(ctx, "store", false, func(t *tx) error {
		room := room
		if t.batch.space != spaceOK {
			room.Disk = 0 // the books themselves have no room to grow
		}
		_, there, err := getShare(t, r.Share)
		if err == nil && there {
			err = fmt.Errorf("share %v has a row: %w", r.Share, ErrBusy)
		}
		if err != nil {
			return err
		}
		if err := t.admit(owner, room, r.Charge); err != nil {
			return err
		}
		s := share{ID: r.Share, State: ShareStable, Layout: r.Layout, Charge: r.Charge, Root: root, Manifest: manifest,
			Created: t.now, Leases: 1}
		if err := t.putShare(share{}, s); err != nil {
			return err
		}
		t.note(Event{Kind: KindStore, Peer: owner, Share: &r.Share, Bytes: r.Charge})
		return t.putLease(s, nil, Lease{Owner: owner, Since: t.now, Renewed: t.now, Charge: r.Charge})
	})
}

// LastEvent gives the newest event. Errors: ErrNotFound when there is none.
func (b *Book) LastEvent(ctx context.Context) (Event, error) {
	if err := ctx.Err(); err != nil {
		return Event{}, err
	}
	b.mu.Lock()
	seq := b.seen
	b.mu.Unlock()
	if seq == 0 {
		return Event{}, fmt.Errorf("newest event: %w", ErrNotFound)
	}
	e, _, err := b.readEvent(seq)
	return e, err
}

// PlaceFile is Place and then PutFile in one operation: both or none.
func (b *Book) PlaceFile(ctx context.Context, ps []Placement, f File) error {
	if err := checkPlacements(ps); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return fmt.Errorf("note file %v: %w: %w", f.Index, err, ErrInvalid)
	}
	return b.do(ctx, "place a file", true, func(t *tx) error {
		if err := t.placeAll(ps); err != nil {
			return err
		}
		return t.putFile(f)
	})
}
