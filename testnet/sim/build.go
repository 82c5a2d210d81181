package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// people makes the members.
func (w *world) people() {
	for g := range w.s.Groups {
		w.members += w.s.Groups[g].Count
	}
	w.nodes = make([]node, 0, w.members+w.members/8)
	for g := range w.s.Groups {
		for k := range w.s.Groups[g].Count {
			w.member(g, k)
		}
		w.homes++
		w.providers++
	}
}

// splits gives some members' servers keys of their own: all that a smaller part
// would give them to, and more.
func (w *world) splits() {
	for i := range w.members {
		if w.rng.Float64() < w.group(int32(i)).SplitKeys {
			w.split(int32(i))
		}
	}
	w.scratch.seen = make([]uint64, len(w.nodes))
	w.absent = make([]int64, len(w.nodes))
	w.rotten = make([]bool, len(w.nodes))
	w.odd = make([]uint64, len(w.nodes)/64+1)
}

// acquaint makes the friendships, and what dishonest members sign at once.
func (w *world) acquaint() {
	social := w.social()
	edges := w.s.Topology.edges(len(social), w.rng)
	w.links = make([]link, 0, 2*len(edges))
	w.asides = make([]aside, 0, 2*len(edges))
	for _, e := range edges {
		w.friends(social[e[0]], social[e[1]])
	}
	for i := range w.members {
		w.conspire(int32(i))
	}
	w.arrange()
}

// arrange puts the links of each node side by side, and the nodes in the order in
// which their days begin: memory is then read as it lies.
func (w *world) arrange() {
	place := make([]int32, len(w.links))
	all := make([]ref, 0, len(w.links))
	order := w.queue.nodes(tendDue)
	for i := range w.nodes {
		if !w.nodes[i].present { // its days haven't begun
			order = append(order, int32(i))
		}
	}
	for _, i := range order {
		n := &w.nodes[i]
		first := len(all)
		for _, r := range n.refs {
			place[r.link], r.link = int32(len(all)), int32(len(all))
			all = append(all, r)
		}
		n.refs = all[first:len(all):len(all)]
	}
	links, asides := make([]link, len(w.links)), make([]aside, len(w.links))
	for l, to := range place {
		links[to], asides[to] = w.links[l], w.asides[l]
		links[to].twin = place[w.links[l].twin]
	}
	w.links, w.asides = links, asides
}

// member adds the next node, the k-th of its group.
func (w *world) member(group, k int) {
	g := &w.s.Groups[group]
	i := int32(len(w.nodes))
	if k%max(1, g.Household) == 0 {
		w.homes++
	}
	if k%max(1, g.ISP) == 0 {
		w.providers++
	}
	n := node{group: int32(group), server: i, owner: i, home: w.homes, isp: w.providers,
		present: !g.JoinedByEvents, alive: true, book: credit.New(w.s.MaxHops),
		capacity: w.lognormal(g.Capacity, g.CapacitySigma), demand: w.lognormal(g.Demand, g.DemandSigma)}
	n.room = n.capacity
	switch g.Strategy {
	case FreeRider, Whitewasher, Sybil, Cycler:
		n.capacity, n.room = 0, 0
	case DropAfterAck:
		n.room = 0
	case Liar:
		n.capacity *= overstated
	}
	n.unit = w.s.Workload.unit(n.demand, w.policy)
	w.nodes = append(w.nodes, n)
	w.names = append(w.names, name(int(i)))
}

// unit is what a member with such a demand places at once. Where openings are
// small a share is a quarter of one at most, or no two could ever begin.
func (x Workload) unit(demand potluck.Size, p Policy) potluck.Size {
	if x.Unit > 0 {
		return x.Unit
	}
	u := demand / unitsPerMember
	if p.Reciprocity != "none" && p.Opening > 0 {
		u = max(demand/mostUnits, min(u, p.Opening*potluck.Size(p.K)/4))
	}
	return max(1, u)
}

const (
	unitsPerMember = 16
	mostUnits      = 512
	overstated     = 10 // by what a liar multiplies its room
)

// split gives a member's server a key of its own.
func (w *world) split(i int32) {
	m := &w.nodes[i]
	s := int32(len(w.nodes))
	server := *m
	server.server, server.owner = s, i
	server.demand, server.unit = 0, 0
	m.server, m.book, m.capacity, m.room = s, nil, 0, 0
	w.nodes = append(w.nodes, server)
	w.names = append(w.names, name(int(s)))
}

// social lists the members that people know: not yet those who come later, and
// of a Sybil only the one behind it. A file names all members.
func (w *world) social() []int32 {
	var out []int32
	previous := int32(-1)
	for i := range int32(w.members) {
		g := w.group(i)
		invented := g.Strategy == Sybil && w.nodes[i].group == previous
		previous = w.nodes[i].group
		if w.s.Topology.Kind == "file" || !invented && !g.JoinedByEvents {
			out = append(out, i)
		}
	}
	return out
}

// friends makes friends of two members: of all of their nodes.
func (w *world) friends(a, b int32) {
	sa, sb := w.nodes[a].server, w.nodes[b].server
	w.befriend(a, sb)
	if sa != a {
		w.befriend(sa, sb)
	}
	if sb != b {
		w.befriend(b, sa)
	}
	w.direct(sa, a, sb)
	w.direct(sb, b, sa)
}

// direct lets a server with a key of its own point its credit at a host to the
// member it works for.
func (w *world) direct(server, owner, host int32) {
	if server != owner && w.pointing() {
		w.point(server, owner, host, credit.NoLimit, false)
	}
}

// begin lets a node's time start.
func (w *world) begin(i int32) {
	n := &w.nodes[i]
	if !n.present {
		return
	}
	g := w.group(i)
	n.born, n.since = w.now, w.now
	w.queue.add(w.now+w.rng.Int64N(day), tendDue, i)
	if w.s.Workload.Kind == "pairs" && n.owner == i {
		w.queue.add(w.now+w.pause(), askDue, i)
	}
	if n.owner == i {
		w.again(g.Leave, leaveDue, i)
	}
	if n.server != i {
		return // who has a second machine is taken to be there to ask
	}
	u := uptime(g)
	if u.Session > 0 {
		w.queue.add(w.now+w.weibull(u.Session, u.Shape), goes, i)
	}
	if u.Night {
		w.queue.add(w.hour(23, u.Zone), dusk, i)
	}
	w.again(g.DiskDeath, deathDue, i)
}

// uptime is what a group's strategy makes of its uptime.
func uptime(g *Group) Uptime {
	u := g.Uptime
	switch g.Strategy {
	case Flaky:
		if u.Session == 0 {
			u.Session, u.Absence = 8*3600, 16*3600
		}
	case Nightly:
		u.Night = true
	}
	return u
}

// again plans what comes rate times a year.
func (w *world) again(rate float64, k kind, i int32) {
	if t := w.wait(rate); t > 0 {
		w.queue.add(w.now+t, k, i)
	}
}

// pause is how long until a member asks again, of workload pairs.
func (w *world) pause() int64 { return w.wait(w.s.Workload.PerDay * 365) }
