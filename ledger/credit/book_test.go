package credit

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

var names = []ID{"alice", "bob", "carol", "dave", "erin", "frank", "grace"}

func drawSize(t *rapid.T, name string) potluck.Size {
	switch rapid.IntRange(0, 30).Draw(t, name+" class") {
	case 0:
		return potluck.MaxSize
	case 1:
		return math.MaxInt64 - potluck.Size(rapid.IntRange(0, 2).Draw(t, name))
	case 2, 3, 4, 5, 6, 7, 8:
		return 0
	}
	return potluck.Size(rapid.IntRange(0, 20).Draw(t, name))
}

func drawPeer(t *rapid.T, id ID) Peer {
	return Peer{ID: id, Friend: rapid.IntRange(0, 2).Draw(t, "friend") == 0,
		Denied: rapid.IntRange(0, 9).Draw(t, "denied") == 0, Frozen: rapid.IntRange(0, 9).Draw(t, "frozen") == 0,
		RatioPPM: rapid.SampledFrom([]int64{million, million, 0, 333_333, 1_500_000, 1_000_000_000}).Draw(t, "ratio"),
		Earned:   drawSize(t, "earned"), Gift: drawSize(t, "gift"), Opening: drawSize(t, "opening"), Paid: drawSize(t, "paid"),
		Held: drawSize(t, "held"), Reserved: drawSize(t, "reserved"), Loans: drawSize(t, "loans"),
		Newest: int64(rapid.IntRange(0, 3).Draw(t, "newest"))}
}

func drawArcs(t *rapid.T, from ID) []Arc {
	var arcs []Arc
	for range rapid.IntRange(0, 4).Draw(t, "arcs") {
		a := Arc{From: from, To: rapid.SampledFrom(names).Draw(t, "to"), Limit: drawSize(t, "limit"), SharePPM: NoShare,
			Frozen: rapid.IntRange(0, 4).Draw(t, "frozen") == 0, Order: int64(rapid.IntRange(0, 3).Draw(t, "order"))}
		if rapid.IntRange(0, 2).Draw(t, "has share") == 0 {
			a.SharePPM = rapid.SampledFrom([]int64{0, 1, 250_000, 400_000, million}).Draw(t, "share")
			if rapid.Bool().Draw(t, "share only") {
				a.Limit = NoLimit
			}
		}
		arcs = append(arcs, a)
	}
	return arcs
}

// pair is a book and its model; each change is done to both.
type pair struct {
	*Book
	m *model
}

func newPair(hops int) pair {
	p := pair{New(hops), &model{hops: hops, peers: map[ID]Peer{}, arcs: map[ID][]Arc{}}}
	p.large = 1 // these books are small
	return p
}

// change does one random change.
func (p pair) change(t *rapid.T) {
	id := rapid.SampledFrom(names).Draw(t, "peer")
	switch rapid.IntRange(0, 9).Draw(t, "change") {
	case 0:
		p.Remove(id)
		p.m.remove(id)
	case 1, 2, 3:
		arcs := drawArcs(t, id)
		p.SetArcs(id, arcs)
		p.m.setArcs(id, arcs)
	case 4, 5: // held bytes come and go
		if now, ok := p.Peer(id); ok {
			now.Held = drawSize(t, "held")
			p.Put(now)
			p.m.put(now)
		}
	case 6: // supply comes and goes
		if now, ok := p.Peer(id); ok {
			now.Earned = drawSize(t, "earned")
			p.Put(now)
			p.m.put(now)
		}
	default:
		q := drawPeer(t, id)
		p.Put(q)
		p.m.put(q)
	}
}

func drawPair(t *rapid.T) pair {
	p := newPair(rapid.IntRange(0, 4).Draw(t, "hops"))
	p.patience = rapid.SampledFrom([]int{p.patience, p.patience, 0, 3}).Draw(t, "patience")
	for range rapid.IntRange(1, 25).Draw(t, "changes") {
		p.change(t)
		if rapid.IntRange(0, 2).Draw(t, "look") == 0 {
			p.Free(rapid.SampledFrom(names).Draw(t, "looked at"))
		}
		if rapid.IntRange(0, 5).Draw(t, "settle") == 0 {
			p.Shortfalls()
		}
	}
	return p
}

func saturated(n *big.Int) potluck.Size {
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return potluck.Size(n.Int64())
}

// may tells by the model whether a peer may write at all.
func (m *model) may(id ID) bool {
	_, near := m.distances()[id]
	return near && !m.peers[id].Denied && !m.peers[id].Frozen
}

// Invariant 6: what is decided is what an independent solver decides.
func TestFreeIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		for _, id := range p.m.ids() {
			want := new(big.Int)
			if p.m.may(id) {
				want = p.m.free(id)
			}
			if got := p.Free(id); got != saturated(want) {
				t.Fatalf("free of %s is %d, the reference says %v", id, got, want)
			}
			if hops, ok := p.Distance(id); true {
				if d, near := p.m.distances()[id]; ok != near || hops != d {
					t.Fatalf("%s is at %d, %v; the reference says %d, %v", id, hops, ok, d, near)
				}
			}
			asked := drawSize(t, "asked")
			fits := p.m.may(id) && big.NewInt(int64(asked)).Cmp(want) <= 0
			if p.Fits(id, asked) != fits {
				t.Fatalf("%s asks %d of %v: fits is %v", id, asked, want, !fits)
			}
			d := p.Admit(id, math.MaxInt64, asked)
			if (d.Refusal == nil) != fits || d.Free != saturated(want) {
				t.Fatalf("%s asks %d of %v: %+v", id, asked, want, d)
			}
			if a := p.Ask(id, math.MaxInt64, asked); fits && (a.Refusal != nil || a.Free < asked || a.Free > d.Free) || !fits && !reflect.DeepEqual(a, d) {
				t.Fatalf("%s asks %d: %+v, admitted %+v", id, asked, a, d)
			}
			room := drawSize(t, "room")
			if a, d := p.Ask(id, room, asked), p.Admit(id, room, asked); (a.Refusal == nil) != (fits && asked <= room) || a.Refusal != nil && !reflect.DeepEqual(a, d) {
				t.Fatalf("%s asks %d of room %d: %+v, admitted %+v", id, asked, room, a, d)
			}
			if p.m.feasible(id, new(big.Int)) && p.m.may(id) && p.m.feasible(id, big.NewInt(int64(asked))) != fits {
				t.Fatalf("%s asks %d: feasibility and decision differ", id, asked)
			}
		}
	})
}

// A book that was changed step by step answers as one made of its content.
func TestHistoryDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		fresh := p.m.rebuilt()
		if p.Len() != len(p.m.peers) || fresh.Len() != p.Len() {
			t.Fatalf("%d peers, %d in the model, %d rebuilt", p.Len(), len(p.m.peers), fresh.Len())
		}
		check := func(what string, got, want any) {
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: %+v, rebuilt %+v", what, got, want)
			}
		}
		check("shortfalls", p.Shortfalls(), fresh.Shortfalls())
		for _, id := range p.m.ids() {
			check("free of "+string(id), p.Free(id), fresh.Free(id))
			check("funding of "+string(id), p.Funding(id), fresh.Funding(id))
			check("carried from "+string(id), p.Carried(id), fresh.Carried(id))
			check("into "+string(id), p.Into(id), fresh.Into(id))
			asked := drawSize(t, "asked")
			check("an ask of "+string(id), p.Admit(id, potluck.TiB, asked), fresh.Admit(id, potluck.TiB, asked))
			check("its funding", p.Fund(id, asked), fresh.Fund(id, asked))
			check("supply", p.Supply(id), saturated(p.m.supply(id)))
		}
	})
}

// The total shortfall is the least, and falls on accounts in their order.
func TestShortfallsAreTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		served := p.m.served()
		var want []Shortfall
		least := new(big.Int)
		for _, id := range p.m.ids() {
			short := new(big.Int).Sub(p.m.demand(id), served[id])
			least.Add(least, short)
			if short.Sign() > 0 {
				want = append(want, Shortfall{id, saturated(short)})
			}
		}
		if got := p.Shortfalls(); !reflect.DeepEqual(got, want) {
			t.Fatalf("shortfalls %v, the reference says %v", got, want)
		}
		all := new(big.Int)
		for _, d := range p.m.demands() {
			all.Add(all, d)
		}
		if all.Sub(all, p.m.network(p.m.demands()).maxflow()).Cmp(least) != 0 {
			t.Fatalf("%v short in the order of accounts, %v at least", least, all)
		}
	})
}

// tally adds up funds by their chains, and what they cost in hops.
type tally struct {
	own  map[ID]*big.Int
	arcs map[[2]ID]*big.Int
	hops *big.Int
}

func (y tally) add(t *rapid.T, to ID, funds []fund, want *big.Int) {
	got := new(big.Int)
	for i, f := range funds {
		n := new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(f.bytes.hi), 64), new(big.Int).SetUint64(f.bytes.lo))
		if i > 0 && len(funds[i-1].via) > len(f.via) {
			t.Fatalf("the funding of %s isn't nearest first: %v", to, funds)
		}
		got.Add(got, n)
		y.hops.Add(y.hops, new(big.Int).Mul(n, big.NewInt(int64(len(f.via)))))
		chain := append(append([]ID{}, f.via...), to)
		put(y.own, chain[0], n)
		for i, from := range f.via {
			put(y.arcs, [2]ID{from, chain[i+1]}, n)
		}
	}
	if got.Cmp(want) != 0 {
		t.Fatalf("the funding of %s sums to %v, want %v: %v", to, got, want, funds)
	}
}

func put[K comparable](m map[K]*big.Int, k K, n *big.Int) {
	if m[k] == nil {
		m[k] = new(big.Int)
	}
	m[k].Add(m[k], n)
}

// fits tells whether no supply and no arc is used twice.
func (y tally) fits(t *rapid.T, m *model) {
	for id, n := range y.own {
		if n.Cmp(m.supply(id)) > 0 {
			t.Fatalf("%v is paid by the supply of %s, %v", n, id, m.supply(id))
		}
	}
	caps := map[[2]ID]*big.Int{}
	for _, a := range m.usable() {
		put(caps, [2]ID{a.From, a.To}, m.capacity(a))
	}
	for k, n := range y.arcs {
		if caps[k] == nil || n.Cmp(caps[k]) > 0 {
			t.Fatalf("%v goes over %v, which has %v", n, k, caps[k])
		}
	}
}

// Funding is a flow of fewest hops, along arcs that there are; so is that of an ask
// on top. (Invariants 1 and 2, and no credit is used twice.)
func TestFundingIsAFlowOfFewestHops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		served := p.m.served()
		y := tally{map[ID]*big.Int{}, map[[2]ID]*big.Int{}, new(big.Int)}
		for _, id := range p.m.ids() {
			y.add(t, id, p.fundPresent(p.peers[id]), served[id])
		}
		y.fits(t, p.m)
		if want := p.m.fewestHops(served); y.hops.Cmp(want) != 0 {
			t.Fatalf("%v hops, the fewest are %v", y.hops, want)
		}
		for _, id := range p.m.ids() {
			for _, f := range p.Carried(id) {
				if want := y.arcs[[2]ID{f.From, f.To}]; want == nil && f.Bytes > 0 {
					t.Fatalf("%+v carries what funds nobody", f)
				}
			}
		}
		if p.Len() == 0 {
			return
		}
		x := rapid.SampledFrom(p.m.ids()).Draw(t, "asker")
		free := p.Free(x)
		if free == 0 || free == math.MaxInt64 {
			return
		}
		asked := potluck.Size(rapid.Int64Range(1, int64(free)).Draw(t, "asked"))
		before := p.m.fewestHops(served)
		served[x] = sum(served[x], huge(asked))
		hops := p.m.fewestHops(served)
		ask := tally{map[ID]*big.Int{}, map[[2]ID]*big.Int{}, new(big.Int)}
		ask.add(t, x, p.fundAsk(p.peers[x], amountOf(asked)), huge(asked))
		ask.fits(t, p.m)
		p.settle()
		b := p.Book
		b.try()
		defer b.undo()
		if v := b.peers[x].net; v != nil {
			v.need = amountOf(asked)
			b.route([]*vertex{v})
			present, last := b.decompose(v, amountOf(asked))
			whole := tally{map[ID]*big.Int{}, map[[2]ID]*big.Int{}, new(big.Int)}
			for _, id := range p.m.ids() {
				n := new(big.Int).Set(served[id])
				if id == x {
					n.Sub(n, huge(asked))
				}
				if w := b.peers[id].net; w != nil {
					whole.add(t, id, present[w], n)
				}
			}
			whole.add(t, x, last, huge(asked))
			whole.fits(t, p.m)
			if whole.hops.Cmp(hops) != 0 {
				t.Fatalf("%v hops with the ask, the fewest are %v (%v before)", whole.hops, hops, before)
			}
		}
	})
}

func ExampleBook_Fund() {
	b := New(DefaultHops)
	b.Put(Peer{ID: "server2", Friend: true, RatioPPM: million, Earned: 100})
	b.Put(Peer{ID: "client1", RatioPPM: million, Opening: 10})
	b.SetArcs("server2", []Arc{{To: "client1", Limit: 50, SharePPM: NoShare}})
	fmt.Println(b.Free("client1"), b.Fund("client1", 40))
	// Output: 60 B [{[] 10 B} {[server2] 30 B}]
}
