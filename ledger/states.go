package ledger

import (
	"fmt"

	"potluck"
)

// shareNone is a share without a row.
const shareNone ShareState = 0

// String gives the state's name.
func (s ShareState) String() string {
	switch s {
	case shareNone:
		return "none"
	case ShareComing:
		return "COMING"
	case ShareStable:
		return "STABLE"
	case ShareGoing:
		return "GOING"
	case ShareLost:
		return "LOST"
	case ShareCorrupt:
		return "CORRUPT"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// transitions lists every legal step. A GOING share whose bytes couldn't be
// deleted stays GOING with a later deadline: it has no lease, and gets none
// (Reserve finds it busy), so there is no way back to STABLE.
var transitions = map[ShareState][]ShareState{
	shareNone:    {ShareComing, ShareStable}, // the latter by Store and Adopt
	ShareComing:  {ShareStable, ShareGoing},
	ShareStable:  {ShareGoing, ShareLost, ShareCorrupt},
	ShareGoing:   {shareNone},
	ShareLost:    {ShareGoing, ShareStable}, // found again, or written again
	ShareCorrupt: {ShareGoing, ShareStable},
}

// vanished tells whether the share's bytes are not what its owners keep here.
func (s share) vanished() bool { return s.State == ShareLost || s.State == ShareCorrupt }

// step refuses an illegal transition.
func step(id potluck.ShareID, from, to ShareState) error {
	for _, legal := range transitions[from] {
		if legal == to {
			return nil
		}
	}
	return fmt.Errorf("share %v: %v to %v is no transition: %w", id, from, to, ErrConflict)
}

// putShare writes a share's row and, for GOING ones, its entry in the index of
// deadlines; a COMING share's deadline is its pending lease's end, which has an
// index of its own. old is the zero share when there was no row.
func (t *tx) putShare(old, s share) error {
	if old.State != s.State {
		if err := step(s.ID, old.State, s.State); err != nil {
			return err
		}
	}
	if err := s.check(); err != nil {
		return fmt.Errorf("share %v: %w: %w", s.ID, err, ErrInvalid)
	}
	if old.State == ShareGoing && old.Deadline != s.Deadline {
		t.del(goingKey(old.Deadline, s.ID))
	}
	if s.State == ShareGoing {
		t.mark(goingKey(s.Deadline, s.ID))
	}
	t.set(shareKey(keyShare, s.ID), encodeShare(s))
	return t.turn(old, s)
}

// dropShare removes the row of a GOING share.
func (t *tx) dropShare(s share) error {
	if err := step(s.ID, s.State, shareNone); err != nil {
		return err
	}
	t.del(goingKey(s.Deadline, s.ID))
	t.del(shareKey(keyShare, s.ID))
	return nil
}

// putLease writes a lease on a share, whose row is written, its indexes, the
// counters and the sum of its range. old is nil for a new one.
func (t *tx) putLease(s share, old *Lease, l Lease) error {
	id, change := s.ID, l.usage()
	if s.counts(l) && (old == nil || old.Pending) {
		if err := t.ranged(side{roleHost, l.Owner}, id, s.item().sum()); err != nil {
			return err
		}
	}
	if old == nil {
		t.mark(peerShareKey(keyLeaseByOwner, l.Owner, id))
	} else {
		change = change.minus(old.usage())
		if old.Until != 0 && old.Until != l.Until {
			t.del(leaseEndKey(old.Until, id, l.Owner))
		}
	}
	if l.Until != 0 {
		t.mark(leaseEndKey(l.Until, id, l.Owner))
	}
	t.set(sharePeerKey(keyLease, id, l.Owner), encodeLease(l))
	return t.count(l.Owner, change)
}

// dropLease removes a lease, its indexes and its part of the counters, and sends
// the share to GOING when it was the last. gone tells that it was.
func (t *tx) dropLease(s share, l Lease) (gone bool, err error) {
	t.del(peerShareKey(keyLeaseByOwner, l.Owner, s.ID))
	if l.Until != 0 {
		t.del(leaseEndKey(l.Until, s.ID, l.Owner))
	}
	t.del(sharePeerKey(keyLease, s.ID, l.Owner))
	if s.counts(l) {
		if err := t.ranged(side{roleHost, l.Owner}, s.ID, s.item().sum().negative()); err != nil {
			return false, err
		}
	}
	if err := t.count(l.Owner, l.usage().negative()); err != nil {
		return false, err
	}
	old := s
	s.Leases--
	if s.Leases == 0 {
		s.State, s.Deadline = ShareGoing, t.now+goingRetry
	}
	return s.Leases == 0, t.putShare(old, s)
}

// goingRetry is how many seconds pass until Expire names a GOING share again.
const goingRetry = 600
