package credit

import "potluck"

// verdict is a Decision with exact amounts.
type verdict struct {
	free, short amount
	code        potluck.Code // "" accepted
	cures       []cure
}

type cure struct {
	kind  potluck.CureKind
	bytes amount
}

// Free is the most that x could add, all that is funded now staying funded:
// credit alone, no room. 0 for a peer that may not write.
func (b *Book) Free(x ID) potluck.Size {
	n := b.peers[x]
	if n == nil || b.barred(n) != "" {
		return 0
	}
	return b.free(n).size()
}

// Fits tells whether asked more bytes of x are funded: Free(x) ≥ asked, found
// without looking farther than the ask needs.
func (b *Book) Fits(x ID, asked potluck.Size) bool {
	n := b.peers[x]
	return n != nil && b.fits(n, asked)
}

func (b *Book) fits(n *node, asked potluck.Size) bool {
	if b.barred(n) != "" {
		return false
	}
	ask := amountOf(asked)
	return !b.upTo(n, ask).less(ask)
}

// barred tells why a peer may not write at all; "" if it may.
func (b *Book) barred(n *node) potluck.Code {
	if n.net != nil {
		b.measure()
	}
	if _, ok := n.distance(); !ok {
		return potluck.CodeNotAFriend
	}
	switch {
	case n.Denied:
		return potluck.CodeDenied
	case n.Frozen:
		return potluck.CodeFrozen
	}
	return ""
}

// free is what a peer could add by credit alone: the maximum flow with its demand
// unbounded, less the maximum flow. 0 for a peer that is short itself.
func (b *Book) free(n *node) amount { return b.upTo(n, endless) }

// upTo is free, but looks no farther than enough: what it gives is free itself if
// that is less than enough, else something between the two.
func (b *Book) upTo(n *node, enough amount) amount {
	if n.net == nil {
		return supplyOf(&n.Peer).minus(demandOf(&n.Peer))
	}
	b.ensure()
	if n.net.short() {
		return amount{}
	}
	if own := n.net.spare(); !own.less(enough) {
		return own
	}
	return b.within(n.net, enough)
}

// within is how much of want could be led to v. The flow stays as it was, except
// that what took a long search is left parked at v: to those who ask next it is
// all in one place then. It stays as free as it was. Not when there is no end to
// what is wanted: supply that is used can't fall without a flow from nothing.
func (b *Book) within(v *vertex, want amount) amount {
	if b.know(fed); !v.hints[fed].in {
		return amount{}
	}
	b.try()
	got := b.pull(v, fed, want)
	if b.work < b.large || b.canonical || want == endless {
		b.undo()
		return got
	}
	b.keep()
	before := v.spare()
	v.parked, v.supply = v.parked.plus(got), v.supply.plus(got)
	b.mindEnd(v, fed, before)
	return got
}

// Admit decides whether a node with so much room takes asked more bytes from x
// (CREDIT.md, section 4); nothing changes. asked is at least 0; room is below 0
// when more is held than is offered. Free is the most that would be accepted:
// one byte more isn't. The first reason that holds is given: not a friend,
// denied, frozen, no room, unfunded. Each cure is enough by itself, except that
// after more room was offered the credit may still be short, and that a new
// friend's terms are the host's. Nothing is allocated for an ask that is accepted.
func (b *Book) Admit(x ID, room, asked potluck.Size) Decision {
	return b.decision(x, room, asked, endless)
}

// Ask is Admit for those who go on to take what they ask: the same decision, and
// the same refusal with its numbers, but of an ask that is accepted Free is only
// what was looked at, at least asked. With own free credit it takes O(1).
func (b *Book) Ask(x ID, room, asked potluck.Size) Decision {
	return b.decision(x, room, asked, amountOf(asked))
}

func (b *Book) decision(x ID, room, asked potluck.Size, look amount) Decision {
	d := b.decide(b.peers[x], &room, amountOf(asked), look)
	if d.code == "" {
		return Decision{Free: d.free.size()}
	}
	r := &potluck.Refusal{Code: d.code, Asked: asked, Free: d.free.size(), Short: d.short.size(), Cures: make([]potluck.Cure, len(d.cures))}
	for i, c := range d.cures {
		r.Cures[i] = potluck.Cure{Kind: c.kind, Bytes: c.bytes.size()}
	}
	return Decision{Free: d.free.size(), Refusal: r}
}

// decide is Admit; without room, credit alone decides. look is how much credit is
// looked for, at least asked.
func (b *Book) decide(n *node, room *potluck.Size, asked, look amount) verdict {
	code := potluck.CodeNotAFriend
	if n != nil {
		code = b.barred(n)
	}
	switch code {
	case potluck.CodeNotAFriend:
		return verdict{code: code, short: asked, cures: b.befriend(n, asked)}
	case potluck.CodeDenied:
		return verdict{code: code, short: asked, cures: []cure{{kind: potluck.CureAskHost}}}
	case potluck.CodeFrozen:
		return verdict{code: code, short: asked, cures: b.thaw(n, asked)}
	}
	credit := b.upTo(n, asked)
	if !credit.less(asked) && asked.less(look) {
		credit = b.upTo(n, look)
	}
	free := credit
	if room != nil {
		free = least(credit, amountOf(*room))
	}
	if !free.less(asked) {
		return verdict{free: free}
	}
	if room != nil && !credit.less(look) { // there may be more than was looked for
		credit = b.free(n)
		free = least(credit, amountOf(*room))
	}
	d := verdict{free: free, short: asked.minus(free), code: potluck.CodeUnfunded}
	l := b.lack(n, credit, asked)
	if room != nil && amountOf(*room).less(asked) {
		d.code = potluck.CodeNoRoom
		offer := asked.minus(amountOf(*room)).plus(amountOf(-*room))
		d.cures = append(d.cures, cure{potluck.CureOffer, offer})
		l.need = most(l.need, offer)
	} else {
		d.cures = b.pay(n, l)
	}
	return verdict{d.free, d.short, d.code, withFree(d.cures, n, l.need)}
}
