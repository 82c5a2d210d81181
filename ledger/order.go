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

// fileOrder writes an order, and freezes what its issuer's pointers carry beyond
// the new ones. Issuers that it declines, or declines no more, are looked at too.
func (t *tx) fileOrder(old, e *entry) error {
	if old != nil {
		e.frozen = old.frozen
	}
	t.putEntry(e)
	if n := t.freeze(e); n > maxFrozen && e.rival == nil {
		return fmt.Errorf("%d pointers of %v still carry, at most %d may; wait until bytes have gone: %w",
			n, e.key.issuer, maxFrozen, ErrInvalid)
	}
	for _, issuer := range declinedDiffer(old, e) {
		if other := t.entry(orderKey(issuer)); other != nil {
			t.lay(other)
			t.freeze(other)
		}
	}
	return nil
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
	t.look = true
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
