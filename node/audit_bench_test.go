//go:build unix

package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/shares"
)

// BenchmarkAudit is how many slices a second one node proves at another over
// loopback, both in this process: asked for as a read asks, the claim first, then
// the slice, verified against the root in the owner's books.
func BenchmarkAudit(b *testing.B) {
	for _, size := range []potluck.Size{4 * potluck.KiB, 64 * potluck.KiB, potluck.MiB} {
		b.Run(fmt.Sprintf("share=%v", size), func(b *testing.B) {
			owner, host := benchPair(b)
			var all []ledger.Placement
			for n := range 32 {
				data := make([]byte, size)
				data[0] = byte(n)
				r, err := owner.Put(b.Context(), files.FromBytes("", data), files.PutOptions{K: 1, N: 1, Happy: 1, Random: true}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := caps.Parse(r.Cap); err != nil {
					b.Fatal(err)
				}
			}
			err := owner.book.PlacementsAt(b.Context(), host.self, func(p ledger.Placement) error { all = append(all, p); return nil })
			if err != nil || len(all) != 32 {
				b.Fatal(len(all), err)
			}
			var moved atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			before := cpuTime(b)
			var g errgroup.Group
			g.SetLimit(8)
			for i := range b.N {
				g.Go(func() error {
					p := all[i%len(all)]
					s := files.Slice{Host: host.self, Share: p.Share, Layout: p.Layout, Root: p.Root}.Unit(rand.Int64N(shares.Units(shares.DataLen(p.Layout))))
					moved.Add(int64(s.Cost()))
					return owner.files.Prove(b.Context(), s)
				})
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "slices/s")
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/slice")
			b.ReportMetric(float64(moved.Load())/float64(b.N), "B/slice")
		})
	}
}

// cpuTime is what this process has used of the processor: on a busy machine it
// says more than the time on the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func benchPair(b *testing.B) (owner, host *Node) {
	b.Helper()
	begin := func(name string) *Node {
		c := Config{Data: filepath.Join(b.TempDir(), name), Name: name, Offer: potluck.GiB, Floor: -1, Listen: []string{"/ip4/127.0.0.1/tcp/0"},
			Log: slog.New(slog.DiscardHandler), CrawlShare: -1, Audits: -1}
		n, err := New(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- n.Run(context.Background()) }()
		b.Cleanup(func() { n.Close(); <-done })
		return n
	}
	owner, host = begin("owner"), begin("host")
	i, err := host.Invite(b.Context(), InviteRequest{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := owner.Join(b.Context(), JoinRequest{Link: i.Link}); err != nil {
		b.Fatal(err)
	}
	return owner, host
}
