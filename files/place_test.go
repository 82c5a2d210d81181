package files

import (
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

func drawHosts(t *rapid.T, most int) []peer.ID {
	hosts := make([]peer.ID, rapid.IntRange(0, most).Draw(t, "hosts"))
	for i := range hosts {
		hosts[i] = peer.ID(fmt.Sprintf("host-%d", i))
	}
	return hosts
}

func drawEdges(t *rapid.T, numbers int, hosts []peer.ID, most int) []edge {
	if len(hosts) == 0 || numbers == 0 {
		return nil
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) edge {
		return edge{
			number: potluck.ShareNumber(rapid.IntRange(0, numbers-1).Draw(t, "number")),
			host:   rapid.SampledFrom(hosts).Draw(t, "host"),
		}
	}), 0, most).Draw(t, "edges")
}

// bestMatching tries every subset of edges: the obvious definition.
func bestMatching(edges []edge) int {
	best := 0
	for set := range 1 << len(edges) {
		numbers, hosts := map[potluck.ShareNumber]bool{}, map[peer.ID]bool{}
		size := 0
		for i, e := range edges {
			if set&(1<<i) == 0 {
				continue
			}
			if numbers[e.number] || hosts[e.host] {
				size = -1
				break
			}
			numbers[e.number], hosts[e.host] = true, true
			size++
		}
		best = max(best, size)
	}
	return best
}

func TestHappinessIsAMaximumMatching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edges := drawEdges(t, 5, drawHosts(t, 5), 9)
		if got, want := households(nil).happiness(edges), bestMatching(edges); got != want {
			t.Fatalf("happiness of %v is %d, want %d", edges, got, want)
		}
	})
}

func TestAssignSpreadsAsFarAsItCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		hosts := drawHosts(t, 8)
		standing := drawEdges(t, n, hosts, 10)
		index := potluck.StorageIndex{byte(rapid.IntRange(0, 255).Draw(t, "index"))}
		placed := assign(n, index, table{hosts: hosts}, standing)
		var edges []edge
		kept := 0
		for number, host := range placed {
			if host == "" {
				if len(hosts) > 0 {
					t.Fatalf("share %d has no host, though nobody is full", number)
				}
				continue
			}
			e := edge{potluck.ShareNumber(number), host}
			edges = append(edges, e)
			if slices.Contains(standing, e) {
				kept++
			}
		}
		if got, want := households(nil).happiness(edges), min(n, len(hosts)); got != want {
			t.Fatalf("%d distinct hosts, want %d", got, want)
		}
		if want := households(nil).happiness(standing); kept < want {
			t.Fatalf("%d standing shares kept, want at least %d", kept, want)
		}
		if again := assign(n, index, table{hosts: reversed(hosts)}, standing); !slices.Equal(again, placed) {
			t.Fatalf("the order of hosts changed the choice: %v, %v", placed, again)
		}
	})
}

func reversed(hosts []peer.ID) []peer.ID {
	r := slices.Clone(hosts)
	slices.Reverse(r)
	return r
}

func TestAssignGivesNobodyMoreThanItTakes(t *testing.T) {
	hosts := []peer.ID{"a", "b", "c"}
	most := map[peer.ID]int{"a": 1, "b": 2}
	placed := assign(9, potluck.StorageIndex{}, table{hosts: hosts, most: most}, nil)
	count := map[peer.ID]int{}
	for _, h := range placed {
		count[h]++
	}
	if count["a"] != 1 || count["b"] != 2 || count["c"] != 6 {
		t.Fatalf("shares by host: %v, want a 1, b 2, c 6", count)
	}
	most["c"] = 1
	placed = assign(9, potluck.StorageIndex{}, table{hosts: hosts, most: most}, nil)
	if free := count0(placed); free != 5 {
		t.Fatalf("%d shares without a host, want 5 of 9 where three hosts take 1, 2 and 1", free)
	}
}

func count0(placed []peer.ID) (n int) {
	for _, h := range placed {
		if h == "" {
			n++
		}
	}
	return n
}
