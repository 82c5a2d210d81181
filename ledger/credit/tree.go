package credit

// side names the two trees that are kept beside the flow. They are those of
// Boykov and Kolmogorov: mended where the flow changes, not built again.
type side uint8

const (
	fed   side = iota // peers that spare supply can reach: who isn't in it has nothing free
	short             // peers from which credit would reach one that is short
)

// tree tells whether one of them is right for the flow, but for the peers that
// are to be looked at.
type tree struct {
	on      bool
	orphans []*vertex // the way to their root is cut
	fresh   []*vertex // their neighbours may belong to the tree too
}

// stem is the place of a peer in one tree.
type stem struct {
	via               *edge  // towards the root; nil at a root
	sure              uint64 // the season in which depth is right
	depth             int
	in, orphan, fresh bool
}

const deepest = int(^uint(0) >> 1)

// root tells whether a peer is in a tree by itself.
func (v *vertex) root(s side) bool {
	if s == fed {
		return v.used.less(v.supply)
	}
	return v.served.less(v.demand)
}

// end is what a root has, or lacks.
func (v *vertex) end(s side) amount {
	if s == fed {
		return v.spare()
	}
	return v.demand.minus(v.served)
}

// grows tells whether more flow on e, not less, joins child to its parent.
func (e *edge) grows(child *vertex, s side) bool { return (e.to == child) == (s == fed) }

// joins tells whether child can hang on the other end of e.
func (e *edge) joins(child *vertex, s side) bool {
	if e.grows(child, s) {
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

// forget empties the lists of peers to be looked at.
func (t *tree) forget(s side) {
	for _, v := range t.orphans {
		v.stems[s].orphan = false
	}
	for _, v := range t.fresh {
		v.stems[s].fresh = false
	}
	clear(t.orphans)
	clear(t.fresh)
	t.orphans, t.fresh = t.orphans[:0], t.fresh[:0]
}

// fell gives both trees up, until they are needed again.
func (b *Book) fell() { b.trees[fed].on, b.trees[short].on = false, false }

// raise makes a tree right.
func (b *Book) raise(s side) {
	t := &b.trees[s]
	if !t.on {
		t.on = true
		t.forget(s)
		for _, v := range b.linked {
			v.stems[s] = stem{}
		}
		for _, v := range b.linked {
			if v.root(s) {
				b.join(v, s, nil)
			}
		}
	}
	b.tend(s)
}

// note writes a stem to the journal before it changes.
func (b *Book) note(v *vertex, s side) {
	if b.trying {
		b.journal = append(b.journal, change{what: stemOf, side: s, v: v, e: v.stems[s].via, in: v.stems[s].in})
	}
}

func (b *Book) join(v *vertex, s side, via *edge) {
	b.note(v, s)
	v.stems[s].in, v.stems[s].via = true, via
	b.freshen(v, s)
}

func (b *Book) freshen(v *vertex, s side) {
	if p := &v.stems[s]; !p.fresh {
		p.fresh = true
		b.trees[s].fresh = append(b.trees[s].fresh, v)
	}
}

func (b *Book) sever(v *vertex, s side) {
	if p := &v.stems[s]; !p.orphan {
		p.orphan = true
		b.trees[s].orphans = append(b.trees[s].orphans, v)
	}
}

// mind is told that what goes along an edge, or its capacity, was changed.
func (b *Book) mind(e *edge) {
	for s := range b.trees {
		if s := side(s); b.trees[s].on {
			b.mindEnd(e, e.from, e.to, s)
			b.mindEnd(e, e.to, e.from, s)
		}
	}
}

func (b *Book) mindEnd(e *edge, child, parent *vertex, s side) {
	switch p := &child.stems[s]; {
	case p.in:
		if p.via == e && !e.joins(child, s) {
			b.sever(child, s)
		}
	case parent.stems[s].in && e.joins(child, s):
		b.join(child, s, e)
	}
}

// mindRoot is told that what a peer has or lacks was changed.
func (b *Book) mindRoot(v *vertex, s side) {
	if !b.trees[s].on {
		return
	}
	switch p := &v.stems[s]; {
	case v.root(s) && !p.in:
		b.join(v, s, nil)
	case v.root(s) && p.via != nil:
		b.note(v, s)
		p.via = nil
	case p.in && p.via == nil && !v.root(s):
		b.sever(v, s)
	}
}

// tend mends a tree: orphans look for another parent, or leave with those that
// hang on them as far as these find none either; then it grows where it can.
func (b *Book) tend(s side) {
	t := &b.trees[s]
	if len(t.orphans) > 0 {
		b.season++
		for i := 0; i < len(t.orphans); i++ {
			b.adopt(t.orphans[i], s)
		}
		t.orphans = t.orphans[:0]
	}
	for i := 0; i < len(t.fresh); i++ {
		v := t.fresh[i]
		if v.stems[s].fresh = false; !v.stems[s].in {
			continue
		}
		for _, e := range v.out {
			if !e.to.stems[s].in && e.joins(e.to, s) {
				b.join(e.to, s, e)
			}
		}
		for _, e := range v.in {
			if !e.from.stems[s].in && e.joins(e.from, s) {
				b.join(e.from, s, e)
			}
		}
	}
	t.fresh = t.fresh[:0]
}

// adopt gives an orphan the parent that is nearest to a root, or takes it out.
func (b *Book) adopt(v *vertex, s side) {
	p := &v.stems[s]
	best, via := deepest, (*edge)(nil)
	if v.root(s) {
		best = -1
	} else {
		for _, edges := range [2][]*edge{v.in, v.out} {
			for _, e := range edges {
				if w := e.other(v); w.stems[s].in && e.joins(v, s) {
					if d := b.depth(w, s); d < best {
						best, via = d, e
					}
				}
			}
		}
	}
	b.note(v, s)
	p.orphan, p.via = false, via
	if best < deepest {
		p.sure, p.depth = b.season, best+1
		return
	}
	p.in = false
	for _, edges := range [2][]*edge{v.in, v.out} {
		for _, e := range edges {
			w := e.other(v)
			if !w.stems[s].in {
				continue
			}
			if w.stems[s].via == e {
				b.sever(w, s)
			}
			if e.joins(v, s) { // it may stay, and take v in again
				b.freshen(w, s)
			}
		}
	}
}

// depth is how far a peer is from its root; deepest if its way there is cut.
func (b *Book) depth(v *vertex, s side) int {
	d, u := 0, v
	for {
		p := &u.stems[s]
		if p.orphan {
			return deepest
		}
		if p.sure == b.season {
			d += p.depth
			break
		}
		if p.via == nil {
			p.sure, p.depth = b.season, 0
			break
		}
		d, u = d+1, p.via.other(u)
	}
	left := d
	for u := v; u.stems[s].sure != b.season; left-- {
		p := &u.stems[s]
		p.sure, p.depth = b.season, left
		u = p.via.other(u)
	}
	return d
}

// pull leads up to want bytes between a peer and the roots of a tree, along the
// tree: from spare supply to the peer, or from it to those who are short. What
// the peer itself gets or gives is the caller's to note.
func (b *Book) pull(v *vertex, s side, want amount) (got amount) {
	for path := 0; !want.isZero(); path++ {
		if !b.trees[s].on || path == b.patience {
			return got.plus(b.flood(v, s, want))
		}
		b.tend(s)
		if !v.stems[s].in {
			break
		}
		q, u := want, v
		for e := u.stems[s].via; e != nil; e = u.stems[s].via {
			if e.grows(u, s) {
				q = least(q, e.cap.minus(e.flow))
			} else {
				q = least(q, e.flow)
			}
			u = e.other(u)
		}
		q = least(q, u.end(s))
		if s == fed {
			b.setUsed(u, u.used.plus(q))
		} else {
			b.setServed(u, u.served.plus(q))
		}
		for u = v; u.stems[s].via != nil; {
			e := u.stems[s].via
			if e.grows(u, s) {
				b.setFlow(e, e.flow.plus(q))
			} else {
				b.setFlow(e, e.flow.minus(q))
			}
			u = e.other(u)
		}
		want, got = want.minus(q), got.plus(q)
	}
	return got
}

// flood is pull without trees, for graphs in which one path after the other would
// take too long: blocking flows, whose number doesn't rest on the amounts.
func (b *Book) flood(v *vertex, s side, want amount) (got amount) {
	b.fell()
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
