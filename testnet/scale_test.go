package testnet_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/gateway/api"
	"potluck/testnet"
	"potluck/testnet/sim"
)

// numbered gives names for so many nodes.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("n%d", i+1)
	}
	return out
}

// lattice is a ring in which each has six friends.
var lattice = sim.Topology{Kind: "watts-strogatz", Degree: 6}

// number is a figure of the environment, or what it is without.
func number(t testing.TB, name string, without int) int {
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// A virtual day of ordinary use: everybody keeps a file and reads it again, some
// are away for a while, and in the end all books agree. POTLUCK_NODES=50 runs it at
// the size for which docs/decisions/testnet.md has figures.
func TestAnOrdinaryDay(t *testing.T) {
	c := memory(numbered(number(t, "POTLUCK_NODES", 6))...)
	c.Topology, c.Terms = lattice, testnet.Opening(potluck.GiB)
	began, cpu := time.Now(), usage(t)
	virtually(t, c, func(ctx context.Context, n *testnet.Net) error {
		var g errgroup.Group
		for i, m := range n.All() {
			g.Go(func() error { return ordinary(ctx, m, i) })
		}
		return g.Wait()
	})
	t.Logf("a day of %d nodes took %.1f s, and %.1f s of CPU time", len(c.Nodes), time.Since(began).Seconds(), (usage(t) - cpu).Seconds())
}

// ordinary is one member's day: 24 hours from its start.
func ordinary(ctx context.Context, m *testnet.Member, i int) error {
	end := time.Now().Add(24 * time.Hour)
	time.Sleep(time.Duration(i) * 10 * time.Minute)
	data := randomBytes(256<<10, uint64(i))
	r, err := m.Put(ctx, data, api.PutRequest{})
	if err != nil {
		return err
	}
	if i%5 == 0 {
		if err := m.Offline(); err != nil {
			return err
		}
		time.Sleep(2 * time.Hour)
		if err := m.Online(); err != nil {
			return err
		}
		time.Sleep(time.Hour)
	}
	if err := same(ctx, m, r.Cap, data); err != nil {
		return err
	}
	time.Sleep(time.Until(end))
	return nil
}

// usage is the CPU time of this process.
func usage(t testing.TB) time.Duration {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0 // only Linux tells
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err1 := strconv.Atoi(f[11])
	sys, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		t.Fatalf("/proc/self/stat is %s", text)
	}
	return time.Duration(user+sys) * 10 * time.Millisecond
}

// resident is the most memory that this process ever had, in MiB.
func resident(t testing.TB) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib / 1024
		}
	}
	return 0
}

// Real nodes over loopback, in one process, are started and befriended in a ring
// lattice: go test ./testnet -run '^$' -bench Lattice -benchtime 1x.
// POTLUCK_NODES says how many; 300 if it doesn't.
func BenchmarkLattice(b *testing.B) {
	nodes := number(b, "POTLUCK_NODES", 300)
	for b.Loop() {
		dir, err := os.MkdirTemp("", "tn-")
		if err != nil {
			b.Fatal(err)
		}
		began, cpu := time.Now(), usage(b)
		c := testnet.Local{Dir: dir, Nodes: numbered(nodes), Topology: lattice, Small: true, Terms: testnet.Opening(potluck.GiB)}
		err = testnet.Run(b.Context(), c, func(_ context.Context, n *testnet.Net) error {
			b.StopTimer()
			b.ReportMetric(resident(b), "MiB")
			b.ReportMetric((usage(b) - cpu).Seconds(), "cpu-s")
			b.Logf("%d nodes, %.0f MiB, %.1f s, %.1f s of CPU time", nodes, resident(b), time.Since(began).Seconds(), (usage(b) - cpu).Seconds())
			for _, m := range n.All() {
				n.Unknown(m.Label()) // to compare every two of them is another matter
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
