package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// step is one lender on the way of a search, or the owner.
type step struct {
	node int32
	via  int32 // the lender's view of whom it lends to
	from int32 // the step before; -1: the owner's
	hops int32
}

// looks is how many friends one search for pointers asks at most.
const looks = 4096

// seek finds the nearest host that takes a share if friends along the way lend
// their credit, and lets them: each lender's own book must admit the loan. With
// a target it is that host or none.
func (w *world) seek(owner int32, size potluck.Size, target int32, chosen []candidate) (candidate, bool) {
	w.scratch.stamp++
	stamp := w.scratch.stamp
	front := append(w.scratch.front[:0], step{node: owner, via: -1, from: -1})
	defer func() { w.scratch.front = front[:0] }()
	w.scratch.seen[owner] = stamp
	looked := 0
	for at := 0; at < len(front); at++ {
		b := front[at]
		refs := w.nodes[b.node].refs
		if len(refs) == 0 {
			continue
		}
		start := w.rng.IntN(len(refs))
		for k := range refs {
			l := refs[(start+k)%len(refs)].link
			l = w.links[l].twin
			p := w.links[l].node
			h := &w.nodes[p]
			if w.scratch.seen[p] == stamp || h.book == nil || !w.links[l].friend || w.absent[p] > 0 {
				continue
			}
			if looked++; looked > looks {
				return candidate{}, false
			}
			if b.hops > 0 && (target < 0 || target == p) && !w.near(owner, chosen, p) && w.accepts(l, size) {
				if c, ok := w.lend(owner, p, front, int32(at), size); ok {
					return c, true
				}
			}
			if int(b.hops) < w.s.MaxHops && p != target && w.row(&w.links[l]).Fits(size) {
				w.scratch.seen[p] = stamp
				front = append(front, step{node: p, via: l, from: int32(at), hops: b.hops + 1})
			}
		}
	}
	return candidate{}, false
}

// lend makes the pointers from the last lender of a way down to the owner, for
// one host, and asks that host. If it refuses, nothing has changed.
func (w *world) lend(owner, host int32, front []step, last int32, size potluck.Size) (candidate, bool) {
	r := w.newRoute(host, size)
	x := &w.routes[r]
	for at := last; front[at].from >= 0; at = front[at].from {
		x.hops[x.n] = front[at].via
		x.n++
	}
	hops := x.n
	w.lay(r, size)
	l := w.meet(host, owner)
	w.touch(l)
	if !w.accepts(l, size) {
		w.unroute(r)
		return candidate{}, false
	}
	return candidate{link: l, route: r, hops: hops}, true
}

// touch puts both nodes of a link into each other's books.
func (w *world) touch(l int32) {
	w.put(l)
	w.put(w.links[l].twin)
}

func (w *world) newRoute(host int32, size potluck.Size) int32 {
	x := route{host: host, size: size}
	if k := len(w.free.routes); k > 0 {
		r := w.free.routes[k-1]
		w.free.routes = w.free.routes[:k-1]
		w.routes[r] = x
		return r
	}
	w.routes = append(w.routes, x)
	return int32(len(w.routes) - 1)
}

// lay changes the loans and pointers of a route by so many bytes. Where loans are
// repaid to those who lent, each borrower counts its lender's part as earned, and
// the last lender the host's: the books then move as if each hop held the bytes
// for the one before.
func (w *world) lay(r int32, size potluck.Size) {
	x := w.routes[r]
	for _, l := range x.hops[:x.n] {
		w.links[l].loans += size
		w.put(l)
		if w.policy.Reciprocity == "routed" {
			w.earn(l, size)
		}
		lender, borrower := w.links[l].node, w.links[l].peer
		w.point(lender, borrower, x.host, w.pointed(lender, borrower, x.host)+size, false)
	}
	if w.policy.Reciprocity == "routed" && x.n > 0 {
		w.earn(w.find(x.host, w.links[x.hops[0]].node), size)
	}
}

// pointing tells whether credit is pointed on.
func (w *world) pointing() bool {
	return w.policy.Reciprocity == "pointers" || w.policy.Reciprocity == "loans" || w.policy.Reciprocity == "routed"
}

// lending tells whether friends lend along paths.
func (w *world) lending() bool {
	return (w.policy.Reciprocity == "loans" || w.policy.Reciprocity == "routed") && w.s.MaxHops > 0
}

// unroute takes back what was lent; -1 is no route.
func (w *world) unroute(r int32) {
	if r >= 0 {
		w.lay(r, -w.routes[r].size)
		w.routes[r] = route{}
		w.free.routes = append(w.free.routes, r)
	}
}

// ask is one ask of workload pairs: somebody places a unit with somebody.
func (w *world) ask(i int32) {
	if !w.nodes[i].present {
		return
	}
	w.queue.add(w.now+w.pause(), askDue, i)
	j := int32(w.rng.IntN(w.members - 1))
	if j >= i {
		j++
	}
	host := w.nodes[j].server
	w.tally.asks++
	size := w.s.Workload.Unit
	if l := w.find(host, i); l >= 0 && w.accepts(l, size) {
		hops := int32(0)
		if w.owes(l) < size {
			hops = 1
		}
		w.grant(i, candidate{link: l, route: -1, hops: hops})
	} else if !w.lending() {
		w.tally.refused++
	} else if c, ok := w.seek(i, size, host, nil); ok {
		w.grant(i, c)
	} else {
		w.tally.refused++
	}
}

// grant places one unit with one host.
func (w *world) grant(i int32, c candidate) {
	size := w.s.Workload.Unit
	b := w.newBatch(i, size, size)
	c.gone = w.hold(c.link, size, c.route)
	w.settle(b, 0, c)
	w.nodes[i].batches = append(w.nodes[i].batches, b)
	w.nodes[i].placed += size
	w.tally.placed++
}

// point sets the issuer's pointer to a beneficiary at a host to a limit; frozen
// is one that was revoked and still carries. A limit of 0 takes it away.
func (w *world) point(issuer, to, host int32, limit potluck.Size, frozen bool) {
	l := w.meet(host, issuer)
	w.meet(host, to)
	k := &w.asides[l]
	at := -1
	for i := range k.arcs {
		if k.arcs[i].To == w.names[to] && k.arcs[i].Frozen == frozen {
			at = i
		}
	}
	switch {
	case at < 0 && limit == 0:
		return
	case at < 0:
		k.arcs = append(k.arcs, credit.Arc{From: w.names[issuer], To: w.names[to],
			Limit: limit, SharePPM: credit.NoShare, Frozen: frozen, Order: w.now})
	case limit == 0:
		k.arcs = append(k.arcs[:at], k.arcs[at+1:]...)
	default:
		k.arcs[at].Limit = limit
	}
	if n := &w.nodes[host]; n.book != nil {
		n.book.SetArcs(w.names[issuer], k.arcs)
		n.moved = true
	}
	if w.s.Check {
		w.touched = append(w.touched, host)
	}
}

// pointed is the limit of a live pointer; 0 when there is none.
func (w *world) pointed(issuer, to, host int32) potluck.Size {
	if l := w.find(host, issuer); l >= 0 {
		for _, a := range w.asides[l].arcs {
			if a.To == w.names[to] && !a.Frozen {
				return a.Limit
			}
		}
	}
	return 0
}
