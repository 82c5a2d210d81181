package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// MaxBatch is how many shares one call of Reserve or Place may name. Calls that
// take away (Abort, Cancel, Deleted ...) may name more; they work in pieces, each
// of them whole.
const MaxBatch = 1000

// Reserve makes pending leases for owner, all of them or none, and answers in
// the order of rs. Only what isn't reserved yet asks for admission. Repeating a
// call moves deadlines, no more.
//
// Errors: *potluck.Refusal; ErrBusy when a share is being written by another
// owner or deleted; ErrConflict when it has another layout or charge, or is LOST
// or CORRUPT (cancel it first); ErrInvalid.
func (b *Book) Reserve(ctx context.Context, owner peer.ID, room Room, rs []Reservation) (grants []Grant, err error) {
	if err := checkReservations(owner, room, rs); err != nil {
		return nil, fmt.Errorf("reserve: %w: %w", err, ErrInvalid)
	}
	err = b.do(ctx, "reserve", false, func(t *tx) error {
		grants = make([]Grant, len(rs))
		room := room
		if t.batch.space != spaceOK {
			room.Disk = 0 // the books themselves have no room to grow
		}
		fresh, err := t.meet(owner, rs, grants)
		if err != nil {
			return err
		}
		if _, err := admit(t, owner, room, fresh, time.Unix(t.now, 0)); err != nil {
			return err
		}
		for i, r := range rs {
			if err := t.reserve(owner, r, grants[i].State); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return grants, nil
}

// checkReservations looks at what needs no books.
func checkReservations(owner peer.ID, room Room, rs []Reservation) error {
	if err := first(checkPeer(owner), room.check()); err != nil {
		return err
	}
	if len(rs) < 1 || len(rs) > MaxBatch {
		return fmt.Errorf("%d shares, want 1 to %d", len(rs), MaxBatch)
	}
	var sum potluck.Size
	seen := make(map[potluck.ShareID]bool, len(rs))
	for _, r := range rs {
		until := r.Until.Unix()
		if err := first(checkShareID(r.Share, r.Layout), checkCharge(r.Charge), checkTimes(until)); err != nil {
			return err
		}
		if until == 0 || seen[r.Share] {
			return fmt.Errorf("share %v is named twice, or without a deadline", r.Share)
		}
		seen[r.Share] = true
		if sum += r.Charge; sum > potluck.MaxSize {
			return fmt.Errorf("charges of more than %d bytes", potluck.MaxSize)
		}
	}
	return nil
}

// meet fills grants with what each reservation meets, and sums the charges that
// aren't counted yet. It changes nothing.
func (t *tx) meet(owner peer.ID, rs []Reservation, grants []Grant) (fresh potluck.Size, err error) {
	for i, r := range rs {
		s, there, err := getShare(t, r.Share)
		if err != nil {
			return 0, err
		}
		grants[i] = Grant{Share: r.Share, State: GrantNew}
		if !there {
			fresh += r.Charge
			continue
		}
		l, leased, err := getLease(t, r.Share, owner)
		if err != nil {
			return 0, err
		}
		if grants[i].State, err = s.grant(r, l, leased); err != nil {
			return 0, err
		}
		grants[i].Root, grants[i].Manifest = s.Root, s.Manifest
		if !leased {
			fresh += r.Charge
		}
	}
	return fresh, nil
}

// grant decides what a reservation of an existing share meets.
func (s share) grant(r Reservation, l Lease, leased bool) (GrantState, error) {
	switch {
	case s.State == ShareGoing:
		return 0, fmt.Errorf("share %v is being deleted: %w", s.ID, ErrBusy)
	case s.State == ShareComing && !leased:
		return 0, fmt.Errorf("share %v is being written by another owner: %w", s.ID, ErrBusy)
	case s.State != ShareComing && s.State != ShareStable:
		return 0, fmt.Errorf("share %v is %v: %w", s.ID, s.State, ErrConflict)
	case s.Layout != r.Layout || s.Charge != r.Charge:
		return 0, fmt.Errorf("share %v is kept with layout %+v and charge %d: %w", s.ID, s.Layout, s.Charge, ErrConflict)
	case s.State == ShareComing:
		return GrantResumed, nil
	case leased && !l.Pending:
		return GrantHeld, nil
	}
	return GrantExists, nil
}

// reserve carries out one grant.
func (t *tx) reserve(owner peer.ID, r Reservation, g GrantState) error {
	if g == GrantHeld {
		return nil
	}
	s, _, err := getShare(t, r.Share)
	if err != nil {
		return err
	}
	l, leased, err := getLease(t, r.Share, owner)
	if err != nil {
		return err
	}
	until := r.Until.Unix()
	moved := Lease{Owner: owner, Pending: true, Since: t.now, Until: until, Renewed: t.now, Charge: r.Charge}
	kind, old, oldLease := KindReserve, s, (*Lease)(nil)
	if leased {
		if l.Until == until {
			return nil
		}
		kind, oldLease, moved.Since = KindResume, &l, l.Since
	} else {
		s.Leases++
	}
	switch g {
	case GrantNew:
		s = share{ID: r.Share, State: ShareComing, Layout: r.Layout, Charge: r.Charge, Created: t.now, Deadline: until, Leases: 1}
	case GrantResumed:
		s.Deadline = until
	}
	if err := t.putShare(old, s); err != nil {
		return err
	}
	t.note(Event{Kind: kind, Peer: owner, Share: &r.Share, Bytes: r.Charge})
	return t.putLease(r.Share, oldLease, moved)
}
