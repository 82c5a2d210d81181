package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"math"
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

// freeze computes what is frozen of an order's pointers: what they carry now
// beyond what the live ones could carry (CREDIT.md section 5). What is frozen
// already stays while it carries less for want of supply, as with shrink. It gives
// the number of frozen pointers.
func (t *tx) freeze(e *entry) int {
	if e.key.issuer == t.graph.self {
		return 0 // its own credit isn't at its own node
	}
	carried, supply := t.graph.carried(e.key.issuer)
	here := t.desk().pointers(e)
	kept := make(map[peer.ID]potluck.Size)
	if len(e.frozen) > 0 {
		short := t.graph.shortThrough()
		for _, f := range e.frozen {
			if !short[f.To] {
				continue
			}
			kept[f.To] = f.Limit
			if _, ok := carried[f.To]; !ok {
				carried[f.To] = Frozen{To: f.To, Since: f.Since}
			}
		}
	}
	var frozen []Frozen
	var sum potluck.Size
	for _, to := range slices.Sorted(maps.Keys(carried)) {
		f := carried[to]
		if p, ok := here[to]; ok {
			f.Limit -= capacity(p, supply)
		}
		if f.Limit = max(f.Limit, kept[to]); f.Limit > 0 {
			frozen = append(frozen, f)
			sum += min(f.Limit, potluck.MaxSize-sum)
		}
	}
	if slices.Equal(frozen, e.frozen) {
		return len(frozen)
	}
	changed := *e
	changed.frozen = frozen
	if grown(e.frozen, frozen) {
		t.note(Event{Kind: KindFrozen, Peer: e.key.issuer, Bytes: sum,
			Reason: fmt.Sprintf("of pointers to %d peers, under order %d", len(frozen), e.number())})
	}
	t.putEntry(&changed)
	return len(frozen)
}

// grown tells whether something is frozen that wasn't.
func grown(old, now []Frozen) bool {
	for _, f := range now {
		i, found := slices.BinarySearchFunc(old, f.To, func(o Frozen, to peer.ID) int { return cmp.Compare(o.To, to) })
		if !found || old[i].Limit < f.Limit {
			return true
		}
	}
	return false
}

// capacity is what a live pointer can carry from so much supply.
func capacity(p signed.Pointer, supply potluck.Size) potluck.Size {
	c := potluck.Size(math.MaxInt64)
	if p.Limit != signed.NoLimit {
		c = p.Limit
	}
	if p.SharePPM != signed.NoShare {
		c = min(c, millionths(supply, p.SharePPM))
	}
	return c
}

// carried gives what an issuer's pointers carry, live and frozen together, and
// its supply.
func (g *graph) carried(issuer peer.ID) (map[peer.ID]Frozen, potluck.Size) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[peer.ID]Frozen)
	for _, f := range g.book.Carried(credit.ID(issuer)) {
		if f.Bytes == 0 {
			continue
		}
		to := peer.ID(f.To)
		sum, known := all[to]
		if !known || f.Order < sum.Since {
			sum.Since = f.Order
		}
		sum.To, sum.Limit = to, sum.Limit+min(f.Bytes, math.MaxInt64-sum.Limit)
		all[to] = sum
	}
	return all, g.book.Supply(credit.ID(issuer))
}

// shrink brings frozen pointers down to what they carry (CREDIT.md section 5). It
// runs after operations that may have released some of it. What a pointer carries
// less because its issuer's supply fell isn't released: else an issuer would be rid
// of its debts by a short absence.
func (t *tx) shrink() error {
	short := t.graph.shortThrough()
	for issuer := range t.graph.frozen {
		e := t.graph.entries[orderKey(issuer)]
		carried := t.graph.thawed(issuer)
		var left []Frozen
		for _, f := range e.frozen {
			if !short[f.To] {
				f.Limit = min(f.Limit, carried[f.To])
			}
			if f.Limit > 0 {
				left = append(left, f)
			}
		}
		if slices.Equal(left, e.frozen) {
			continue
		}
		if t.full() {
			return nil
		}
		changed := *e
		changed.frozen = left
		t.putEntry(&changed)
	}
	return nil
}

// shortThrough gives the peers whose bytes aren't all covered, and those through
// whose pointers more would reach them: pointers that could carry more, and others
// that what they carry could be led around. Through a pointer that carries all it
// may nothing more would come, so what ends behind it does shrink.
func (g *graph) shortThrough() map[peer.ID]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[peer.ID]bool)
	var next []credit.ID
	for _, s := range g.book.Shortfalls() {
		next = append(next, s.ID)
	}
	for len(next) > 0 {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if all[peer.ID(id)] {
			continue
		}
		all[peer.ID(id)] = true
		for _, f := range g.book.Into(id) {
			if hops, ok := g.book.Distance(f.From); ok && hops < g.hops && f.Bytes < f.Capacity {
				next = append(next, f.From)
			}
		}
		for _, f := range g.book.Carried(id) {
			if f.Bytes > 0 {
				next = append(next, f.To)
			}
		}
	}
	return all
}

// thawed gives what an issuer's frozen pointers carry.
func (g *graph) thawed(issuer peer.ID) map[peer.ID]potluck.Size {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[peer.ID]potluck.Size)
	for _, f := range g.book.Carried(credit.ID(issuer)) {
		if f.Frozen {
			all[peer.ID(f.To)] += f.Bytes
		}
	}
	return all
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
// was set back; it freezes what those carry. The graph computes the rest.
func (t *tx) refresh() error {
	t.look = true
	for k, e := range t.graph.entries {
		if k.kind != signed.KindOrder || !e.turned(t.now) {
			continue
		}
		if t.full() {
			return nil
		}
		later := *e
		later.asOf = t.now
		t.note(Event{Kind: KindRefresh, Peer: k.issuer, Reason: fmt.Sprintf("pointers of order %d ended, or count again", e.number())})
		t.putEntry(&later)
		t.freeze(&later)
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
