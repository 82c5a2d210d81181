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

// freeze computes what is frozen of an order's pointers: what they carry now, and
// what they would carry if the supply were there that is away, beyond what the
// live ones can carry (CREDIT.md section 5). It gives the number of frozen
// pointers.
func (t *tx) freeze(e *entry) int {
	if e.key.issuer == t.graph.self {
		return 0 // its own credit isn't at its own node
	}
	carried, supply := t.graph.carried(e.key.issuer)
	here := t.desk().pointers(e)
	ended := t.ended(e, here, carried)
	var frozen []Frozen
	var sum potluck.Size
	for _, to := range slices.Sorted(maps.Keys(ended)) {
		f := ended[to]
		if n := carried[to]; n < f.Limit {
			f.Limit = n + t.scarce().through(to, f.Limit-n)
		}
		if p, ok := here[to]; ok {
			f.Limit -= capacity(p, supply)
		}
		if f.Limit > 0 {
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

// ended gives the most that an issuer may have to answer for, by beneficiary: what
// is frozen, with the own limits of the pointers that counted before the
// operation. Percentages don't bound it: they were of a supply that may be away.
// Of a pointer that goes on as wide as it was nothing ends but what it carries.
func (t *tx) ended(e *entry, here map[peer.ID]signed.Pointer, carried map[peer.ID]potluck.Size) map[peer.ID]Frozen {
	g := t.graph
	all := make(map[peer.ID]Frozen)
	for _, f := range e.frozen {
		all[f.To] = f
	}
	for to, p := range g.desk().pointers(g.entries[e.key]) {
		limit := limitOf(p)
		if q, ok := here[to]; ok && limitOf(q) >= limit && shareOf(q) >= shareOf(p) {
			limit = max(0, carried[to]-all[to].Limit)
		}
		f, known := all[to]
		if !known || p.Since < f.Since {
			f.Since = p.Since
		}
		f.To, f.Limit = to, f.Limit+min(limit, math.MaxInt64-f.Limit)
		all[to] = f
	}
	return all
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

// limitOf and shareOf are a pointer's bounds; the greatest there is for none.
func limitOf(p signed.Pointer) potluck.Size {
	if p.Limit == signed.NoLimit {
		return math.MaxInt64
	}
	return p.Limit
}

func shareOf(p signed.Pointer) int64 {
	if p.SharePPM == signed.NoShare {
		return math.MaxInt64
	}
	return p.SharePPM
}

// capacity is what a live pointer can carry from so much supply.
func capacity(p signed.Pointer, supply potluck.Size) potluck.Size {
	if p.SharePPM == signed.NoShare {
		return limitOf(p)
	}
	return min(limitOf(p), millionths(supply, p.SharePPM))
}

// carried gives what an issuer's pointers carry, live and frozen together, and
// its supply.
func (g *graph) carried(issuer peer.ID) (map[peer.ID]potluck.Size, potluck.Size) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make(map[peer.ID]potluck.Size)
	for _, f := range g.book.Carried(credit.ID(issuer)) {
		to := peer.ID(f.To)
		all[to] += min(f.Bytes, math.MaxInt64-all[to])
	}
	return all, g.book.Supply(credit.ID(issuer))
}

// shrink brings frozen pointers down to what they carry and what is wanted of
// them still (CREDIT.md section 5). It runs after operations that may have
// released some of it. What a pointer carries less because its issuer's supply
// fell is wanted: else an issuer would be rid of its debts by a short absence.
func (t *tx) shrink() error {
	for _, issuer := range slices.Sorted(maps.Keys(t.graph.frozen)) {
		e := t.graph.entries[orderKey(issuer)]
		carried := t.graph.thawed(issuer)
		var left []Frozen
		for _, f := range e.frozen {
			if n := carried[f.To]; n < f.Limit {
				f.Limit = n + t.scarce().through(f.To, f.Limit-n)
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
