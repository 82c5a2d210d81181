package credit

import (
	"slices"

	"potluck"
)

// need is how much more credit must come to a peer, or be given back by it, so
// that the ask is funded: what the ask lacks, and what others (or its own
// shortfall) would take of it first. 0 if nothing is lacking.
func (b *Book) need(n *node, credit, asked amount) amount {
	if !credit.less(asked) {
		return amount{}
	}
	return asked.minus(credit).plus(b.thirst(n, amount{}))
}

// thirst is how much of more supply at n would go to demands that aren't served
// now, its own among them, if more is added to its supply without end; the shares
// that it points away are as if its supply were higher by grown.
func (b *Book) thirst(n *node, grown amount) (sum amount) {
	if n.net == nil {
		return demandOf(&n.Peer).minus(supplyOf(&n.Peer))
	}
	b.ensure()
	v := n.net
	supply := v.supply
	regrow := func(s amount) {
		for _, e := range v.out {
			e.cap = capacity(&e.arc, s)
		}
	}
	regrow(supply.plus(grown))
	v.supply = endless
	b.try()
	b.want()
	sum = b.feed(b.hungry)
	b.undo()
	v.supply = supply
	regrow(supply)
	return sum
}

// grow is how much more supply a peer needs: as need, but what it points away as
// a share grows with it. The steps go down to the least that is enough.
func (b *Book) grow(n *node, gap, need amount) amount {
	if n.net == nil || len(b.hungry) == 0 || !slices.ContainsFunc(n.net.out, func(e *edge) bool { return e.arc.SharePPM >= 0 && !e.arc.Frozen }) {
		return need
	}
	y := gap
	for _, h := range b.hungry {
		y = y.plus(h.demand.minus(h.served))
	}
	for range 16 {
		lower := gap.plus(b.thirst(n, y))
		if !lower.less(y) {
			break
		}
		y = lower
	}
	return y
}

// pay gives the cures of an ask that credit doesn't cover: it lacks gap, and need
// with what others would take first.
func (b *Book) pay(n *node, gap, need amount) (cures []cure) {
	supply := b.grow(n, gap, need)
	if hold, ok := holding(&n.Peer, supply, b.top); ok {
		cures = append(cures, cure{potluck.CureHold, hold})
	}
	if b.hops > 0 && (!n.Friend || n.net != nil && len(n.net.in) > 0) {
		cures = append(cures, cure{potluck.CurePointer, need})
	}
	return append(cures, cure{potluck.CureAskHost, supply})
}

// befriend gives the cures of one who is neither friend nor sponsored.
func (b *Book) befriend(n *node, asked amount) []cure {
	cures := []cure{{kind: potluck.CureBefriend}}
	if b.hops <= 0 || asked.isZero() || n != nil && n.Denied {
		return cures
	}
	need := asked
	if n != nil {
		need = most(b.need(n, b.free(n), asked), amount{lo: 1}) // a pointer of 1 byte sponsors it
	}
	return append(cures, cure{potluck.CurePointer, need})
}

// thaw gives the cures of one whose standing is frozen: those of its shortfall,
// or the operator's pardon.
func (b *Book) thaw(n *node, asked amount) []cure {
	credit := b.free(n)
	if !credit.less(asked) {
		return []cure{{kind: potluck.CureAskHost}}
	}
	need := b.need(n, credit, asked)
	return withFree(b.pay(n, asked.minus(credit), need), n, need)
}

// withFree adds the cure of cancelling, if so much is held.
func withFree(cures []cure, n *node, need amount) []cure {
	if amountOf(n.Held).less(need) {
		return cures
	}
	return append(cures, cure{potluck.CureFree, need})
}

// holding is the least number of bytes that, held in addition, raise a supply by
// more. There is none when the ratio is 0 or the sum leaves top.
func holding(p *Peer, more, top amount) (amount, bool) {
	if p.RatioPPM <= 0 {
		return amount{}, false
	}
	// The least e with floor(ratio × e ÷ million) ≥ want is ceil(want × million ÷ ratio).
	want := amountOf(p.Earned).part(p.RatioPPM).plus(more)
	total := want.times(million).overUp(uint64(p.RatioPPM))
	return total.minus(amountOf(p.Earned)), !top.less(total)
}
