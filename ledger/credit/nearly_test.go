package credit

import (
	"fmt"
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// drawNearlyFull draws a book of many arcs, and lets peers take until little or
// nothing is free; where that is drawn, supply is lost then, so that some are short.
func drawNearlyFull(t *rapid.T) (p pair, names []ID) {
	p = newPair(rapid.IntRange(1, 4).Draw(t, "hops"))
	p.patience = rapid.SampledFrom([]int{p.patience, p.patience, 0, 3}).Draw(t, "patience")
	p.large = rapid.SampledFrom([]int{1, 3, p.large}).Draw(t, "large")
	for i := range rapid.IntRange(3, 14).Draw(t, "peers") {
		names = append(names, ID(fmt.Sprintf("peer %02d", i)))
	}
	set := func(q Peer) {
		p.Put(q)
		p.m.put(q)
	}
	for i, id := range names {
		q := Peer{ID: id, Friend: i == 0 || rapid.IntRange(0, 3).Draw(t, "friend") == 0, RatioPPM: rapid.SampledFrom([]int64{million, 700_000, 3_000_000}).Draw(t, "ratio"),
			Newest: int64(rapid.IntRange(0, 2).Draw(t, "newest"))}
		if q.Friend || rapid.IntRange(0, 3).Draw(t, "has credit") == 0 {
			q.Earned = potluck.Size(rapid.IntRange(0, 5000).Draw(t, "earned"))
		}
		set(q)
	}
	for _, id := range names {
		var arcs []Arc
		for range rapid.IntRange(0, 5).Draw(t, "arcs") {
			a := Arc{To: rapid.SampledFrom(names).Draw(t, "to"), Limit: potluck.Size(rapid.IntRange(0, 2000).Draw(t, "limit")), SharePPM: NoShare}
			if rapid.Bool().Draw(t, "has share") {
				a.SharePPM = int64(rapid.IntRange(0, million).Draw(t, "share"))
			}
			arcs = append(arcs, a)
		}
		p.SetArcs(id, arcs)
		p.m.setArcs(id, arcs)
	}
	for range rapid.IntRange(5, 30).Draw(t, "asks") {
		q, _ := p.Peer(rapid.SampledFrom(names).Draw(t, "asker"))
		switch free := p.Free(q.ID); rapid.IntRange(0, 7).Draw(t, "does") {
		case 0:
			q.Held -= min(q.Held, potluck.Size(rapid.IntRange(0, 800).Draw(t, "gives back")))
		case 1:
			p.Admit(q.ID, potluck.TiB, free+1)
		default:
			q.Held += potluck.Size(rapid.Int64Range(int64(free)/2, int64(free)).Draw(t, "takes"))
		}
		set(q)
	}
	for range rapid.IntRange(0, 3).Draw(t, "losses") {
		q, _ := p.Peer(rapid.SampledFrom(names).Draw(t, "loses"))
		q.Earned /= potluck.Size(rapid.IntRange(1, 4).Draw(t, "part"))
		set(q)
	}
	return p, names
}

// taken is what supply that x has besides would be used for at most, if x pointed
// its shares away as if its own supply were larger by grown.
func (m *model) taken(x ID, grown *big.Int) *big.Int {
	now := m.network(m.demands()).maxflow()
	n := m.network(m.demands())
	for _, a := range m.usable() {
		if a.From != x {
			continue
		}
		c := n.cap[n.at(x)][n.at(a.To)]
		c.Sub(c, m.capacity(a))
		larger := m.capacity(a)
		if a.SharePPM >= 0 && !a.Frozen {
			larger = ppm(sum(m.supply(x), grown), a.SharePPM)
			if a.Limit >= 0 && huge(a.Limit).Cmp(larger) < 0 {
				larger = huge(a.Limit)
			}
		}
		c.Add(c, larger)
	}
	n.cap[source][n.at(x)] = unbounded
	return new(big.Int).Sub(n.maxflow(), now)
}

// What is lacking, and what would cure it, is what the reference says: also where
// little is free, and others are short.
func TestLackIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, names := drawNearlyFull(t)
		fresh := p.m.rebuilt()
		for range rapid.IntRange(1, 8).Draw(t, "looks") {
			x := rapid.SampledFrom(names).Draw(t, "x")
			if !p.m.may(x) {
				continue
			}
			free := p.m.free(x)
			asked := potluck.Size(rapid.Int64Range(1, 3000).Draw(t, "asked")) + saturated(free)
			d := p.Ask(x, potluck.TiB, asked)
			if d.Refusal == nil || d.Free != saturated(free) {
				t.Fatalf("%s asks %d of %v: %+v", x, asked, free, d)
			}
			if want := fresh.Ask(x, potluck.TiB, asked); !reflect.DeepEqual(d, want) {
				t.Fatalf("%s asks %d: %v, by a new book %v", x, asked, d.Refusal, want.Refusal)
			}
			gap := new(big.Int).Sub(huge(asked), free)
			need := sum(gap, p.m.taken(x, new(big.Int)))
			supply := sum(gap)
			for _, s := range p.Shortfalls() {
				supply.Add(supply, huge(s.Bytes))
			}
			for { // down to the greatest that takes all that it brings
				lower := sum(gap, p.m.taken(x, supply))
				if lower.Cmp(supply) >= 0 {
					break
				}
				supply = lower
			}
			for _, c := range d.Refusal.Cures {
				want := supply
				if c.Kind == potluck.CurePointer || c.Kind == potluck.CureFree {
					want = need
				}
				if c.Kind != potluck.CureHold && huge(c.Bytes).Cmp(want) != 0 {
					t.Fatalf("%s asks %d: %v, not %d; the reference says need %v, supply %v", x, asked, d.Refusal, c.Bytes, need, supply)
				}
			}
		}
	})
}

// Free, shortfalls and the canonical flow of nearly full books are the reference's.
func TestNearlyFullIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, names := drawNearlyFull(t)
		for _, x := range names {
			want := new(big.Int)
			if p.m.may(x) {
				want = p.m.free(x)
			}
			if got := p.Free(x); got != saturated(want) {
				t.Fatalf("free of %s is %d, the reference says %v", x, got, want)
			}
		}
		served, fresh := p.m.served(), p.m.rebuilt()
		y := tally{map[ID]*big.Int{}, map[[2]ID]*big.Int{}, new(big.Int)}
		for _, x := range names {
			y.add(t, x, p.fundPresent(p.peers[x]), served[x])
			if got, want := p.Carried(x), fresh.Carried(x); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s carries %v, in a new book %v", x, got, want)
			}
		}
		if want := p.m.fewestHops(served); y.hops.Cmp(want) != 0 {
			t.Fatalf("%v hops, the fewest are %v", y.hops, want)
		}
	})
}
