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
