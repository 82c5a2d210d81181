package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// Witness is an observer that is also told of single asks and accounts, so that a
// run can be held against real nodes.
type Witness interface {
	Observer
	Ask(Ask) error         // in their order
	Account(Account) error // at the end, by node and peer
}

// Ask is a host's answer to an owner that wants so many more bytes held.
type Ask struct {
	Time        int64 // seconds from the start
	Owner, Host int
	Bytes       potluck.Size
	Taken       bool
}

// Account is how a peer stands at a node.
type Account struct {
	Node, Peer          int
	Held, Earned, Short potluck.Size // by the node for it; by it for the node; what nothing covers
	Step                credit.Step
}

// asked tells a witness of an answer.
func (w *world) asked(l int32, size potluck.Size, taken bool) {
	if x, ok := w.o.(Witness); ok && w.err == nil {
		k := &w.links[l]
		w.err = x.Ask(Ask{Time: w.now, Owner: int(k.peer), Host: int(k.node), Bytes: size, Taken: taken})
	}
}

// accounts tells a witness how all stand.
func (w *world) accounts() {
	x, ok := w.o.(Witness)
	for i := range w.nodes {
		for _, r := range w.nodes[i].refs {
			if !ok || w.err != nil {
				return
			}
			k := &w.links[r.link]
			w.err = x.Account(Account{Node: i, Peer: int(r.peer), Held: k.held, Earned: k.earned, Short: w.asides[r.link].short, Step: k.step})
		}
	}
}
