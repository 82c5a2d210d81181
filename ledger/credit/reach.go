package credit

// side names the two sets of peers that are kept beside the flow. Each holds at
// least the peers that its name says; who isn't in it is answered at once.
type side uint8

const (
	fed   side = iota // spare supply can reach them: who isn't in it has nothing free
	short             // from them credit would reach one that is short
)

// reach is one of the sets. It grows with each change that lets it; it shrinks
// when a search shows that peers don't belong to it.
type reach struct {
	on    bool // it is kept
	fresh []*vertex
	ends  []*vertex // have become ends since
	left  amount    // spare supply of all, or what all are short of

	// The last large cut that a search ended at: no more than through reaches
	// those who are inside, whichever of them asks.
	cut     uint64 // 0: none is known
	through amount
}

// hint is what a set keeps of a peer.
type hint struct {
	in  bool
	cut uint64 // inside the cut of this number
	via *edge  // the next edge of a path that there was; perhaps it is still there
}

// end is what a path that ends at the peer can lead away, or bring.
func (v *vertex) end(s side) amount {
	if s == fed {
		return v.spare()
	}
	return v.demand.minus(v.served)
}

// forward tells whether a path of that side that goes on from v along e takes
// what e can carry more; else it takes back what e carries.
func (e *edge) forward(v *vertex, s side) bool { return (e.to == v) == (s == fed) }

// passes tells whether a path of that side can go on from v along e.
func (e *edge) passes(v *vertex, s side) bool {
	if e.forward(v, s) {
		return e.open()
	}
	return !e.flow.isZero()
}

func (e *edge) other(v *vertex) *vertex {
	if e.to == v {
		return e.from
	}
	return e.to
}

// forget gives both sets up, until they are needed again.
func (b *Book) forget() { b.reach[fed].on, b.reach[short].on = false, false }

// know makes a set hold whom it must.
func (b *Book) know(s side) {
	r := &b.reach[s]
	if !r.on {
		r.on, r.left, r.cut = true, amount{}, 0
		clear(r.fresh)
		clear(r.ends)
		r.fresh, r.ends = r.fresh[:0], r.ends[:0]
		for _, v := range b.linked {
			v.hints[s] = hint{}
		}
		for _, v := range b.linked {
			if end := v.end(s); !end.isZero() {
				r.left = r.left.plus(end)
				b.join(v, s, nil)
			}
		}
	}
	for i := 0; i < len(r.fresh); i++ {
		v := r.fresh[i]
		for _, e := range v.out {
			if !e.to.hints[s].in && e.passes(e.to, s) {
				b.join(e.to, s, e)
			}
		}
		for _, e := range v.in {
			if !e.from.hints[s].in && e.passes(e.from, s) {
				b.join(e.from, s, e)
			}
		}
	}
	r.fresh = r.fresh[:0]
	for _, v := range r.ends {
		b.surround(v, s)
	}
	r.ends = r.ends[:0]
}

func (b *Book) join(v *vertex, s side, via *edge) {
	v.hints[s] = hint{in: true, via: via}
	b.reach[s].cut = 0
	b.reach[s].fresh = append(b.reach[s].fresh, v)
}

// surround leads some peers around a new end to it, so that searches come upon
// it sooner.
func (b *Book) surround(end *vertex, s side) {
	const enough = 24
	b.stamp++ // nobody is seen
	queue := append(b.queue[:0], end)
	for i := 0; i < len(queue) && len(queue) < enough; i++ {
		u := queue[i]
		for _, edges := range [2][]*edge{u.in, u.out} {
			for _, e := range edges {
				if w := e.other(u); w.hints[s].in && e.passes(w, s) && b.follow(w, s) == nil {
					w.hints[s].via = e
					queue = append(queue, w)
				}
			}
		}
	}
	b.queue = queue
}

// cross adds to what the cuts let through what e does, or takes it away.
func (b *Book) cross(e *edge, add bool) {
	for s := range b.reach {
		r := &b.reach[s]
		if r.cut == 0 {
			continue
		}
		from, to := e.from.hints[s].cut == r.cut, e.to.hints[s].cut == r.cut
		if from == to {
			continue
		}
		inside, outside := e.to, e.from
		if from {
			inside, outside = e.from, e.to
		}
		switch {
		case !outside.hints[s].in:
		case add:
			r.through = r.through.plus(e.room(inside, side(s)))
		default:
			r.through = r.through.minus(e.room(inside, side(s)))
		}
	}
}

// mind is told that what an edge carries or can carry was changed. A trial
// doesn't need it: its own paths let nobody join, and it is undone.
func (b *Book) mind(e *edge) {
	if b.trying {
		return
	}
	for s := range b.reach {
		if s := side(s); b.reach[s].on {
			from, to := e.from.hints[s].in, e.to.hints[s].in
			if from && !to && e.passes(e.to, s) {
				b.join(e.to, s, e)
			} else if to && !from && e.passes(e.from, s) {
				b.join(e.from, s, e)
			}
		}
	}
}

// mindEnd is told that what a peer has to spare, or is short of, was changed.
func (b *Book) mindEnd(v *vertex, s side, before amount) {
	r, now := &b.reach[s], v.end(s)
	if r.cut != 0 && v.hints[s].cut == r.cut {
		r.through = r.through.plus(now).minus(before)
	}
	if !r.on {
		return
	}
	r.left = r.left.plus(now).minus(before)
	if b.trying || now.isZero() {
		return
	}
	if !v.hints[s].in {
		b.join(v, s, nil)
	} else if before.isZero() {
		r.ends = append(r.ends, v)
	}
}
