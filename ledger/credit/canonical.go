package credit

import (
	"math"
	"slices"
)

// settle brings the flow to the canonical one: what is served follows the order
// of accounts, and it is carried over the fewest hops in total.
func (b *Book) settle() {
	if b.measure(); !b.broken {
		b.ensure()
		if b.canonical {
			return
		}
	}
	if b.broken || len(b.hungry) > 0 { // who is short must not rest on the history
		b.restart()
		b.serve()
	}
	b.forget()
	sinks := make([]*vertex, 0, len(b.linked))
	for _, v := range b.linked {
		if !v.sorted {
			slices.SortFunc(v.in, compareEdges)
			v.sorted = true
		}
		v.unpark()
		v.used = least(v.supply, v.served)
		v.need = v.served.minus(v.used)
		for _, e := range v.out {
			e.flow = amount{}
		}
		if !v.need.isZero() {
			sinks = append(sinks, v)
		}
	}
	b.route(sinks)
	b.straighten()
	b.canonical, b.funding = true, nil
}

// route leads what sinks need to them over the fewest hops in total: successive
// shortest paths, all of one length at a time. The flow must be one of fewest
// hops for what is served already.
func (b *Book) route(sinks []*vertex) {
	slices.SortFunc(sinks, compareServed)
	for len(sinks) > 0 {
		b.label()
		nearest := unlabelled
		for _, v := range sinks {
			nearest = min(nearest, v.label)
		}
		if nearest == unlabelled {
			return // the peers that are left have less than they ask
		}
		b.round++
		for _, v := range sinks {
			for v.label == nearest && !v.need.isZero() && b.augment(v) {
			}
		}
		sinks = slices.DeleteFunc(sinks, func(v *vertex) bool { return v.need.isZero() })
	}
}

// unlabelled is the label of a peer that no spare supply reaches.
const unlabelled = math.MaxInt

// label finds for each peer the fewest hops from spare supply, where taking back
// what an arc carries counts one less.
func (b *Book) label() {
	queue := b.queue[:0]
	for _, v := range b.linked {
		if v.label, v.queued = unlabelled, false; !v.spare().isZero() {
			v.label, v.queued = 0, true
			queue = append(queue, v)
		}
	}
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		v.queued = false
		for _, e := range v.out {
			if w := e.to; v.label+1 < w.label && e.open() {
				w.label = v.label + 1
				queue = requeue(queue, w)
			}
		}
		for _, e := range v.in {
			if w := e.from; v.label-1 < w.label && !e.flow.isZero() {
				w.label = v.label - 1
				queue = requeue(queue, w)
			}
		}
	}
	b.queue = queue
	b.list()
}

// rung is an edge, and the peer at its other end.
type rung struct {
	over *edge
	to   *vertex
}

// list gives each peer the edges over which walks of fewest hops may go on from it.
func (b *Book) list() {
	rungs := b.rungs[:0]
	for _, v := range b.linked {
		from := len(rungs)
		for _, e := range v.in {
			if e.near && e.from.label != unlabelled && e.from.label == v.label-1 {
				rungs = append(rungs, rung{e, e.from})
			}
		}
		v.ins = len(rungs) - from
		for _, e := range v.out {
			if e.to.label != unlabelled && e.to.label == v.label+1 {
				rungs = append(rungs, rung{e, e.to})
			}
		}
		v.rungs = rungs[from:len(rungs):len(rungs)]
	}
	b.rungs = rungs
}

func requeue(queue []*vertex, v *vertex) []*vertex {
	if v.queued {
		return queue
	}
	v.queued = true
	return append(queue, v)
}

// augment leads some of what v needs to it along one path of fewest hops.
func (b *Book) augment(v *vertex) bool {
	source := b.climb(v)
	if source == nil {
		return false
	}
	q := b.narrowest(source, v, shortest, least(v.need, source.spare()))
	b.setUsed(source, source.used.plus(q))
	for u := source; u != v; {
		if e := u.via; e.from == u {
			b.setFlow(e, e.flow.plus(q))
			u = e.to
		} else {
			b.setFlow(e, e.flow.minus(q))
			u = e.from
		}
	}
	v.need = v.need.minus(q)
	return true
}

// way says along which edges a walk goes back, and where it ends.
type way uint8

const (
	shortest way = iota // residual paths of fewest hops, to spare supply
	carrying            // what the flow carries, to supply that is used
	leaving             // what the decomposition has left, to supply that is left
)

// goal tells whether a walk may end at v.
func (v *vertex) goal(w way) bool {
	switch w {
	case shortest:
		return v.label == 0 && !v.spare().isZero()
	case carrying:
		return !v.used.isZero()
	}
	return !v.left.isZero()
}

// width is what may go along an edge in its direction.
func (e *edge) width(w way) amount {
	switch w {
	case shortest:
		if e.near && e.from.label == e.to.label-1 {
			return e.cap.minus(e.flow)
		}
		return amount{}
	case carrying:
		return e.flow
	}
	return e.left
}

// walk goes back from v, nearest first, older pointers first, to a peer where it
// may end; each vertex on the way names by via how it was reached. nil: there is
// none.
func (b *Book) walk(v *vertex, w way) *vertex {
	b.stamp++
	queue := append(b.queue[:0], v)
	if v.seen = b.stamp; v.goal(w) {
		return v
	}
	for i := 0; i < len(queue); i++ {
		for _, e := range queue[i].in {
			if from := e.from; from.seen != b.stamp && !e.width(w).isZero() {
				from.seen, from.via = b.stamp, e
				if from.goal(w) {
					b.queue = queue
					return from
				}
				queue = append(queue, from)
			}
		}
	}
	b.queue = queue
	return nil
}

// climb is walk over the fewest hops. If there is no way, none of those that were
// seen leads to one for the rest of the round.
func (b *Book) climb(v *vertex) *vertex {
	b.stamp++
	queue := append(b.queue[:0], v)
	if v.seen = b.stamp; v.goal(shortest) {
		return v
	}
	for i := 0; i < len(queue); i++ {
		u := queue[i]
		for j, s := range u.rungs {
			w, e := s.to, s.over
			if w.seen == b.stamp || w.dead == b.round || (j < u.ins && !e.flow.less(e.cap)) || (j >= u.ins && e.flow.isZero()) {
				continue
			}
			w.seen, w.via = b.stamp, e
			if w.goal(shortest) {
				b.queue = queue
				return w
			}
			queue = append(queue, w)
		}
	}
	b.queue = queue
	for _, u := range queue {
		u.dead = b.round
	}
	return nil
}

// narrowest is the least of q and what may go along the walk from source to v.
func (b *Book) narrowest(source, v *vertex, w way, q amount) amount {
	for u := source; u != v; {
		if e := u.via; e.from == u {
			q = least(q, e.width(w))
			u = e.to
		} else {
			q = least(q, e.flow)
			u = e.from
		}
	}
	return q
}

// straighten moves what a frozen arc carries to a live one beside it, as far as
// that has room.
func (b *Book) straighten() {
	for _, v := range b.linked {
		for _, frozen := range v.out {
			if !frozen.arc.Frozen || frozen.flow.isZero() {
				continue
			}
			for _, e := range v.out {
				if e.to == frozen.to && !e.arc.Frozen && e.open() {
					q := least(frozen.flow, e.cap.minus(e.flow))
					frozen.flow, e.flow = frozen.flow.minus(q), e.flow.plus(q)
				}
			}
		}
	}
}
