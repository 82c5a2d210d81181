package files

import (
	"fmt"
	"math"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

func always(peer.ID) float64 { return 1 }

// TestChanceOf compares with trying every set of places that may go, and every
// set of hosts that may be there.
func TestChanceOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := drawHosts(t, 7)
		homes := drawHomes(t, hosts)
		n := rapid.IntRange(1, 9).Draw(t, "n")
		k := rapid.IntRange(1, n).Draw(t, "k")
		edges := drawEdges(t, n, hosts, 14)
		up := make(map[peer.ID]float64)
		for _, h := range hosts {
			up[h] = float64(rapid.IntRange(0, 4).Draw(t, "up")) / 4
		}
		got := homes.chanceOf(k, edges, func(h peer.ID) float64 { return up[h] })
		if want := worstCase(k, homes, edges); got.Survives != want || !got.Exact {
			t.Fatalf("%d of %v in %v: %+v, want to survive %d", k, edges, homes, got, want)
		}
		if want := byAllStates(k, homes, edges, up); math.Abs(got.Readable-want) > 1e-9 {
			t.Fatalf("%d of %v in %v, up %v: readable with %v, want %v", k, edges, homes, up, got.Readable, want)
		}
	})
}

// worstCase tries every set of places.
func worstCase(k int, homes households, edges []edge) int {
	var hosts []peer.ID
	for _, e := range edges {
		hosts = append(hosts, e.host)
	}
	places := homes.places(hosts)
	best := len(places) + 1
	for set := range 1 << len(places) {
		gone := make(map[peer.ID]bool)
		for i, at := range places {
			if set>>i&1 == 1 {
				gone[at] = true
			}
		}
		left := make(map[potluck.ShareNumber]bool)
		for _, e := range edges {
			if !gone[homes.of(e.host)] {
				left[e.number] = true
			}
		}
		if len(left) < k {
			best = min(best, len(gone))
		}
	}
	return best - 1
}

// byAllStates tries every state of every place: of its hosts all are there that
// are there more often than a random number.
func byAllStates(k int, homes households, edges []edge, up map[peer.ID]float64) float64 {
	var hosts []peer.ID
	for _, e := range edges {
		hosts = append(hosts, e.host)
	}
	sum := 0.0
	var try func(places []peer.ID, chance float64, here map[peer.ID]float64)
	try = func(places []peer.ID, chance float64, here map[peer.ID]float64) {
		if len(places) == 0 {
			there := make(map[potluck.ShareNumber]bool)
			for _, e := range edges {
				if up[e.host] > here[homes.of(e.host)] {
					there[e.number] = true
				}
			}
			if len(there) >= k {
				sum += chance
			}
			return
		}
		for _, x := range []float64{0, 0.25, 0.5, 0.75} { // the random number lies in the quarter from here
			here[places[0]] = x
			try(places[1:], chance/4, here)
		}
	}
	try(homes.places(hosts), 1, make(map[peer.ID]float64))
	return sum
}

// TestChanceOfManyCopies: where all hold everything, further copies are left out,
// and the figures are bounds.
func TestChanceOfManyCopies(t *testing.T) {
	var edges []edge
	for h := range 20 {
		for n := range 10 {
			edges = append(edges, edge{potluck.ShareNumber(n), peer.ID(fmt.Sprintf("host %02d", h))})
		}
	}
	got := households(nil).chanceOf(3, edges, func(peer.ID) float64 { return 0.5 })
	if got.Exact || got.Survives < 0 || got.Survives > 19 || got.Readable < 0.5 || got.Readable > 1 {
		t.Errorf("%+v; want bounds", got)
	}
	if none := households(nil).chanceOf(1, nil, always); none.Survives != -1 || none.Readable != 0 || !none.Exact {
		t.Errorf("nothing anywhere gives %+v", none)
	}
}

// TestChanceByHand: 2-of-4 at four hosts that are there nine times of ten.
func TestChanceByHand(t *testing.T) {
	edges := []edge{{0, "a"}, {1, "b"}, {2, "c"}, {3, "d"}}
	got := households(nil).chanceOf(2, edges, func(peer.ID) float64 { return 0.9 })
	if want := 1 - 0.0001 - 4*0.9*0.001; math.Abs(got.Readable-want) > 1e-12 || got.Survives != 2 {
		t.Errorf("%+v, want 2 and %v", got, want)
	}
	homes := newHouseholds([]Place{{Peer: "a", Household: "x"}, {Peer: "b", Household: "x"}})
	got = homes.chanceOf(2, edges, func(peer.ID) float64 { return 0.9 })
	if want := 0.9 + 0.1*0.81; math.Abs(got.Readable-want) > 1e-12 || got.Survives != 1 {
		t.Errorf("a and b under one roof: %+v, want 1 and %v", got, want)
	}
}

func TestUpOfUnknownHosts(t *testing.T) {
	for _, c := range []struct {
		at   Place
		want float64
	}{
		{Place{}, 0.8},
		{Place{Up: 1_000_000, Windows: 96}, 0.9},
		{Place{Up: 0, Windows: 96}, 0.4},
		{Place{Up: 500_000, Windows: 96 * 30}, (0.5*30 + 0.8) / 31},
	} {
		if got := c.at.up(); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v is there with %v, want %v", c.at, got, c.want)
		}
	}
}

func BenchmarkChanceOf(b *testing.B) {
	var edges []edge
	for i := range 20 {
		edges = append(edges, edge{potluck.ShareNumber(i), peer.ID(fmt.Sprint("host ", i))})
	}
	edges = append(edges, edge{3, "host 4"}, edge{7, "host 9"})
	b.ReportAllocs()
	for b.Loop() {
		households(nil).chanceOf(6, edges, func(peer.ID) float64 { return 0.9 })
	}
}
