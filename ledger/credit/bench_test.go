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

// BenchmarkThroughArcs asks for 2,000 bytes more than own credit for every peer in
// turn, in CPU time: the admission with the repair of the flow after it, or the
// refusal with its numbers and cures. Before each, another peer gives so many bytes
// back that this part of the asks is refused: in plentiful books as many as are
// taken, else fewer. Two books are infeasible from the start, with 270 and 775 of
// the accounts short.
func BenchmarkThroughArcs(b *testing.B) {
	for _, c := range []struct {
		name string
		load potluck.Size
		back potluck.Size
	}{{"plentiful", 5_000, 3000}, {"filling", 10_000, 1700}, {"full", 10_000, 60}, {"infeasible", 30_000, 60}, {"hopeless", 100_000, 60}} {
		b.Run(c.name, func(b *testing.B) {
			book := crowd(1000, 10_000, c.load)
			benchmarkAsks(b, book, c.back)
		})
	}
}

// more than the own credit of a peer.
func (b *Book) beyond(x ID) potluck.Size {
	b.ensure()
	return b.peers[x].net.spare().size() + 2000
}

// strangers are the peers with arcs that are no friends.
func (b *Book) strangers() (all []ID) {
	b.ensure()
	for _, v := range b.linked {
		if !v.peer.Friend {
			all = append(all, v.peer.ID)
		}
	}
	slices.Sort(all)
	return all
}

type crowded struct {
	*Book
	rng  *rand.Rand
	all  []ID
	turn int
	back potluck.Size
}

// step lets somebody give bytes back, and the next ask. It tells how long that
// took and whether it was accepted.
func (c *crowded) step() (time.Duration, bool) {
	for range 100 {
		p, _ := c.Peer(c.all[c.rng.IntN(len(c.all))])
		if p.Held >= c.back {
			p.Held -= c.back
			c.Put(p)
			break
		}
	}
	p, _ := c.Peer(c.all[c.turn%len(c.all)])
	c.turn++
	ask := c.beyond(p.ID)
	start := clock()
	fits := c.Ask(p.ID, potluck.TiB, ask).Refusal == nil
	if fits {
		p.Held += ask
		c.Put(p)
		c.ensure()
	}
	return clock() - start, fits
}

func benchmarkAsks(b *testing.B, book *Book, back potluck.Size) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := crowded{Book: book, rng: rand.New(rand.NewPCG(3, 4)), all: book.strangers(), back: back}
	for range 5_000 {
		c.step()
	}
	var took, yes, no []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		d, fits := c.step()
		if took = append(took, d); fits {
			yes = append(yes, d)
		} else {
			no = append(no, d)
		}
	}
	report := func(of string, took []time.Duration) {
		if len(took) == 0 {
			return
		}
		slices.Sort(took)
		at := func(n int) float64 { return float64(took[n].Nanoseconds()) / 1e3 }
		b.ReportMetric(at(len(took)/2), of+"median-µs")
		b.ReportMetric(at(len(took)*99/100), of+"p99-µs")
		b.ReportMetric(at(len(took)-1), of+"worst-µs")
	}
	b.ReportMetric(float64(len(no))/float64(len(took)), "refused")
	report("", took)
	report("yes-", yes)
	report("no-", no)
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
