package credit

// pull leads up to want bytes between a peer and the ends of a side: from spare
// supply to the peer, or from the peer to those who are short. What the peer itself
// gets or gives is the caller's to note.
func (b *Book) pull(v *vertex, s side, want amount) (got amount) {
	if !b.reach[s].on {
		return b.flood(v, s, want)
	}
	b.know(s)
	b.work = 0
	for {
		more, seen, done := b.search(v, s, want.minus(got))
		got = got.plus(more)
		if b.work += seen; done {
			return got
		}
		if b.work > b.patience {
			return got.plus(b.flood(v, s, want.minus(got)))
		}
	}
}

// search goes breadth-first from v, and uses each path that it comes upon. It is
// done when there is no more to be had; else it must be done again. seen is how
// many peers it looked at.
func (b *Book) search(v *vertex, s side, want amount) (got amount, seen int, done bool) {
	pristine := len(b.journal) == 0 || !b.trying
	missed := false
	b.stamp++
	b.queue = append(b.queue[:0], v)
	v.seen, v.via = b.stamp, nil
	q, found := b.use(v, v, s, want)
	got = q
	for i := 0; i < len(b.queue) && found != used; i++ {
		u := b.queue[i]
		for _, edges := range [2][]*edge{u.in, u.out} {
			for _, e := range edges {
				w := e.other(u)
				if w.seen == b.stamp || !w.hints[s].in || !e.passes(u, s) {
					continue
				}
				w.seen, w.via = b.stamp, e
				q, found = b.use(v, w, s, want.minus(got))
				switch got = got.plus(q); found {
				case used:
					return got, i + 1, !got.less(want) || b.spent(v, s)
				case loop:
					missed = missed || !got.isZero()
				case full:
					w.seen = 0 // other edges may lead to it
					continue
				}
				b.queue = append(b.queue, w)
			}
		}
	}
	if !got.less(want) || b.spent(v, s) {
		return got, 1, true
	}
	b.conclude(s, pristine && got.isZero(), missed)
	return got, len(b.queue), !missed
}

// found is what became of the path by which a peer was found.
type found uint8

const (
	none found = iota // no path goes on from there, or not any more
	loop              // it came back to peers that were seen
	full              // the last edge of the search to it is used up
	used              // another is, or nothing is wanted any more
)

// use leads what it can over u, which was seen last.
func (b *Book) use(v, u *vertex, s side, want amount) (got amount, how found) {
	for {
		if !got.less(want) || b.spent(v, s) {
			return got, used
		}
		last := b.follow(u, s)
		if last == nil {
			return got, none
		}
		if last.seen == b.stamp && last != u {
			return got, loop
		}
		got = got.plus(b.lead(v, u, last, s, want.minus(got)))
		for at := u; at != v; {
			to := at.via.other(at)
			if !at.via.passes(to, s) {
				if how = full; at != u {
					return got, used
				}
			}
			at = to
		}
		if how == full {
			return got, full
		}
	}
}

// conclude learns from a search that came upon no more.
func (b *Book) conclude(s side, outside, missed bool) {
	r := &b.reach[s]
	switch {
	case outside: // not even before the trial
		r.cut = 0
		for _, u := range b.queue {
			u.hints[s] = hint{}
		}
	case !missed && len(b.queue) >= b.large:
		b.cuts++
		r.cut, r.through = b.cuts, amount{}
		for _, u := range b.queue {
			u.hints[s].cut = b.cuts
		}
	}
}

// spent tells whether it is known that no more comes to v.
func (b *Book) spent(v *vertex, s side) bool {
	r := &b.reach[s]
	return r.left.isZero() || r.cut != 0 && v.hints[s].cut == r.cut && r.through.isZero()
}

// follow goes from u along the paths that there were, to the end; nil if that
// isn't there any more. Who was seen by the search ends it too.
func (b *Book) follow(u *vertex, s side) *vertex {
	const far = 32 // paths are short; what was there may have become a loop
	at := u
	for range far {
		if !at.end(s).isZero() || at != u && at.seen == b.stamp {
			return at
		}
		e := at.hints[s].via
		if e == nil || !e.passes(at, s) {
			return nil
		}
		at = e.other(at)
	}
	return nil
}

// lead brings what it can, at most want, along the search from v to u and on to
// the end.
func (b *Book) lead(v, u, last *vertex, s side, want amount) amount {
	q := want
	for at := u; at != v; at = at.via.other(at) { // back to v
		q = least(q, at.via.room(at.via.other(at), s))
	}
	q = least(q, last.end(s))
	for at := u; at != last; at = at.hints[s].via.other(at) {
		q = least(q, at.hints[s].via.room(at, s))
	}
	if s == fed {
		b.setUsed(last, last.used.plus(q))
	} else {
		b.setServed(last, last.served.plus(q))
	}
	for at := u; at != last; {
		e := at.hints[s].via
		b.shift(e, at, s, q)
		at = e.other(at)
	}
	pristine := !b.trying || b.start.first
	for at := u; at != v; {
		e := at.via
		w := e.other(at)
		b.shift(e, w, s, q)
		if pristine {
			w.hints[s].via = e
		}
		at = w
	}
	b.start.first = false
	return q
}

// room is what can go along e for a path of that side that goes on from v.
func (e *edge) room(v *vertex, s side) amount {
	if e.forward(v, s) {
		return e.cap.minus(e.flow)
	}
	return e.flow
}

func (b *Book) shift(e *edge, v *vertex, s side, q amount) {
	if e.forward(v, s) {
		b.setFlow(e, e.flow.plus(q))
	} else {
		b.setFlow(e, e.flow.minus(q))
	}
}

// flood is pull by blocking flows, whose number doesn't rest on the amounts, for
// graphs in which one path after the other takes too long.
func (b *Book) flood(v *vertex, s side, want amount) (got amount) {
	b.forget()
	b.reach[fed].cut, b.reach[short].cut = 0, 0
	b.round++
	if s == fed {
		v.need = want
		b.asker[0] = v
		return b.feed(b.asker[:])
	}
	supply, used := v.supply, v.used
	v.supply = used.plus(want)
	b.want()
	got = b.feed(b.hungry)
	for _, h := range b.hungry {
		b.setServed(h, h.demand.minus(h.need))
	}
	v.supply = supply
	b.setUsed(v, used)
	return got
}
