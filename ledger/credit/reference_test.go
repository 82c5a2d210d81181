package credit

import (
	"cmp"
	"math/big"
	"slices"

	"potluck"
)

// model is the dumb book: what was put, and nothing computed. Every answer is
// computed from scratch, by Edmonds and Karp over big integers.
type model struct {
	hops  int
	peers map[ID]Peer
	arcs  map[ID][]Arc
}

func (m *model) put(p Peer) { m.peers[p.ID] = p }

func (m *model) bare(id ID) {
	if _, ok := m.peers[id]; !ok {
		m.peers[id] = Peer{ID: id, RatioPPM: million}
	}
}

func (m *model) remove(id ID) {
	delete(m.peers, id)
	delete(m.arcs, id)
	for from, arcs := range m.arcs {
		m.arcs[from] = slices.DeleteFunc(slices.Clone(arcs), func(a Arc) bool { return a.To == id })
	}
}

func (m *model) setArcs(from ID, arcs []Arc) {
	if _, ok := m.peers[from]; !ok && len(arcs) == 0 {
		return
	}
	m.bare(from)
	m.arcs[from] = slices.Clone(arcs)
	for _, a := range arcs {
		m.bare(a.To)
	}
}

func (m *model) ids() []ID {
	var all []ID
	for id := range m.peers {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// rebuilt is a Book of the same content that has no history.
func (m *model) rebuilt() *Book {
	b := New(m.hops)
	for _, id := range m.ids() {
		b.Put(m.peers[id])
	}
	for _, id := range m.ids() {
		b.SetArcs(id, m.arcs[id])
	}
	return b
}

func huge(n potluck.Size) *big.Int { return big.NewInt(int64(n)) }

func sum(parts ...*big.Int) *big.Int {
	s := new(big.Int)
	for _, p := range parts {
		s.Add(s, p)
	}
	return s
}

func ppm(n *big.Int, share int64) *big.Int {
	x := new(big.Int).Mul(n, big.NewInt(share))
	return x.Div(x, big.NewInt(1_000_000))
}

func (m *model) supply(id ID) *big.Int {
	p := m.peers[id]
	return sum(ppm(huge(p.Earned), p.RatioPPM), huge(p.Gift), huge(p.Opening), huge(p.Paid))
}

func (m *model) demand(id ID) *big.Int {
	p := m.peers[id]
	return sum(huge(p.Held), huge(p.Reserved), huge(p.Loans))
}

var unbounded = new(big.Int).Lsh(big.NewInt(1), 120)

func (m *model) capacity(a Arc) *big.Int {
	c := unbounded
	if a.Limit >= 0 {
		c = huge(a.Limit)
	}
	if s := ppm(m.supply(a.From), a.SharePPM); a.SharePPM >= 0 && !a.Frozen && s.Cmp(c) < 0 {
		c = s
	}
	return c
}

func (m *model) distances() map[ID]int {
	dist := map[ID]int{}
	for id, p := range m.peers {
		if p.Friend {
			dist[id] = 0
		}
	}
	for d := 1; d <= m.hops; d++ {
		for id, near := range dist {
			for _, a := range m.arcs[id] {
				if _, ok := dist[a.To]; !ok && near == d-1 {
					dist[a.To] = d
				}
			}
		}
	}
	return dist
}

// usable are the arcs of the graph.
func (m *model) usable() (arcs []Arc) {
	dist := m.distances()
	for _, from := range m.ids() {
		if d, ok := dist[from]; !ok || d+1 > m.hops {
			continue
		}
		for _, a := range m.arcs[from] {
			if a.To != from {
				a.From = from
				arcs = append(arcs, a)
			}
		}
	}
	return arcs
}

// network is a plain matrix of residual capacities: source, sink, peers.
type network struct {
	ids []ID
	cap [][]*big.Int
}

const (
	source = 0
	sink   = 1
)

func (m *model) network(demands map[ID]*big.Int) *network {
	n := &network{ids: m.ids()}
	n.cap = make([][]*big.Int, len(n.ids)+2)
	for i := range n.cap {
		n.cap[i] = make([]*big.Int, len(n.cap))
		for j := range n.cap {
			n.cap[i][j] = new(big.Int)
		}
	}
	for i, id := range n.ids {
		n.cap[source][i+2] = m.supply(id)
		n.cap[i+2][sink] = new(big.Int).Set(demands[id])
	}
	for _, a := range m.usable() {
		c := n.cap[n.at(a.From)][n.at(a.To)]
		c.Add(c, m.capacity(a))
	}
	return n
}

func (n *network) at(id ID) int { return slices.Index(n.ids, id) + 2 }

func (n *network) maxflow() *big.Int {
	total := new(big.Int)
	for {
		from := map[int]int{source: source}
		queue := []int{source}
		for len(queue) > 0 {
			u := queue[0]
			queue = queue[1:]
			for v := range n.cap {
				if _, ok := from[v]; !ok && n.cap[u][v].Sign() > 0 {
					from[v] = u
					queue = append(queue, v)
				}
			}
		}
		if _, ok := from[sink]; !ok {
			return total
		}
		q := n.cap[from[sink]][sink]
		for v := sink; v != source; v = from[v] {
			if n.cap[from[v]][v].Cmp(q) < 0 {
				q = n.cap[from[v]][v]
			}
		}
		q = new(big.Int).Set(q)
		for v := sink; v != source; v = from[v] {
			n.cap[from[v]][v].Sub(n.cap[from[v]][v], q)
			n.cap[v][from[v]].Add(n.cap[v][from[v]], q)
		}
		total.Add(total, q)
	}
}

func (m *model) demands() map[ID]*big.Int {
	d := map[ID]*big.Int{}
	for id := range m.peers {
		d[id] = m.demand(id)
	}
	return d
}

func (m *model) feasible(extra ID, asked *big.Int) bool {
	d := m.demands()
	d[extra] = sum(d[extra], asked)
	want := new(big.Int)
	for _, n := range d {
		want.Add(want, n)
	}
	return m.network(d).maxflow().Cmp(want) == 0
}

// free is the maximum flow with x unbounded less the maximum flow.
func (m *model) free(x ID) *big.Int {
	d := m.demands()
	now := m.network(d).maxflow()
	d[x] = unbounded
	return new(big.Int).Sub(m.network(d).maxflow(), now)
}

// served is what each account is served, in the order of accounts.
func (m *model) served() map[ID]*big.Int {
	served := map[ID]*big.Int{}
	for id := range m.peers {
		served[id] = m.supply(id)
		if d := m.demand(id); d.Cmp(served[id]) < 0 {
			served[id] = d
		}
	}
	order, dist := m.ids(), m.distances()
	far := func(id ID) int {
		if d, ok := dist[id]; ok {
			return d
		}
		return 1 << 30
	}
	slices.SortFunc(order, func(a, b ID) int {
		return cmp.Or(cmp.Compare(far(a), far(b)), cmp.Compare(m.peers[a].Newest, m.peers[b].Newest), cmp.Compare(a, b))
	})
	for _, id := range order {
		others := new(big.Int)
		for other, n := range served {
			if other != id {
				others.Add(others, n)
			}
		}
		served[id] = m.demand(id)
		served[id] = new(big.Int).Sub(m.network(served).maxflow(), others)
	}
	return served
}

// fewestHops is the least cost of a flow that serves so much, one hop costing 1
// a byte: Bellman and Ford, one path at a time.
func (m *model) fewestHops(served map[ID]*big.Int) *big.Int {
	n := m.network(served)
	cost := make([][]int, len(n.cap))
	for i := range cost {
		cost[i] = make([]int, len(n.cap))
	}
	arcs := m.usable()
	for _, a := range arcs {
		cost[n.at(a.From)][n.at(a.To)] = 1
	}
	// Antiparallel arcs would share a cell of the matrix with their residual.
	var split [][2]int
	for _, a := range arcs {
		u, v := n.at(a.From), n.at(a.To)
		if cost[v][u] == 1 && u < v && !slices.Contains(split, [2]int{u, v}) {
			split = append(split, [2]int{u, v})
		}
	}
	for _, uv := range split {
		n.split(&cost, uv[0], uv[1])
	}
	for u := range cost {
		for v := range cost {
			if cost[u][v] > 0 {
				cost[v][u] = -cost[u][v]
			}
		}
	}
	total := new(big.Int)
	for {
		const far = 1 << 30
		dist, from := make([]int, len(n.cap)), make([]int, len(n.cap))
		for i := range dist {
			dist[i] = far
		}
		dist[source] = 0
		for range dist {
			for u := range dist {
				for v := range dist {
					if dist[u] < far && n.cap[u][v].Sign() > 0 && dist[u]+cost[u][v] < dist[v] {
						dist[v], from[v] = dist[u]+cost[u][v], u
					}
				}
			}
		}
		if dist[sink] == far {
			return total
		}
		q := n.cap[from[sink]][sink]
		for v := sink; v != source; v = from[v] {
			if n.cap[from[v]][v].Cmp(q) < 0 {
				q = n.cap[from[v]][v]
			}
		}
		q = new(big.Int).Set(q)
		for v := sink; v != source; v = from[v] {
			n.cap[from[v]][v].Sub(n.cap[from[v]][v], q)
			n.cap[v][from[v]].Add(n.cap[v][from[v]], q)
		}
		total.Add(total, q.Mul(q, big.NewInt(int64(dist[sink]))))
	}
}

// split leads the arc u→v over a vertex of its own, at the same cost.
func (n *network) split(cost *[][]int, u, v int) {
	for i := range n.cap {
		n.cap[i] = append(n.cap[i], new(big.Int))
		(*cost)[i] = append((*cost)[i], 0)
	}
	w := len(n.cap)
	row := make([]*big.Int, w+1)
	for i := range row {
		row[i] = new(big.Int)
	}
	n.cap = append(n.cap, row)
	*cost = append(*cost, make([]int, w+1))
	n.cap[u][w], n.cap[w][v], n.cap[u][v] = n.cap[u][v], new(big.Int).Set(n.cap[u][v]), new(big.Int)
	(*cost)[u][w], (*cost)[w][v], (*cost)[u][v] = 1, 0, 0
}
