package credit

import "slices"

// ensure brings the flow to a maximum.
func (b *Book) ensure() {
	b.measure()
	if b.broken {
		b.restart()
	}
	if b.stuck || len(b.hungry) == 0 {
		return
	}
	if b.reach[fed].on {
		b.draw()
		return
	}
	b.forget()
	b.want()
	b.feed(b.hungry)
	b.collect()
}

// draw feeds hungry peers by one path after the other.
func (b *Book) draw() {
	for _, v := range b.hungry {
		if v.pos < 0 { // it has left the graph
			v.demand, v.served = amount{}, amount{}
		}
		if b.know(fed); !v.hints[fed].in {
			v.need = v.demand.minus(v.served)
			continue
		}
		b.setServed(v, v.served.plus(b.pull(v, fed, v.demand.minus(v.served))))
		v.need = v.demand.minus(v.served)
	}
	b.collect()
}

// want notes what each hungry peer needs.
func (b *Book) want() {
	b.round++
	for _, v := range b.hungry {
		v.need = v.demand.minus(v.served)
		if v.pos < 0 { // it has left the graph
			v.need, v.demand, v.served = amount{}, amount{}, amount{}
		}
	}
}

// collect counts what hungry peers got as served, and keeps those that are short.
func (b *Book) collect() {
	still := b.hungry[:0]
	for _, v := range b.hungry {
		v.served = v.demand.minus(v.need)
		if v.hungry = v.short(); v.hungry {
			still = append(still, v)
		}
	}
	clear(b.hungry[len(still):])
	b.hungry, b.stuck = still, true
}

// feed leads to peers what they need, as much in total as there can be, and tells
// how much that was; who gets it when not all can is left open.
func (b *Book) feed(roots []*vertex) (got amount) {
	for {
		b.roots = b.roots[:0]
		var need amount
		for _, v := range roots {
			if v.need.isZero() {
				continue
			}
			q := least(v.need, v.spare())
			b.setUsed(v, v.used.plus(q))
			v.need, got = v.need.minus(q), got.plus(q)
			if more := least(v.need, v.gap()); !more.isZero() {
				need = need.plus(more)
				b.roots = append(b.roots, v)
			}
		}
		if len(b.roots) == 0 || !b.layer(need) {
			return got
		}
		for _, v := range b.roots {
			q := b.push(v, v.need)
			v.need, got = v.need.minus(q), got.plus(q)
		}
	}
}

// serve leads to hungry peers what they need, each in the order of accounts as far
// as it goes: a maximum too, since nobody that was served loses by the next. First
// all are fed at once; then what each got is spare again at that peer, so that
// those before it may take it, and whoever comes to it first needs no path.
func (b *Book) serve() {
	slices.SortFunc(b.hungry, compareServed)
	b.want()
	b.feed(b.hungry)
	if !slices.ContainsFunc(b.hungry, func(v *vertex) bool { return !v.need.isZero() }) {
		b.collect()
		return
	}
	all := slices.Clone(b.hungry)
	for _, v := range all {
		v.left = v.demand.minus(v.served).minus(v.need)
		v.supply = v.supply.plus(v.left)
	}
	b.draw()
	for _, v := range all {
		v.supply, v.used = v.supply.minus(v.left), v.used.minus(v.left)
	}
	b.forget()
}

// restart lets every peer's own supply cover its own demand, and nothing else
// yet.
func (b *Book) restart() {
	for _, v := range b.hungry {
		v.hungry = false
	}
	clear(b.hungry)
	b.hungry = b.hungry[:0]
	for _, v := range b.linked {
		v.unpark()
		v.used = least(v.supply, v.demand)
		v.served = v.used
		for _, e := range v.out {
			e.flow = amount{}
		}
		b.wants(v)
	}
	b.broken, b.stuck, b.canonical = false, false, false
	b.forget()
}

// release takes back what a peer was served: from its own supply as far as that
// was used, else along paths that carry to it. A peer whose own supply was used
// by others and that was itself served by others keeps its balance so.
func (b *Book) release(v *vertex, less amount) {
	b.setServed(v, v.served.minus(less))
	own := least(less, v.used)
	b.setUsed(v, v.used.minus(own))
	less = less.minus(own)
	for !less.isZero() {
		source := b.walk(v, carrying)
		q := b.narrowest(source, v, carrying, least(less, source.used))
		b.setUsed(source, source.used.minus(q))
		for u := source; u != v; u = u.via.to {
			b.setFlow(u.via, u.via.flow.minus(q))
		}
		less = less.minus(q)
	}
	b.stuck = b.stuck && len(b.hungry) == 0
}

// gap is what the edges around a peer could bring it at most.
func (v *vertex) gap() (sum amount) {
	for _, e := range v.in {
		if e.open() {
			sum = sum.plus(e.cap.minus(e.flow))
		}
	}
	for _, e := range v.out {
		sum = sum.plus(e.flow)
	}
	return sum
}

// layer gives levels to the peers from which the roots can be reached, searching
// backwards breadth-first up to the level where enough spare supply is found.
// If there is none at all, the peers seen are dead for this round: later paths
// don't touch them, so it stays so.
func (b *Book) layer(enough amount) bool {
	b.stamp++
	var found amount
	queue := append(b.queue[:0], b.roots...)
	for _, v := range b.roots {
		v.seen, v.level, v.next = b.stamp, 0, 0
	}
	for i := 0; i < len(queue); i++ {
		u := queue[i]
		if !found.less(enough) && u.level > queue[max(i, 1)-1].level {
			break
		}
		see := func(w *vertex) {
			if w.seen != b.stamp && w.dead != b.round {
				w.seen, w.level, w.next = b.stamp, u.level+1, 0
				found = found.plus(w.spare())
				queue = append(queue, w)
			}
		}
		for _, e := range u.in {
			if e.open() {
				see(e.from)
			}
		}
		for _, e := range u.out {
			if !e.flow.isZero() {
				see(e.to)
			}
		}
	}
	b.queue = queue
	if !found.isZero() {
		return true
	}
	for _, u := range queue {
		u.dead = b.round
	}
	return false
}

// push leads up to want bytes to u from the levels behind it: a blocking flow. It
// is as deep as there are levels.
func (b *Book) push(u *vertex, want amount) (got amount) {
	if s := u.spare(); !s.isZero() {
		got = least(s, want)
		b.setUsed(u, u.used.plus(got))
	}
	for ; u.next < len(u.in)+len(u.out); u.next++ {
		left := want.minus(got)
		if left.isZero() {
			break
		}
		if i := u.next; i < len(u.in) {
			e := u.in[i]
			if w := e.from; w.seen == b.stamp && w.level == u.level+1 && e.open() {
				q := b.push(w, least(left, e.cap.minus(e.flow)))
				b.setFlow(e, e.flow.plus(q))
				got = got.plus(q)
			}
		} else {
			e := u.out[i-len(u.in)]
			if w := e.to; w.seen == b.stamp && w.level == u.level+1 && !e.flow.isZero() {
				q := b.push(w, least(left, e.flow))
				b.setFlow(e, e.flow.minus(q))
				got = got.plus(q)
			}
		}
		if !got.less(want) {
			break // this edge may have more for the next
		}
	}
	return got
}
