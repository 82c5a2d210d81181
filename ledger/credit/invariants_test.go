package credit

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// drawHonest draws a book without demands; what comes then is admitted.
func drawHonest(t *rapid.T) pair {
	p := newPair(rapid.IntRange(1, 4).Draw(t, "hops"))
	small := rapid.Int64Range(0, 30)
	for _, id := range names {
		q := Peer{ID: id, Friend: rapid.IntRange(0, 2).Draw(t, "friend") == 0, RatioPPM: million,
			Earned: potluck.Size(small.Draw(t, "earned")), Gift: potluck.Size(rapid.Int64Range(0, 3).Draw(t, "gift"))}
		p.Put(q)
		p.m.put(q)
	}
	for _, id := range names {
		arcs := drawArcs(t, id)
		p.SetArcs(id, arcs)
		p.m.setArcs(id, arcs)
	}
	return p
}

// ask asks, and takes what is accepted.
func (p pair) ask(t *rapid.T, x ID, asked potluck.Size) bool {
	d := p.Admit(x, potluck.MaxSize, asked)
	if d.Refusal != nil {
		return false
	}
	q, _ := p.Peer(x)
	q.Reserved += asked
	p.Put(q)
	p.m.put(q)
	return true
}

func (p pair) frees() map[ID]potluck.Size {
	all := map[ID]potluck.Size{}
	for _, id := range p.m.ids() {
		all[id] = p.Free(id)
	}
	return all
}

// Invariants 1 and 2: what is admitted stays feasible, a refused ask changes
// nothing, and no set of peers holds more than its supply and what points into it:
// the bound for every coalition of made-up identities.
func TestNoSetHoldsMoreThanItsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawHonest(t)
		for range rapid.IntRange(1, 12).Draw(t, "asks") {
			x := rapid.SampledFrom(names).Draw(t, "asker")
			before := p.frees()
			asked := potluck.Size(rapid.Int64Range(0, int64(before[x])+2).Draw(t, "asked"))
			if ok := p.ask(t, x, asked); ok != (p.m.may(x) && asked <= before[x]) {
				t.Fatalf("%s asks %d of %d: %v", x, asked, before[x], ok)
			} else if !ok && fmt.Sprint(p.frees()) != fmt.Sprint(before) {
				t.Fatalf("a refused ask changed the book")
			}
			if s := p.Shortfalls(); len(s) > 0 || !p.m.feasible(x, new(big.Int)) {
				t.Fatalf("not feasible after an admission: %v", s)
			}
		}
		for set := range 1 << len(names) {
			held, bound := new(big.Int), new(big.Int)
			in := map[ID]bool{}
			for i, id := range names {
				if set>>i&1 == 1 {
					in[id] = true
					held.Add(held, p.m.demand(id))
					bound.Add(bound, p.m.supply(id))
				}
			}
			for _, a := range p.m.usable() {
				if in[a.To] && !in[a.From] {
					bound.Add(bound, p.m.capacity(a))
				}
			}
			if held.Cmp(bound) > 0 {
				t.Fatalf("%v holds %v, its cut is %v", in, held, bound)
			}
		}
	})
}

// Invariant 3: in feasible books another pointer lowers nobody's allowance.
func TestPointersLowerNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawHonest(t)
		for range rapid.IntRange(0, 8).Draw(t, "asks") {
			x := rapid.SampledFrom(names).Draw(t, "asker")
			p.ask(t, x, potluck.Size(rapid.Int64Range(0, int64(p.Free(x))).Draw(t, "asked")))
		}
		before := p.frees()
		issuer := rapid.SampledFrom(names).Draw(t, "issuer")
		p.SetArcs(issuer, append(p.m.arcs[issuer], Arc{To: rapid.SampledFrom(names).Draw(t, "to"),
			Limit: potluck.Size(rapid.IntRange(0, 40).Draw(t, "limit")), SharePPM: NoShare}))
		for id, free := range p.frees() {
			if free < before[id] {
				t.Fatalf("%s had %d, now %d", id, before[id], free)
			}
		}
	})
}

// Arcs within a coalition bring it nothing: cycles, chains and any other.
func TestCyclesGainNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alone, tangled := New(9), New(9)
		for _, b := range []*Book{alone, tangled} {
			b.Put(Peer{ID: "sponsor", Friend: true, RatioPPM: million, Earned: 1000})
			b.SetArcs("sponsor", []Arc{{To: "alice", Limit: 100, SharePPM: NoShare}})
			for _, id := range names {
				b.bare(id)
			}
		}
		for _, id := range names {
			tangled.SetArcs(id, drawArcs(t, id))
		}
		total := potluck.Size(0)
		for range 20 {
			x := rapid.SampledFrom(names).Draw(t, "asker")
			p, _ := tangled.Peer(x)
			free := tangled.Free(x)
			p.Held += free
			total += free
			tangled.Put(p)
		}
		if alone.Free("alice") != 100 || total > 100 {
			t.Fatalf("the coalition holds %d, its cut is 100", total)
		}
	})
}

// Invariant 7: whoever only revokes and re-issues pointers gets no more than once
// what it has: what a revoked pointer carries stays charged to it.
func TestRevokeAndReissueGainsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New(DefaultHops)
		b.Put(Peer{ID: "issuer", Friend: true, RatioPPM: million, Earned: 100})
		live := map[ID]potluck.Size{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			x := rapid.SampledFrom(names).Draw(t, "beneficiary")
			if rapid.Bool().Draw(t, "takes") {
				p, ok := b.Peer(x)
				if !ok {
					continue
				}
				if p.Held > 0 && rapid.IntRange(0, 3).Draw(t, "gives back") == 0 {
					p.Held = potluck.Size(rapid.Int64Range(0, int64(p.Held)).Draw(t, "keeps"))
				} else {
					p.Held += b.Free(x)
				}
				b.Put(p)
			} else {
				live[x] = potluck.Size(rapid.Int64Range(0, 100).Draw(t, "limit"))
			}
			// What an arc carries beyond its live capacity is frozen, and shrinks only.
			carried := map[ID]potluck.Size{}
			for _, f := range b.Carried("issuer") {
				carried[f.To] += f.Bytes
			}
			var arcs []Arc
			for _, to := range names {
				arcs = append(arcs, Arc{To: to, Limit: live[to], SharePPM: NoShare})
				if over := carried[to] - live[to]; over > 0 {
					arcs = append(arcs, Arc{To: to, Limit: over, SharePPM: NoShare, Frozen: true})
				}
			}
			b.SetArcs("issuer", arcs)
			held := potluck.Size(0)
			for _, id := range names {
				p, _ := b.Peer(id)
				held += p.Held
			}
			if held > 100 || len(b.Shortfalls()) > 0 {
				t.Fatalf("%d held of 100, shortfalls %v", held, b.Shortfalls())
			}
		}
	})
}

// The case that everything must answer (CREDIT.md, section 11), at server4:
// server2 holds 100 bytes for client3, server4's principal, and points to client1,
// who holds nothing. When server2 drops the data, client1 is short.
func TestSectionEleven(t *testing.T) {
	b := New(DefaultHops)
	b.Put(Peer{ID: "server2", Friend: true, RatioPPM: million, Earned: 100})
	b.SetArcs("server2", []Arc{{To: "client1", Limit: NoLimit, SharePPM: NoShare}})
	if free := b.Free("client1"); free != 100 {
		t.Fatalf("client1 may have %d of 100", free)
	}
	b.Put(Peer{ID: "client1", RatioPPM: million, Held: 80})
	if free := b.Free("server2"); free != 20 {
		t.Fatalf("server2 has %d left, not 20", free)
	}
	want := Flow{From: "server2", To: "client1", Bytes: 80, Capacity: math.MaxInt64}
	if got := b.Into("client1"); len(got) != 1 || got[0] != want {
		t.Fatal(got)
	}
	b.Put(Peer{ID: "server2", Friend: true, RatioPPM: million, Earned: 30})
	if got := b.Shortfalls(); len(got) != 1 || got[0] != (Shortfall{"client1", 50}) {
		t.Fatalf("shortfalls %v", got)
	}
	b.Put(Peer{ID: "server2", Friend: true, RatioPPM: million, Earned: 80})
	if got := b.Shortfalls(); got != nil {
		t.Fatalf("shortfalls %v after the cure", got)
	}
}
