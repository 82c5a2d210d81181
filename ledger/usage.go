package ledger

import (
	"fmt"

	"potluck"
)

// inRange tells whether every counter lies in [0, MaxSize]. Sums and
// differences of two such values don't overflow.
func (u Usage) inRange() bool {
	for _, v := range [...]int64{int64(u.Held), u.HeldShares, int64(u.Reserved), u.ReservedShares, int64(u.Earned), u.EarnedShares, u.Newest} {
		if v < 0 || v > int64(potluck.MaxSize) {
			return false
		}
	}
	return true
}

// plus adds a change, whose fields lie in [-MaxSize, MaxSize]. Newest is the
// greater one while there are leases.
func (u Usage) plus(d Usage) (Usage, error) {
	sum := Usage{
		Held: u.Held + d.Held, HeldShares: u.HeldShares + d.HeldShares,
		Reserved: u.Reserved + d.Reserved, ReservedShares: u.ReservedShares + d.ReservedShares,
		Earned: u.Earned + d.Earned, EarnedShares: u.EarnedShares + d.EarnedShares,
		Newest: max(u.Newest, d.Newest),
	}
	if sum.HeldShares+sum.ReservedShares == 0 {
		sum.Newest = 0
	}
	if !sum.inRange() {
		return Usage{}, fmt.Errorf("counters %+v changed by %+v leave [0, %d]: %w", u, d, potluck.MaxSize, ErrDamaged)
	}
	return sum, nil
}

// usage gives the counters of one lease.
func (l Lease) usage() Usage {
	if l.Pending {
		return Usage{Reserved: l.Charge, ReservedShares: 1, Newest: l.Since}
	}
	return Usage{Held: l.Charge, HeldShares: 1, Newest: l.Since}
}

// usage gives the counters of one placement: only a stable one earns.
func (p Placement) usage() Usage {
	if p.State != PlacedStable {
		return Usage{}
	}
	return Usage{Earned: p.Charge, EarnedShares: 1}
}

func (u Usage) negative() Usage { return Usage{}.minus(u) }

// free gives the room that is left: the lesser of what the offer and the disk
// allow, below zero when the node is over-full. Reserved bytes are taken off the disk too, for they
// are promised and may be unwritten still.
func (r Room) free(totals Usage) potluck.Size {
	offer := r.Offered - totals.Held - totals.Reserved
	disk := r.Disk - totals.Reserved
	return min(offer, disk)
}

func (r Room) check() error {
	return first(checkSize("offer", r.Offered), checkSize("disk", max(0, r.Disk)))
}

// minus gives the change from o to u. Newest is that of u, unless it is old.
func (u Usage) minus(o Usage) Usage {
	d := Usage{Held: u.Held - o.Held, HeldShares: u.HeldShares - o.HeldShares,
		Reserved: u.Reserved - o.Reserved, ReservedShares: u.ReservedShares - o.ReservedShares,
		Earned: u.Earned - o.Earned, EarnedShares: u.EarnedShares - o.EarnedShares}
	if u.Newest > o.Newest {
		d.Newest = u.Newest
	}
	return d
}
