package credit

import "slices"

// cut bounds what must be added to a peer's supply, if what it points away as
// shares grows with that: by value for a supply that has grown by at, and for
// others by what the arcs across the cut then have more or less.
type cut struct {
	supply    amount // before it grows
	at, value amount
	across    []*edge
}

// grow is how much more supply a peer needs, need being what it does while its
// arcs stay as they are. It is called in a trial in which its credit went to those
// who are short, and leaves the arcs as they were. Each cut that bounds that flow
// bounds what is needed, from above; the bounds go down to what is enough.
func (b *Book) grow(v *vertex, need amount) amount {
	c := b.cut(v, amount{}, need)
	if len(c.across) == 0 {
		return need
	}
	enough := need
	for _, h := range b.hungry {
		enough = enough.plus(h.demand.minus(h.served))
	}
	start := b.point()
	enough = c.descend(enough)
	for range 16 {
		for _, e := range v.out {
			if e.shares() {
				b.setCap(e, capacity(&e.arc, v.own().plus(enough)))
			}
		}
		taken := need.plus(b.pull(v, short, enough.minus(need)))
		if taken.less(enough) {
			c = b.cut(v, enough, taken)
		}
		for _, e := range v.out {
			if e.shares() {
				b.setCap(e, capacity(&e.arc, v.own()))
			}
		}
		b.back(start)
		if !taken.less(enough) {
			break
		}
		enough = c.descend(taken)
	}
	return enough
}

// shares tells whether an arc grows with the supply of its issuer.
func (e *edge) shares() bool { return e.near && e.arc.SharePPM > 0 && !e.arc.Frozen }

// cut is around all to whom more credit of v would come. Over the arcs across it
// that grow, and lead to peers from which it may reach one who is short, it would
// go on. It is valid for larger supply and for smaller.
func (b *Book) cut(v *vertex, at, value amount) cut {
	c := cut{v.own(), at, value, b.across[:0]}
	if b.reach[short].on && b.reach[short].left.isZero() || !slices.ContainsFunc(v.out, (*edge).shares) {
		return c
	}
	b.spread(v)
	for _, e := range v.out {
		if e.shares() && e.to.seen != b.stamp && (!b.reach[short].on || e.to.hints[short].in) {
			c.across = append(c.across, e)
		}
	}
	b.across = c.across
	return c
}

// spread sees all to whom more credit of v would come.
func (b *Book) spread(v *vertex) {
	b.stamp++
	queue := append(b.queue[:0], v)
	v.seen = b.stamp
	for i := 0; i < len(queue); i++ {
		u := queue[i]
		for _, e := range u.out {
			if w := e.to; w.seen != b.stamp && e.open() {
				w.seen = b.stamp
				queue = append(queue, w)
			}
		}
		for _, e := range u.in {
			if w := e.from; w.seen != b.stamp && !e.flow.isZero() {
				w.seen = b.stamp
				queue = append(queue, w)
			}
		}
	}
	b.queue = queue
}

// descend goes from a supply that is enough down to the least that is by this cut.
func (c *cut) descend(enough amount) amount {
	const steps = 64 // each halves what is too much, or is some bytes
	for range steps {
		lower := least(c.bound(enough), c.crossing(enough))
		if !lower.less(enough) {
			break
		}
		enough = lower
	}
	return enough
}

// bound is what the cut lets through for a supply grown by y.
func (c *cut) bound(y amount) amount {
	more, less := c.value, amount{}
	for _, e := range c.across {
		more = more.plus(capacity(&e.arc, c.supply.plus(y)))
		less = less.plus(capacity(&e.arc, c.supply.plus(c.at)))
	}
	return more.minus(less)
}

// crossing is where the bound would be met if shares stayed shares, and limits
// limits, as they are for a supply grown by y; endless where they aren't met.
func (c *cut) crossing(y amount) amount {
	fixed, less, ppm := c.value, amount{}, uint64(0)
	for _, e := range c.across {
		share := c.supply.plus(y).part(e.arc.SharePPM)
		less = less.plus(capacity(&e.arc, c.supply.plus(c.at)))
		if whole := capacity(&e.arc, c.supply.plus(y)); whole.less(share) {
			fixed = fixed.plus(whole)
		} else {
			ppm += uint64(e.arc.SharePPM)
		}
	}
	// fixed - less + ppm × (supply + z) ÷ million = z
	sum := fixed.times(million).plus(c.supply.times(ppm))
	if ppm >= million || !sum.less(endless) {
		return endless
	}
	q, _ := sum.minus(less.times(million)).over(million - ppm)
	return q
}
