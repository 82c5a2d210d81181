package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// MaxBatch is how many shares one call of Reserve or Place may name. Calls that
// take away (Abort, Cancel, Deleted ...) may name more; they work in pieces, each
// of them whole.
const MaxBatch = 500

// Reserve makes pending leases for owner, all of them or none, and answers in
// the order of rs. Only what isn't reserved yet asks for admission. Repeating a
// call moves deadlines, no more.
//
// A LOST or CORRUPT share is written anew by who has a lease on it: the grant is
// GrantNew with the root and manifest hash that its bytes must have, its leases
// stay, and Commit makes it STABLE.
//
// Errors: *potluck.Refusal; ErrBusy when a share is being written by another
// owner or deleted; ErrConflict when it has another layout or charge, or is LOST
// or CORRUPT and owner has no lease on it; ErrInvalid.
func (b *Book) Reserve(ctx context.Context, owner peer.ID, room Room, rs []Reservation) (grants []Grant, err error) {
	if err := checkReservations(owner, room, rs); err != nil {
		return nil, fmt.Errorf("reserve: %w: %w", err, ErrInvalid)
	}
	err = b.do(ctx, "reserve", false, func(t *tx) error {
		room := room
		if t.batch.space != spaceOK {
			room.Disk = 0 // the books themselves have no room to grow
		}
		found, fresh, err := t.meet(owner, rs)
		if err != nil {
			return err
		}
		if err := t.admit(owner, room, fresh); err != nil {
			return err
		}
		grants = make([]Grant, 0, len(rs))
		for i, m := range found {
			if err := t.reserve(owner, rs[i], m); err != nil {
				return err
			}
			grants = append(grants, Grant{Share: rs[i].Share, State: m.state, Root: m.share.Root, Manifest: m.share.Manifest})
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

// met is what a reservation met: the share's row and the owner's lease, if any.
type met struct {
	state  GrantState
	share  share
	lease  Lease
	leased bool
}

// meet looks at what each reservation meets, and sums the charges that aren't
// counted yet. It changes nothing.
func (t *tx) meet(owner peer.ID, rs []Reservation) (found []met, fresh potluck.Size, err error) {
	found = make([]met, len(rs))
	for i, r := range rs {
		m, there := &found[i], false
		if m.share, there, err = getShare(t, r.Share); err != nil {
			return nil, 0, err
		}
		m.state = GrantNew
		if there {
			if m.lease, m.leased, err = getLease(t, r.Share, owner); err != nil {
				return nil, 0, err
			}
			if m.state, err = m.share.grant(r, m.lease, m.leased); err != nil {
				return nil, 0, err
			}
		}
		if !m.leased {
			fresh += r.Charge
		}
	}
	return found, fresh, nil
}

// grant decides what a reservation of an existing share meets.
func (s share) grant(r Reservation, l Lease, leased bool) (GrantState, error) {
	switch {
	case s.State == ShareGoing:
		return 0, fmt.Errorf("share %v is being deleted: %w", s.ID, ErrBusy)
	case s.State == ShareComing && !leased:
		return 0, fmt.Errorf("share %v is being written by another owner: %w", s.ID, ErrBusy)
	case s.vanished() && !leased:
		return 0, fmt.Errorf("share %v is %v, and can be written again by those who keep it only: %w", s.ID, s.State, ErrConflict)
	case s.Layout != r.Layout || s.Charge != r.Charge:
		return 0, fmt.Errorf("share %v is kept with layout %+v and charge %d: %w", s.ID, s.Layout, s.Charge, ErrConflict)
	case s.State == ShareComing:
		return GrantResumed, nil
	case s.vanished():
		return GrantNew, nil
	case leased && !l.Pending:
		return GrantHeld, nil
	}
	return GrantExists, nil
}

// reserve carries out one grant.
func (t *tx) reserve(owner peer.ID, r Reservation, m met) error {
	until := r.Until.Unix()
	if m.leased && (!m.lease.Pending || m.lease.Until == until) {
		return nil
	}
	moved := Lease{Owner: owner, Pending: true, Since: t.now, Until: until, Renewed: t.now, Charge: r.Charge}
	kind, s, old := KindReserve, m.share, (*Lease)(nil)
	if m.leased {
		kind, old, moved.Since = KindResume, &m.lease, m.lease.Since
	} else {
		s.Leases++
	}
	switch {
	case m.state == GrantNew && !m.leased:
		s = share{ID: r.Share, State: ShareComing, Layout: r.Layout, Charge: r.Charge, Created: t.now, Deadline: until, Leases: 1}
	case m.state == GrantResumed:
		s.Deadline = until
	}
	if err := t.putShare(m.share, s); err != nil {
		return err
	}
	t.note(Event{Kind: kind, Peer: owner, Share: &r.Share, Bytes: r.Charge})
	return t.putLease(s, old, moved)
}
