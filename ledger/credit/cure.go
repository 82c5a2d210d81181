package credit

import "potluck"

// lack says how much more must come to a peer so that its ask is funded.
type lack struct {
	gap    amount // by which credit doesn't cover the ask
	need   amount // of credit, or given back: the gap, and what others (or its own shortfall) would take of it first
	supply amount // of supply: as need, but what it points away as a share grows with it
}

// lack is all 0 if the credit covers the ask.
func (b *Book) lack(n *node, credit, asked amount) lack {
	if !credit.less(asked) {
		return lack{}
	}
	gap := asked.minus(credit)
	if n.net == nil {
		need := gap.plus(demandOf(&n.Peer).minus(supplyOf(&n.Peer)))
		return lack{gap, need, need}
	}
	b.ensure()
	if len(b.hungry) == 0 {
		return lack{gap, gap, gap}
	}
	b.know(short)
	b.try()
	defer b.undo()
	need := gap
	if n.net.hints[short].in {
		need = gap.plus(b.pull(n.net, short, endless))
	}
	return lack{gap, need, b.grow(n.net, need)}
}

// pay gives the cures of an ask that credit doesn't cover.
func (b *Book) pay(n *node, l lack) (cures []cure) {
	if hold, ok := holding(&n.Peer, l.supply, b.top); ok {
		cures = append(cures, cure{potluck.CureHold, hold})
	}
	if b.hops > 0 && (!n.Friend || n.net != nil && len(n.net.in) > 0) {
		cures = append(cures, cure{potluck.CurePointer, l.need})
	}
	return append(cures, cure{potluck.CureAskHost, l.supply})
}

// befriend gives the cures of one who is neither friend nor sponsored.
func (b *Book) befriend(n *node, asked amount) []cure {
	cures := []cure{{kind: potluck.CureBefriend}}
	if b.hops <= 0 || asked.isZero() || n != nil && n.Denied {
		return cures
	}
	need := asked
	if n != nil {
		need = most(b.lack(n, b.free(n), asked).need, amount{lo: 1}) // a pointer of 1 byte sponsors it
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
	l := b.lack(n, credit, asked)
	return withFree(b.pay(n, l), n, l.need)
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
