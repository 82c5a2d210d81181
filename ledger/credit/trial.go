package credit

// unpark forgets what is parked; the flow must be computed anew.
func (v *vertex) unpark() { v.supply, v.parked = v.own(), amount{} }

// change is one number of the flow before it was changed.
type change struct {
	what   what
	v      *vertex
	e      *edge
	before amount
}

type what uint8

const (
	flowOf what = iota
	usedOf
	servedOf
)

func (b *Book) setFlow(e *edge, f amount) {
	if f == e.flow {
		return
	}
	if b.trying {
		b.journal = append(b.journal, change{flowOf, nil, e, e.flow})
	}
	b.cross(e, false)
	e.flow = f
	b.cross(e, true)
	b.mind(e)
}

func (b *Book) setUsed(v *vertex, u amount) {
	if b.trying {
		b.journal = append(b.journal, change{usedOf, v, nil, v.used})
	}
	before := v.spare()
	v.used = u
	b.mindEnd(v, fed, before)
}

func (b *Book) setServed(v *vertex, s amount) {
	if b.trying {
		b.journal = append(b.journal, change{servedOf, v, nil, v.served})
	}
	before := v.end(short)
	v.served = s
	b.mindEnd(v, short, before)
}

// point is a state of the flow to which a trial can go back.
type point struct {
	journal int
	reach   [2]struct {
		on   bool
		left amount
	}
	first bool // no path was led since
}

// try notes changes of the flow until undo.
func (b *Book) try() {
	for s := range b.reach {
		if b.reach[s].on {
			b.know(side(s))
		}
	}
	b.trying, b.journal = true, b.journal[:0]
	b.start = b.point()
	b.start.first = true
	b.round++
}

func (b *Book) point() (p point) {
	p.journal = len(b.journal)
	for s, r := range b.reach {
		p.reach[s].on, p.reach[s].left = r.on, r.left
	}
	return p
}

func (b *Book) undo() {
	b.back(b.start)
	b.trying = false
}

// keep ends the trial and leaves the flow as it is.
func (b *Book) keep() {
	b.trying = false
	clear(b.journal)
	b.journal = b.journal[:0]
}

// back goes back to a point of the trial.
func (b *Book) back(to point) {
	late := b.journal[to.journal:]
	for i := len(late) - 1; i >= 0; i-- {
		switch c := &late[i]; c.what {
		case flowOf:
			b.cross(c.e, false)
			c.e.flow = c.before
			b.cross(c.e, true)
		case usedOf:
			before := c.v.spare()
			c.v.used = c.before
			b.mindEnd(c.v, fed, before)
		case servedOf:
			before := c.v.end(short)
			c.v.served = c.before
			b.mindEnd(c.v, short, before)
		}
	}
	clear(late) // keep no vertex alive that leaves the graph
	b.journal = b.journal[:to.journal]
	for s := range b.reach {
		b.reach[s].on, b.reach[s].left = to.reach[s].on, to.reach[s].left
	}
}
