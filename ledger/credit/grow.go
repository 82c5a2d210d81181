package credit

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
	c := b.cut(v, amount{}, need, true)
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
				e.cap = capacity(&e.arc, v.supply.plus(enough))
				b.mind(e)
			}
		}
		taken := need.plus(b.pull(v, short, enough.minus(need)))
		if taken.less(enough) {
			c = b.cut(v, enough, taken, false)
		}
		for _, e := range v.out {
			if e.shares() {
				e.cap = capacity(&e.arc, v.supply)
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

// cut is the one nearest to those who are short: more on the arcs across it
// reaches them. Without the tree it isn't known; more arcs bound from above what
// larger supply takes, fewer what smaller supply takes.
func (b *Book) cut(v *vertex, at, value amount, larger bool) cut {
	b.across = b.across[:0]
	for _, e := range v.out {
		if known := b.trees[short].on; e.shares() && (known && e.to.stems[short].in || !known && larger) {
			b.across = append(b.across, e)
		}
	}
	return cut{v.supply, at, value, b.across}
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
