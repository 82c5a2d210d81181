package sim

import (
	"slices"
	"strconv"

	"potluck"
	"potluck/ledger/credit"
)

func itoa(i int32) string { return strconv.Itoa(int(i)) }

const (
	ring     = 32 // members of a ring of pointers at most
	dry      = 30 // days of refusals until a whitewasher takes a new key
	takeback = 30 // days until credit that was pointed away is taken back
)

// gang lists the members of a member's group, at most a ring of them, itself first.
func (w *world) gang(i int32) []int32 {
	out := []int32{i}
	for j := i + 1; int(j) < w.members && w.nodes[j].group == w.nodes[i].group && len(out) < ring; j++ {
		out = append(out, j)
	}
	for j := i - 1; j >= 0 && w.nodes[j].group == w.nodes[i].group && len(out) < ring; j-- {
		out = slices.Insert(out, 0, j)
	}
	return out
}

// acquainted lists the friends of a node that hold for others.
func (w *world) acquainted(i int32) []int32 {
	var out []int32
	for _, r := range w.nodes[i].refs {
		if w.links[r.link].friend && w.nodes[r.peer].book != nil {
			out = append(out, r.peer)
		}
	}
	return out
}

// conspire lets a dishonest member sign what it signs at the start: a Sybil or a
// cycler a ring of pointers through its group, at each of its friends.
func (w *world) conspire(i int32) {
	if s := w.strategy(i); s != Sybil && s != Cycler || !w.pointing() {
		return
	}
	gang := w.gang(i)
	if len(gang) < 2 {
		return
	}
	for _, host := range w.acquainted(i) {
		for k, x := range gang {
			next := gang[(k+1)%len(gang)]
			if x != host && next != host {
				w.point(x, next, host, credit.NoLimit, false)
				w.touch(w.meet(host, next))
			}
		}
	}
}

// scheme is the daily move of a member that isn't honest.
func (w *world) scheme(i int32) {
	switch w.strategy(i) {
	case Whitewasher:
		w.whitewash(i)
	case RevokeAfterUse:
		w.revoke(i)
	}
}

// whitewash leaves without a word when nothing was taken for a month, and comes
// back as somebody new, with half as many friends as people have, all of whom are
// strangers to the former key.
func (w *world) whitewash(i int32) {
	n := &w.nodes[i]
	if n.placed >= w.target(i) {
		n.turn = 0
		return
	}
	if n.turn++; n.turn < dry {
		return
	}
	again := *n
	j := int32(len(w.nodes))
	again.server, again.owner = j, j
	again.book = credit.New(w.s.MaxHops)
	again.refs, again.batches = nil, nil
	again.placed, again.lost, again.evicted, again.held, again.up, again.turn, again.away = 0, 0, 0, 0, 0, 0, 0
	former := n.refs
	w.vanish(i)
	w.nodes = append(w.nodes, again)
	w.names = append(w.names, name(int(j)))
	w.scratch.seen = append(w.scratch.seen, 0)
	w.absent = append(w.absent, 0)
	w.rotten = append(w.rotten, false)
	if int(j)/64 == len(w.odd) {
		w.odd = append(w.odd, 0)
	}
	w.record("new-key", i, j, w.nodes[i].placed, "")
	w.befriendOthers(j, former, max(1, w.s.Topology.Degree/2))
	w.begin(j)
}

func (w *world) befriendOthers(j int32, former []ref, friends int) {
	for tries := 0; friends > 0 && tries < 20*friends+20; tries++ {
		p := int32(w.rng.IntN(w.members))
		known := slices.ContainsFunc(former, func(r ref) bool { return r.peer == p })
		if known || !w.nodes[p].present || w.strategy(p) == Whitewasher || w.find(j, p) >= 0 {
			continue
		}
		w.friends(j, p)
		friends--
	}
}

// revoke points all credit at each friend to the next of the group; after a month
// it takes that back and points to the one after it. What was carried stays
// frozen (CREDIT.md, section 5).
func (w *world) revoke(i int32) {
	n := &w.nodes[i]
	n.turn++
	if !w.pointing() || n.turn%takeback != 1 {
		return
	}
	gang := w.gang(i)
	if len(gang) < 2 {
		return
	}
	me := slices.Index(gang, i)
	pick := func(round int) int32 { return gang[(me+1+round%(len(gang)-1))%len(gang)] }
	round := int(n.turn / takeback)
	for _, host := range w.acquainted(i) {
		if to := pick(round); to != host {
			w.withdraw(i, host)
			w.point(i, to, host, credit.NoLimit, false)
			w.touch(w.meet(host, to))
		}
	}
}

// withdraw revokes an issuer's pointers at a host: each stays, frozen, at what it
// carries now.
func (w *world) withdraw(issuer, host int32) {
	book := w.nodes[host].book
	carried := book.Carried(w.names[issuer])
	l := w.meet(host, issuer)
	arcs := w.asides[l].arcs[:0]
	for _, f := range carried {
		if f.Bytes == 0 {
			continue
		}
		at := slices.IndexFunc(arcs, func(a credit.Arc) bool { return a.To == f.To })
		if at >= 0 {
			arcs[at].Limit += f.Bytes
			continue
		}
		arcs = append(arcs, credit.Arc{From: f.From, To: f.To, Limit: f.Bytes, SharePPM: credit.NoShare, Frozen: true, Order: w.now})
	}
	w.asides[l].arcs = arcs
	book.SetArcs(w.names[issuer], arcs)
	w.nodes[host].moved = true
	w.record("revoked", issuer, host, total(carried), "")
}

func total(flows []credit.Flow) (sum potluck.Size) {
	for _, f := range flows {
		sum += f.Bytes
	}
	return sum
}
