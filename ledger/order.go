package ledger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// maxFrozen is the greatest number of frozen pointers that a new order may leave
// behind. An issuer whose old pointers carry more than that must wait until bytes
// have gone. When its order ends by itself, signed.MaxPointers more may come to it.
const maxFrozen = 512

// What peers that are no friends may bring into the network: a friend is answered
// for by the operator, but whom friends point to may be made by the thousand, and
// every answer walks over what they point to.
const (
	strangePointers = 64   // live pointers of one of them; with frozen ones twice as many
	allStrange      = 4096 // of all of them, live and frozen
)

// fileOrder writes an order, and freezes what its issuer's pointers carry beyond
// the new ones. Issuers that it declines, or declines no more, are looked at too.
func (t *tx) fileOrder(old, e *entry) error {
	if old != nil {
		e.frozen = old.frozen
	}
	t.putEntry(e)
	frozen := t.freeze(e)
	if e.rival == nil && e.key.issuer != t.graph.self {
		if err := t.fewPointers(old, e, frozen); err != nil {
			return err
		}
	}
	for _, issuer := range declinedDiffer(old, e) {
		if other := t.entry(orderKey(issuer)); other != nil {
			t.lay(other)
			t.freeze(other)
		}
	}
	return nil
}

// fewPointers refuses an order that brings more pointers into the network than its
// issuer may. One that brings no more than the order before is always taken: what
// was left out of the network would be forgotten with what it carries.
func (t *tx) fewPointers(old, e *entry, frozen int) error {
	if frozen > maxFrozen {
		return fmt.Errorf("%d pointers of %v still carry, at most %d may; wait until bytes have gone: %w", frozen, e.key.issuer, maxFrozen, ErrInvalid)
	}
	a, _, err := t.known(e.key.issuer)
	if err != nil || a != nil && a.Friend {
		return err
	}
	live := e.brings(t.graph.self)
	all, before, carrying := live+frozen, old.brings(t.graph.self), 0
	if old != nil {
		carrying = len(old.frozen)
	}
	switch {
	case live > max(strangePointers, before), all > max(2*strangePointers, before+carrying):
		return fmt.Errorf("%d pointers of %v, who is no friend, and %d that still carry; at most %d and together %d may: %w",
			live, e.key.issuer, frozen, strangePointers, 2*strangePointers, ErrInvalid)
	case all <= before+carrying:
		return nil
	}
	if others := t.graph.strange(e.key.issuer); others+all > allStrange {
		return fmt.Errorf("%d pointers of %v, and %d of others who are no friends, at most %d in all may be; wait until there are fewer: %w",
			all, e.key.issuer, others, allStrange, ErrInvalid)
	}
	return nil
}

// brings counts an order's pointers that are for this host.
func (e *entry) brings(self peer.ID) (n int) {
	if !e.running() {
		return 0
	}
	for _, p := range e.paper.order.Pointers {
		if p.To != self && (p.Host == "" || p.Host == self) {
			n++
		}
	}
	return n
}

// strange counts the pointers of peers that are no friends, but for one.
func (g *graph) strange(but peer.ID) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, e := range g.entries {
		if k.kind != signed.KindOrder || k.issuer == but || k.issuer == g.self {
			continue
		}
		if p, _ := g.book.Peer(credit.ID(k.issuer)); !p.Friend {
			n += e.brings(g.self) + len(e.frozen)
		}
	}
	return n
}

// declinedDiffer gives the issuers that only one of two orders declines.
func declinedDiffer(old, e *entry) []peer.ID {
	in := make(map[peer.ID]int)
	if old != nil {
		for _, p := range old.paper.order.Declined {
			in[p]++
		}
	}
	for _, p := range e.paper.order.Declined {
		in[p]++
	}
	maps.DeleteFunc(in, func(_ peer.ID, n int) bool { return n == 2 })
	return slices.Sorted(maps.Keys(in))
}

// mayLend asks the network for what this node's loans would add, one borrower
// after the other. It leaves the network as it was.
func (g *graph) mayLend(loans map[peer.ID]potluck.Size) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var undo []credit.Peer
	defer func() {
		for _, p := range slices.Backward(undo) {
			g.book.Put(p)
		}
	}()
	lend := func(p peer.ID, amount potluck.Size) {
		if old, ok := g.book.Peer(credit.ID(p)); ok {
			undo = append(undo, old)
			old.Loans = amount
			g.book.Put(old)
		}
	}
	for p, was := range g.loans {
		if now := loans[p]; now < was {
			lend(p, now)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(loans)) {
		more := loans[p] - g.loans[p]
		if more <= 0 {
			continue
		}
		if d := g.book.Admit(credit.ID(p), potluck.MaxSize, more); d.Refusal != nil {
			return fmt.Errorf("lend %v to %v: %w", more, p, d.Refusal)
		}
		lend(p, loans[p])
	}
	return nil
}

// refresh looks at which pointers have ended, or count again because the clock
// was set back; it freezes what those carry. The graph computes the rest, once all
// that carried is frozen: what ends at one time ends together, in any order.
func (t *tx) refresh() error {
	var turned []peer.ID
	for k, e := range t.graph.entries {
		if k.kind == signed.KindOrder && e.turned(t.now) {
			turned = append(turned, k.issuer)
		}
	}
	slices.Sort(turned)
	for _, issuer := range turned {
		if t.full() {
			t.look = false
			return nil
		}
		e := t.graph.entries[orderKey(issuer)]
		later := *e
		later.asOf = t.now
		t.note(Event{Kind: KindRefresh, Peer: issuer, Reason: fmt.Sprintf("pointers of order %d ended, or count again", e.number())})
		t.putEntry(&later)
		t.freeze(&later)
	}
	if t.more = t.lapse(); !t.more {
		t.look = true
	}
	return nil
}

// turned tells whether other pointers count now than when the order was looked at.
func (e *entry) turned(now int64) bool {
	later := *e
	later.asOf = now
	if e.running() != later.running() {
		return true
	}
	return e.running() && slices.ContainsFunc(e.paper.order.Pointers, func(p signed.Pointer) bool { return e.live(p) != later.live(p) })
}
