package sim

import (
	"fmt"
	"slices"
	"strconv"

	"potluck"
	"potluck/ledger/credit"
)

func name(i int) credit.ID { return credit.ID(fmt.Sprintf("n%07d", i)) }

// number is name undone.
func number(id credit.ID) int32 {
	i, err := strconv.Atoi(string(id[1:]))
	if err != nil {
		panic("node " + string(id) + " has no number")
	}
	return int32(i)
}

func search(refs []ref, peer int32) (int, bool) {
	return slices.BinarySearchFunc(refs, peer, func(r ref, p int32) int { return int(r.peer - p) })
}

// find gives a node's view of a peer; -1 if they don't know each other.
func (w *world) find(i, peer int32) int32 {
	refs := w.nodes[i].refs
	if k, ok := search(refs, peer); ok {
		return refs[k].link
	}
	return -1
}

// meet gives a node's view of a peer, making both views when there are none.
func (w *world) meet(i, peer int32) int32 {
	if l := w.find(i, peer); l >= 0 {
		return l
	}
	l := int32(len(w.links))
	w.links = append(w.links, link{node: i, peer: peer, twin: l + 1, member: w.nodes[peer].owner == peer},
		link{node: peer, peer: i, twin: l, member: w.nodes[i].owner == i})
	w.asides = append(w.asides, aside{}, aside{})
	w.refer(i, peer, l)
	w.refer(peer, i, l+1)
	return l
}

func (w *world) refer(i, peer, l int32) {
	n := &w.nodes[i]
	k, _ := search(n.refs, peer)
	n.refs = slices.Insert(n.refs, k, ref{peer: peer, link: l})
}

// befriend makes two nodes friends, each in the other's book.
func (w *world) befriend(a, b int32) {
	l := w.meet(a, b)
	w.links[l].friend, w.links[w.links[l].twin].friend = true, true
	w.touch(l)
}

// put brings what a link says into the node's book.
func (w *world) put(l int32) {
	k := &w.links[l]
	n := &w.nodes[k.node]
	if n.book == nil {
		return
	}
	w.row(k).Put(w.peer(k))
	n.moved = true
	if w.s.Check {
		w.touched = append(w.touched, k.node)
	}
}

// row is the peer's in the node's book, which there must be.
func (w *world) row(k *link) credit.Row {
	if k.row == (credit.Row{}) {
		k.row = w.nodes[k.node].book.Row(w.names[k.peer])
	}
	return k.row
}

// peer is what a node's book is to say of a peer. A friend with two keys has the
// trust line and the gift once, for the key that stores.
func (w *world) peer(k *link) credit.Peer {
	p := credit.Peer{Friend: k.friend, Denied: k.denied, Frozen: k.step >= credit.StepFrozen, RatioPPM: w.policy.RatioPPM,
		Earned: k.earned, Held: k.held, Loans: k.loans, Newest: int64(k.newest)}
	if k.friend && k.member {
		p.Gift, p.Opening = w.policy.Gift, w.policy.Opening
		if w.policy.Reciprocity == "none" {
			p.Gift = potluck.MaxSize
		}
	}
	return p
}
