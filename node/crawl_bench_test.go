package node

import (
	"context"
	"encoding/binary"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
	"potluck/shares/memory"
)

// million is a node whose books and whose store, in memory, have so many shares.
func million(b *testing.B, count int) *Node {
	b.Helper()
	n, err := New(b.Context(), Config{Data: b.TempDir(), Name: "host", Floor: -1, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Close(); err != nil {
			b.Error(err)
		}
	})
	store := memory.New(potluck.MaxSize)
	n.store, n.keep.store = store, store
	const step = 5000
	var booked errgroup.Group
	booked.SetLimit(1)
	for first := 0; first < count; first += step {
		found := make([]ledger.Found, min(step, count-first))
		var g errgroup.Group
		g.SetLimit(runtime.GOMAXPROCS(0))
		for part := range 10 {
			g.Go(func() (err error) {
				for i := part; i < len(found) && err == nil; i += 10 {
					found[i], err = tiny(b.Context(), store, first+i)
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		booked.Go(func() error {
			_, err := n.book.Adopt(b.Context(), found, time.Now().Add(anonymousTerm))
			return err
		})
	}
	if err := booked.Wait(); err != nil {
		b.Fatal(err)
	}
	return n
}

// tiny puts one share of one byte into a store.
func tiny(ctx context.Context, store shares.Store, i int) (ledger.Found, error) {
	l := potluck.Layout{Suite: 1, K: 1, N: 1, Block: 1024, Size: 1}
	c := content{layout: l, data: []byte{byte(i)}, crosscheck: make([]byte, shares.CrosscheckLen(l))}
	binary.BigEndian.PutUint64(c.index[:], uint64(i)*0x9e3779b97f4a7c15)
	c.root = shares.Sum(c.data)
	c.manifest = shares.Manifest{Layout: l, Index: c.index, Roots: []potluck.Digest{c.root}, Crosscheck: shares.Sum(c.crosscheck)}.Marshal()
	in, err := store.Create(ctx, shares.Header{ID: c.id(), Layout: l, Created: 1})
	if err != nil {
		return ledger.Found{}, err
	}
	if _, err := in.Write(c.data); err != nil {
		return ledger.Found{}, err
	}
	h, err := in.Commit(ctx, c.manifest, c.crosscheck)
	return foundOf(h), err
}

// BenchmarkCrawl compares a store of a million shares with the books, at full
// speed: the figures are of the whole pass. Memory is how far what lives on the
// heap grew; time is that of the processor too, because machines are shared.
func BenchmarkCrawl(b *testing.B) {
	count := 1_000_000
	if testing.Short() {
		count = 50_000
	}
	n := million(b, count)
	// The store in memory sorts its names once; a store on a disk has no such list.
	if err := n.store.Names(b.Context(), potluck.ShareID{}, func(potluck.ShareID) error { return nil }); err != nil {
		b.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	b.ReportAllocs()
	var cpu time.Duration
	for b.Loop() {
		runtime.GC()
		before, began := liveHeap(), cpuTime(b)
		peak, stop := watchHeap()
		r, err := n.Crawl(b.Context(), false)
		stop()
		cpu += cpuTime(b) - began
		if err != nil || r.Shares != int64(count) || r.faults() != 0 {
			b.Fatalf("crawl: %+v, %v", r, err)
		}
		b.ReportMetric(float64(max(*peak-before, 0))/(1<<20), "MiB-more")
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/pass")
	b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/pass")
}

// liveHeap is what the last collection found in use.
func liveHeap() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

// watchHeap looks at the heap until stop is called; peak may be read then.
func watchHeap() (peak *int64, stop func()) {
	peak = new(int64)
	done := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				*peak = max(*peak, liveHeap())
			}
		}
	})
	return peak, func() { close(done); looks.Wait() }
}
