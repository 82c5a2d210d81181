package credit

import (
	"slices"

	"potluck"
)

// Book holds peers, arcs and one maximum flow. Not safe for concurrent use, not
// even by readers: answers repair the flow. Equal content gives equal answers,
// however it was reached.
type Book struct {
	// What changes left to do before the next answer. It stands together with who is
	// short, because that is all that is looked at when nothing changed.
	moved     bool      // sponsor distances are to be measured again
	broken    bool      // the flow doesn't fit: from scratch
	stuck     bool      // no augmenting path leads to any hungry peer
	canonical bool      // the flow is the canonical one
	hungry    []*vertex // at least those whose demand isn't served
	poor      []*node   // at least those without arcs whose supply is below their demand

	hops   int
	top    amount // the most that a peer can be asked to hold
	peers  map[ID]*node
	linked []*vertex // peers with arcs, in no order

	funding map[*vertex][]fund

	stamp, round uint64
	queue, roots []*vertex
	asker        [1]*vertex
	across       []*edge
	rungs        []rung
	journal      []change
	trying       bool // changes of the flow are noted in the journal
	start        point
	reach        [2]reach
	cuts         uint64 // so many were found
	work         int    // how many peers the searches of the last pull looked at

	// Bounds of searches; no answer rests on them.
	patience int // when those of one ask have seen so many peers, blocking flows do the rest
	large    int // how many peers a cut is around that is worth remembering
}

// New makes an empty book in which sponsored peers are at most maxHops arcs from
// a friend; with 0 or less, arcs carry nothing.
func New(maxHops int) *Book {
	return &Book{hops: maxHops, top: amountOf(potluck.MaxSize), peers: map[ID]*node{}, patience: 2048, large: 32}
}

// Put adds or replaces a peer; its arcs stay.
func (b *Book) Put(p Peer) { b.put(b.bare(p.ID), &p) }

func (b *Book) put(n *node, p *Peer) {
	v := n.net
	if v == nil {
		n.Peer = *p
		b.miss(n)
		return
	}
	before := n.Peer
	n.Peer = *p
	if before != *p {
		b.canonical = false
		b.moved = b.moved || before.Friend != p.Friend
		b.supply(v, supplyOf(p))
		b.demand(v, demandOf(p))
	}
}

// miss notes a peer without arcs whose supply is below its demand.
func (b *Book) miss(n *node) {
	if !n.poor && supplyOf(&n.Peer).less(demandOf(&n.Peer)) {
		n.poor = true
		b.poor = append(b.poor, n)
	}
}

// supply changes what a peer can pay, and with it the shares that it points away.
func (b *Book) supply(v *vertex, s amount) {
	shared := s // shares are of its own supply
	if s = s.plus(v.parked); s == v.supply {
		return
	}
	if v.supply.less(s) {
		b.stuck = false
	}
	if s.less(v.used) {
		b.broken = true
	}
	before := v.spare()
	v.supply = s
	b.mindEnd(v, fed, before)
	for _, e := range v.out {
		if e.arc.SharePPM >= 0 {
			b.bound(e, capacity(&e.arc, shared))
		}
	}
}

// demand changes what a peer takes. Growth is paid by its own spare supply, as
// far as that goes; the rest waits for the next answer.
func (b *Book) demand(v *vertex, d amount) {
	before := v.end(short)
	v.demand = d
	b.mindEnd(v, short, before)
	switch {
	case b.broken:
	case d.less(v.served):
		b.release(v, v.served.minus(d))
	case v.served.less(d):
		own := least(v.spare(), d.minus(v.served))
		b.setUsed(v, v.used.plus(own))
		b.setServed(v, v.served.plus(own))
		b.wants(v)
	}
}

// Remove forgets a peer, with the arcs from it and to it.
func (b *Book) Remove(id ID) {
	n := b.peers[id]
	if n == nil {
		return
	}
	b.SetArcs(id, nil)
	if v := n.net; v != nil {
		for _, e := range v.in {
			b.broken = b.broken || !e.flow.isZero()
			e.from.out = slices.DeleteFunc(e.from.out, func(other *edge) bool { return other == e })
			b.unlink(e.from)
		}
		v.in = nil
		b.unlink(v)
		b.moved, b.canonical = true, false
	}
	delete(b.peers, id)
	n.Peer = Peer{} // it misses nothing any more
}

// SetArcs replaces all arcs of an issuer. Peers not known yet are added with
// nothing but ratio 1. An arc to the issuer itself is left out; From is taken
// to be the issuer.
func (b *Book) SetArcs(from ID, arcs []Arc) {
	if n := b.peers[from]; len(arcs) == 0 && (n == nil || n.net == nil) {
		return
	}
	type key struct {
		to     ID
		frozen bool
	}
	issuer := b.link(b.bare(from))
	b.moved, b.canonical = true, false
	kept := make(map[key]*edge, len(issuer.out))
	for _, e := range issuer.out {
		k := key{e.to.peer.ID, e.arc.Frozen}
		if kept[k] != nil {
			b.drop(e) // a second arc of one kind starts anew
			continue
		}
		kept[k] = e
	}
	out := make([]*edge, 0, len(arcs))
	for _, a := range arcs {
		if a.From = from; a.To == from {
			continue
		}
		k := key{a.To, a.Frozen}
		e := kept[k]
		if e == nil {
			e = &edge{from: issuer, to: b.link(b.bare(a.To)), pointer: &pointer{}}
			e.to.in = append(e.to.in, e)
		}
		delete(kept, k)
		e.arc, e.to.sorted = a, false
		b.bound(e, capacity(&a, issuer.own()))
		out = append(out, e)
	}
	for _, e := range kept {
		b.drop(e)
		b.unlink(e.to)
	}
	ranks(out)
	issuer.out = out
	b.unlink(issuer)
}

// bare finds a peer, or adds it with the terms of one that is no friend.
func (b *Book) bare(id ID) *node {
	n := b.peers[id]
	if n == nil {
		n = &node{Peer: Peer{ID: id, RatioPPM: million}, book: b}
		b.peers[id] = n
	}
	return n
}

// Peer gives what was put for a peer.
func (b *Book) Peer(id ID) (Peer, bool) {
	if n := b.peers[id]; n != nil {
		return n.Peer, true
	}
	return Peer{}, false
}

// Len is the number of peers.
func (b *Book) Len() int { return len(b.peers) }

// Supply is what D owes x or gives it.
func (b *Book) Supply(x ID) potluck.Size {
	if n := b.peers[x]; n != nil {
		return supplyOf(&n.Peer).size()
	}
	return 0
}

// Distance is the fewest arcs from a friend to x.
func (b *Book) Distance(x ID) (hops int, ok bool) {
	n := b.peers[x]
	if n == nil {
		return 0, false
	}
	b.measure()
	return n.distance()
}

// distance is right once the book is measured.
func (n *node) distance() (hops int, ok bool) {
	if n.Friend || n.net == nil {
		return 0, n.Friend
	}
	return max(0, n.net.dist), n.net.dist >= 0
}
