package credit

import (
	"cmp"
	"slices"
)

// node is a peer of the book. Without arcs it is no part of the graph: what it
// uses is then the lesser of its supply and its demand.
type node struct {
	Peer
	net  *vertex // nil without arcs
	book *Book
	poor bool // it is in Book.poor
}

// vertex is a peer with arcs. For each, used + what comes in = served + what
// goes out, used ≤ supply, served ≤ demand. What searches look at stands first,
// for the sake of cache lines.
type vertex struct {
	seen, dead     uint64 // stamps of the search that saw it, of the round that found nothing behind it
	level, next    int    // of the search that runs: its level, the edge to try next
	supply, used   amount // parked bytes count as supply
	parked         amount // what the flow leads here though nobody here takes it
	in, out        []*edge
	demand, served amount

	peer   *node
	pos    int  // in Book.linked; -1 when it has left the graph
	dist   int  // sponsor distance; -1: none
	sorted bool // in is in the order of compareEdges
	hungry bool // it is in Book.hungry
	queued bool

	// Of the search that runs; nothing of it outlives that.
	hints      [2]hint
	via        *edge  // how a walk came here
	label      int    // fewest hops from spare supply
	rungs      []rung // over which walks of fewest hops may go on: into it, and from there on out of it
	ins        int    // how many of them lead into it
	need, left amount
}

// edge is one arc: 64 bytes that searches look at. It is live in the graph only
// when its issuer is near enough.
type edge struct {
	from, to  *vertex
	cap, flow amount
	near      bool
	*pointer
}

// pointer is what an edge stands for.
type pointer struct {
	arc  Arc
	rank int64  // the order, made no less than that of a live arc beside a frozen one
	left amount // scratch of the decomposition
}

func (v *vertex) spare() amount { return v.supply.minus(v.used) }

// own is the supply of the peer itself.
func (v *vertex) own() amount { return v.supply.minus(v.parked) }

func (v *vertex) short() bool { return v.served.less(v.demand) }

func (e *edge) open() bool { return e.near && e.flow.less(e.cap) }

// capacity is min(limit, share of the issuer's own supply); a frozen arc has its
// limit alone.
func capacity(a *Arc, supply amount) amount {
	c := endless
	if a.Limit >= 0 {
		c = amountOf(a.Limit)
	}
	if a.SharePPM >= 0 && !a.Frozen {
		c = least(c, supply.part(a.SharePPM))
	}
	return c
}

// compareEdges orders what comes into one peer: older pointer, then peer ID, then
// live before frozen.
func compareEdges(a, b *edge) int {
	if c := cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.from.peer.ID, b.from.peer.ID)); c != 0 {
		return c
	}
	switch {
	case a.arc.Frozen == b.arc.Frozen:
		return cmp.Or(cmp.Compare(a.arc.Order, b.arc.Order), cmp.Compare(a.arc.Limit, b.arc.Limit), cmp.Compare(a.arc.SharePPM, b.arc.SharePPM))
	case b.arc.Frozen:
		return -1
	}
	return 1
}

// compareServed orders accounts as they are served when not all can be: sponsor
// distance, older bytes first, peer ID.
func compareServed(a, b *vertex) int {
	far := func(v *vertex) uint { return uint(v.dist) } // none is the farthest
	return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(a.peer.Newest, b.peer.Newest), cmp.Compare(a.peer.ID, b.peer.ID))
}

// link makes a peer part of the graph.
func (b *Book) link(n *node) *vertex {
	if n.net != nil {
		return n.net
	}
	v := &vertex{peer: n, pos: len(b.linked), dist: -1, sorted: true, supply: supplyOf(&n.Peer), demand: demandOf(&n.Peer)}
	v.used = least(v.supply, v.demand)
	v.served = v.used
	n.net = v
	b.linked = append(b.linked, v)
	b.wants(v)
	return v
}

// unlink takes a peer without arcs out of the graph.
func (b *Book) unlink(v *vertex) {
	if len(v.out)+len(v.in) > 0 || v.pos < 0 {
		return
	}
	last := b.linked[len(b.linked)-1]
	b.linked[v.pos], last.pos = last, v.pos
	b.linked[len(b.linked)-1] = nil
	b.linked = b.linked[:len(b.linked)-1]
	v.pos, v.peer.net = -1, nil
	b.miss(v.peer)
}

// wants notes that a peer has a demand that isn't served.
func (b *Book) wants(v *vertex) {
	if v.short() && !v.hungry {
		v.hungry = true
		b.hungry = append(b.hungry, v)
	}
	if v.hungry {
		b.stuck = false
	}
}

// drop takes an edge out of its beneficiary's list; the issuer's is the caller's.
func (b *Book) drop(e *edge) {
	if !e.flow.isZero() {
		b.broken = true
	}
	e.to.in = slices.DeleteFunc(e.to.in, func(other *edge) bool { return other == e })
}

// bound gives an edge a capacity and sees whether the flow still fits.
func (b *Book) bound(e *edge, c amount) {
	if e.cap.less(c) {
		b.stuck = false
	}
	if c.less(e.flow) {
		b.broken = true
	}
	b.setCap(e, c)
	b.mind(e)
}

func (b *Book) setCap(e *edge, c amount) {
	b.cross(e, false)
	e.cap = c
	b.cross(e, true)
}

// ranks fills in the ranks of one issuer's edges: a live arc carries before a
// frozen one beside it, however old that is.
func ranks(edges []*edge) {
	var live map[*vertex]int64
	for _, e := range edges {
		e.rank = e.arc.Order
		if e.arc.Frozen {
			live = map[*vertex]int64{}
		}
	}
	if live == nil {
		return
	}
	for _, e := range edges {
		if r, ok := live[e.to]; !e.arc.Frozen && (!ok || e.rank > r) {
			live[e.to] = e.rank
		}
	}
	for _, e := range edges {
		if r, ok := live[e.to]; e.arc.Frozen && ok {
			e.rank = max(e.rank, r)
		}
	}
}

// measure finds sponsor distances, and which arcs are near enough to carry.
func (b *Book) measure() {
	if !b.moved {
		return
	}
	b.moved = false
	b.forget()
	queue := b.queue[:0]
	for _, v := range b.linked {
		if v.dist = -1; v.peer.Friend {
			v.dist = 0
			queue = append(queue, v)
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, e := range queue[i].out {
			if d := queue[i].dist + 1; d <= b.hops && e.to.dist < 0 {
				e.to.dist = d
				queue = append(queue, e.to)
			}
		}
	}
	b.queue = queue
	for _, v := range b.linked {
		near := v.dist >= 0 && v.dist < b.hops
		for _, e := range v.out {
			if near && !e.near {
				b.stuck = false
			}
			if !near && !e.flow.isZero() {
				b.broken = true
			}
			e.near = near
		}
	}
}
