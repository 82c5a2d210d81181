package credit

import (
	"cmp"
	"slices"

	"potluck"
)

// fund is a Fund with its exact amount.
type fund struct {
	via   []ID
	bytes amount
}

// decompose tells for each peer of the graph by which chains its bytes are
// funded: first each peer's own supply, then in the order of accounts the nearest
// that is left, and last what asker asks, which the flow must carry too.
func (b *Book) decompose(asker *vertex, asked amount) (present map[*vertex][]fund, ask []fund) {
	present = make(map[*vertex][]fund, len(b.linked))
	var rest []*vertex
	for _, v := range b.linked {
		own := least(v.used, v.served)
		v.left, v.need = v.used.minus(own), v.served.minus(own)
		for _, e := range v.out {
			e.left = e.flow
		}
		if !own.isZero() {
			present[v] = []fund{{via: []ID{}, bytes: own}}
		}
		if !v.need.isZero() {
			rest = append(rest, v)
		}
	}
	slices.SortFunc(rest, compareServed)
	for _, v := range rest {
		present[v] = b.unravel(v, v.need, present[v])
	}
	if asker != nil {
		ask = b.unravel(asker, asked, nil)
	}
	return present, ask
}

// unravel takes chains that bring need bytes to v out of what is left.
func (b *Book) unravel(v *vertex, need amount, funds []fund) []fund {
	for !need.isZero() {
		source := b.walk(v, leaving)
		if source == nil {
			return funds
		}
		q := b.narrowest(source, v, leaving, least(need, source.left))
		source.left = source.left.minus(q)
		via := []ID{}
		for u := source; u != v; u = u.via.to {
			u.via.left = u.via.left.minus(q)
			via = append(via, u.peer.ID)
		}
		funds = merge(funds, fund{via, q})
		need = need.minus(q)
	}
	return funds
}

// merge appends a fund, or adds it to the one with the same chain: parallel arcs
// give one chain.
func merge(funds []fund, f fund) []fund {
	for i := range funds {
		if slices.Equal(funds[i].via, f.via) {
			funds[i].bytes = funds[i].bytes.plus(f.bytes)
			return funds
		}
	}
	return append(funds, f)
}

// fundAsk tells how an ask that fits would be funded.
func (b *Book) fundAsk(n *node, asked amount) []fund {
	if asked.isZero() {
		return nil
	}
	if n.net == nil {
		return []fund{{via: []ID{}, bytes: asked}}
	}
	b.settle()
	b.try()
	defer b.undo()
	b.forget() // until then
	n.net.need = asked
	b.route([]*vertex{n.net})
	_, ask := b.decompose(n.net, asked)
	return ask
}

// fundPresent tells how what is funded of a peer's bytes is funded.
func (b *Book) fundPresent(n *node) []fund {
	if n.net == nil {
		if own := least(supplyOf(&n.Peer), demandOf(&n.Peer)); !own.isZero() {
			return []fund{{via: []ID{}, bytes: own}}
		}
		return nil
	}
	b.settle()
	if b.funding == nil {
		b.funding, _ = b.decompose(nil, amount{})
	}
	return b.funding[n.net]
}

func published(funds []fund) []Fund {
	out := make([]Fund, len(funds))
	for i, f := range funds {
		out[i] = Fund{Via: slices.Clone(f.via), Bytes: f.bytes.size()}
	}
	return out
}

// Fund tells how an ask would be funded, nearest first; the bytes sum to asked.
// nil if the ask is nothing or doesn't fit. The bytes that are held already keep
// the nearest funding; the ask gets what remains.
func (b *Book) Fund(x ID, asked potluck.Size) []Fund {
	if asked <= 0 || !b.Fits(x, asked) {
		return nil
	}
	return published(b.fundAsk(b.peers[x], amountOf(asked)))
}

// Funding tells how the present bytes of x are funded, nearest first; the bytes
// sum to its demand less its shortfall.
func (b *Book) Funding(x ID) []Fund {
	n := b.peers[x]
	if n == nil {
		return nil
	}
	return published(b.fundPresent(n))
}

// Carried gives what each arc from a peer carries in the canonical flow, by
// beneficiary, live before frozen.
func (b *Book) Carried(from ID) []Flow {
	if n := b.peers[from]; n != nil && n.net != nil {
		return b.flows(n.net.out)
	}
	return nil
}

// Into gives what each arc to a peer carries in the canonical flow, by issuer,
// live before frozen.
func (b *Book) Into(to ID) []Flow {
	if n := b.peers[to]; n != nil && n.net != nil {
		return b.flows(n.net.in)
	}
	return nil
}

func (b *Book) flows(edges []*edge) []Flow {
	b.settle()
	out := make([]Flow, len(edges))
	for i, e := range edges {
		out[i] = Flow{From: e.from.peer.ID, To: e.to.peer.ID, Bytes: e.flow.size(), Capacity: e.cap.size(), Frozen: e.arc.Frozen, Order: e.arc.Order}
	}
	slices.SortStableFunc(out, func(x, y Flow) int {
		c := cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
		switch {
		case c != 0 || x.Frozen == y.Frozen:
			return c
		case y.Frozen:
			return -1
		}
		return 1
	})
	return out
}

// Shortfalls gives the unfunded part of each account that has one, by peer ID:
// the least in total, and of that the newest bytes of the peers farthest out.
// Empty when the books are feasible, and then it takes O(1) unless arcs changed.
func (b *Book) Shortfalls() []Shortfall {
	b.settle()
	var out []Shortfall
	add := func(n *node) {
		out = append(out, Shortfall{ID: n.ID, Bytes: n.shortfall().size()})
	}
	still := b.poor[:0]
	for _, n := range b.poor {
		if n.poor = n.net == nil && !n.shortfall().isZero(); n.poor {
			still = append(still, n)
			add(n)
		}
	}
	clear(b.poor[len(still):])
	b.poor = still
	for _, v := range b.hungry {
		if v.pos >= 0 && v.short() {
			add(v.peer)
		}
	}
	slices.SortFunc(out, func(x, y Shortfall) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// shortfall is right once the book is settled.
func (n *node) shortfall() amount {
	if n.net != nil {
		return n.net.demand.minus(n.net.served)
	}
	return demandOf(&n.Peer).minus(supplyOf(&n.Peer))
}
