package credit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"potluck"
)

// crowd makes a book of peers and arcs at random: a tenth are friends with
// supply, and nearly all of the demand has to come over arcs.
func crowd(peers, arcs int, load potluck.Size) *Book {
	rng := rand.New(rand.NewPCG(1, 2))
	b := New(DefaultHops)
	name := func(i int) ID { return ID(fmt.Sprintf("peer %06d", i)) }
	for i := range peers {
		p := Peer{ID: name(i), RatioPPM: million, Friend: i%10 == 0, Newest: int64(i)}
		if p.Friend {
			p.Earned = potluck.Size(rng.IntN(200_000))
		} else {
			p.Earned, p.Held = potluck.Size(rng.IntN(10_000)), potluck.Size(rng.Int64N(int64(load)))
		}
		b.Put(p)
	}
	per := make([][]Arc, peers)
	for range arcs {
		from, to := rng.IntN(peers), rng.IntN(peers)
		a := Arc{To: name(to), Limit: potluck.Size(rng.IntN(20_000)), SharePPM: NoShare, Order: rng.Int64N(1000)}
		if rng.IntN(3) == 0 {
			a.SharePPM = rng.Int64N(million)
		}
		per[from] = append(per[from], a)
	}
	for i, a := range per {
		b.SetArcs(name(i), a)
	}
	return b
}

// BenchmarkOwnCredit is an ask that own free credit covers, in a book in which
// others point and hold.
func BenchmarkOwnCredit(b *testing.B) {
	book := crowd(1000, 10_000, 20_000)
	book.Put(Peer{ID: "plain", Friend: true, RatioPPM: million, Earned: 1 << 40, Held: 1 << 30})
	book.Put(Peer{ID: "linked", Friend: true, RatioPPM: million, Earned: 1 << 40, Held: 1 << 30})
	book.SetArcs("linked", []Arc{{To: "peer 000001", Limit: 1 << 20, SharePPM: NoShare}})
	for _, x := range []ID{"plain", "linked"} {
		b.Run(string(x), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := book.Ask(x, 1<<50, 1<<20); d.Refusal != nil {
					b.Fatal(d.Refusal)
				}
			}
		})
	}
}

// BenchmarkThroughArcs asks for more than own credit for every peer in turn, in CPU time: the admission
// with the repair of the flow after it, or with the refusal's numbers and cures.
// Books: with credit to spare, nearly used up, filled until asks are refused,
// and infeasible.
func BenchmarkThroughArcs(b *testing.B) {
	for _, c := range []struct {
		name string
		load potluck.Size
		keep bool
	}{{"spare", 5_000, false}, {"tight", 10_000, false}, {"filled", 10_000, true}, {"infeasible", 30_000, true}} {
		b.Run(c.name, func(b *testing.B) { benchmarkAsks(b, crowd(1000, 10_000, c.load), c.keep) })
	}
}

func benchmarkAsks(b *testing.B, book *Book, keep bool) {
	book.ensure()
	var linked []ID
	for _, v := range book.linked {
		if !v.peer.Friend {
			linked = append(linked, v.peer.ID)
		}
	}
	slices.Sort(linked)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	took := make([]time.Duration, 0, 1<<20)
	accepted := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p, _ := book.Peer(linked[i%len(linked)])
		v := book.peers[p.ID].net
		ask := v.spare().size() + 2000 // more than its own
		start := clock()
		fits := book.Ask(p.ID, potluck.TiB, ask).Refusal == nil
		if fits {
			p.Reserved += ask
			book.Put(p)
			book.ensure()
		}
		took = append(took, clock()-start)
		if fits {
			accepted++
		}
		if p.Reserved > 0 && !(fits && keep) {
			p.Reserved = 0
			book.Put(p)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "median-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Nanoseconds())/1e3, "worst-µs")
	b.ReportMetric(float64(accepted)/float64(len(took)), "accepted")
}

// BenchmarkFromScratch computes the maximum flow, and beside it the canonical
// one, of books that are easy, tight and infeasible.
func BenchmarkFromScratch(b *testing.B) {
	for _, load := range []potluck.Size{10_000, 30_000, 100_000} {
		book := crowd(1000, 10_000, load)
		b.Run(fmt.Sprintf("load=%d/flow", load), func(b *testing.B) {
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start, n := clock(), 0
			for ; b.Loop(); n++ {
				book.broken, book.moved = true, true
				book.ensure()
			}
			b.ReportMetric(float64((clock()-start).Microseconds())/float64(n), "cpu-µs")
			b.ReportMetric(float64(len(book.hungry)), "short-peers")
		})
		b.Run(fmt.Sprintf("load=%d/canonical", load), func(b *testing.B) {
			b.ReportAllocs()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start, n := clock(), 0
			for ; b.Loop(); n++ {
				book.broken, book.moved = true, true
				book.settle()
			}
			b.ReportMetric(float64((clock()-start).Microseconds())/float64(n), "cpu-µs")
		})
		b.Run(fmt.Sprintf("load=%d/funding", load), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				book.decompose(nil, amount{})
			}
		})
	}
}

// BenchmarkMemory measures a book of 100,000 peers without arcs, names of 38
// bytes each included.
func BenchmarkMemory(b *testing.B) {
	const peers = 100_000
	var before, after runtime.MemStats
	perPeer := 0.0
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		book := New(DefaultHops)
		for i := range peers {
			book.Put(Peer{ID: ID(fmt.Sprintf("a peer's name has this many chars%06d", i)), RatioPPM: million})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		perPeer = float64(after.HeapAlloc-before.HeapAlloc) / peers
		runtime.KeepAlive(book)
	}
	b.ReportMetric(perPeer, "B/peer")
}
