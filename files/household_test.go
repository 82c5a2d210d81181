package files

import (
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

// drawHomes puts some hosts into households.
func drawHomes(t *rapid.T, hosts []peer.ID) households {
	var places []Place
	for _, h := range hosts {
		at := Place{Peer: h}
		if home := rapid.IntRange(0, 4).Draw(t, "household"); home > 0 {
			at.Household = fmt.Sprint("home", home)
		}
		places = append(places, at)
	}
	return newHouseholds(places)
}

func TestHouseholdsAreOnePlace(t *testing.T) {
	homes := newHouseholds([]Place{{Peer: "b", Household: "x"}, {Peer: "a", Household: "x"}, {Peer: "c"}, {Peer: "d"}, {Peer: "e", Household: "y"}})
	if got := len(homes.places([]peer.ID{"a", "b", "c", "d", "e"})); got != 4 {
		t.Errorf("%d places, want 4: a with b, c, d, e", got)
	}
	edges := []edge{{0, "a"}, {1, "b"}, {2, "c"}}
	if got := homes.happiness(edges); got != 2 {
		t.Errorf("happiness %d, want 2", got)
	}
	if got := homes.chanceOf(1, edges, always).Survives; got != 1 {
		t.Errorf("survives %d, want 1: the household and one more", got)
	}
	if got := homes.chanceOf(2, edges, always).Survives; got != 0 {
		t.Errorf("survives %d, want 0: the household may burn", got)
	}
}

// TestAssignSpreadsOverHouseholds compares with the obvious: as many places as
// there are, standing shares kept, nobody over its limit.
func TestAssignSpreadsOverHouseholds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		hosts := drawHosts(t, 8)
		homes := drawHomes(t, hosts)
		standing := drawEdges(t, n, hosts, 6)
		tab := table{hosts: hosts, homes: homes, free: map[peer.ID]potluck.Size{}, most: map[peer.ID]int{}}
		for _, h := range hosts {
			if rapid.Bool().Draw(t, "said") {
				tab.free[h] = potluck.Size(rapid.IntRange(1, 50).Draw(t, "free"))
				tab.most[h] = 1 + count(standing, h) + rapid.IntRange(0, 3).Draw(t, "more")
			}
		}
		index := potluck.StorageIndex{byte(rapid.IntRange(0, 255).Draw(t, "index"))}
		placed := assign(n, index, tab, standing)
		var edges []edge
		kept := 0
		for number, h := range placed {
			if h == "" {
				continue
			}
			e := edge{potluck.ShareNumber(number), h}
			edges = append(edges, e)
			if slices.Contains(standing, e) {
				kept++
			}
		}
		if got, want := homes.happiness(edges), min(n, len(homes.places(hosts))); got != want {
			t.Fatalf("%d distinct places, want %d", got, want)
		}
		if want := homes.happiness(standing); kept < want {
			t.Fatalf("%d standing shares kept, want at least %d", kept, want)
		}
		room := 0
		for _, h := range hosts {
			most, limited := tab.most[h]
			if got := count(edges, h); limited && got > most {
				t.Fatalf("%s has %d shares, takes %d", h, got, most)
			}
			if !limited {
				most = n
			}
			room += most
		}
		if want := min(n, room); len(edges) != want {
			t.Fatalf("%d shares have a host, want %d", len(edges), want)
		}
		tab.hosts = reversed(hosts)
		if again := assign(n, index, tab, standing); !slices.Equal(again, placed) {
			t.Fatalf("the order of hosts changed the choice: %v, %v", placed, again)
		}
	})
}

func count(edges []edge, h peer.ID) (n int) {
	for _, e := range edges {
		if e.host == h {
			n++
		}
	}
	return n
}

func TestAssignPrefersHeadroom(t *testing.T) {
	homes := newHouseholds([]Place{{Peer: "a", Household: "x"}, {Peer: "b", Household: "x"}, {Peer: "c", Household: "x"}, {Peer: "d"}, {Peer: "e"}})
	tab := table{hosts: []peer.ID{"a", "b", "c", "d", "e"}, homes: homes, free: map[peer.ID]potluck.Size{"a": 5, "b": 9, "e": 7}}
	for i := range 50 {
		index := potluck.StorageIndex{byte(i)}
		if placed := assign(2, index, tab, nil); !slices.Contains(placed, "b") || !slices.Contains(placed, "e") {
			t.Fatalf("placed at %v, want b, who has most in its household, and e, who said what it has", placed)
		}
		if placed := assign(2, index, tab, []edge{{1, "d"}, {0, "a"}}); placed[0] != "a" || placed[1] != "d" {
			t.Fatalf("placed at %v, want a and d, where the shares stand", placed)
		}
	}
	seen := map[peer.ID]bool{}
	for i := range 50 {
		seen[assign(1, potluck.StorageIndex{byte(i)}, tab, nil)[0]] = true
	}
	if len(seen) != 2 {
		t.Errorf("single shares went to %v, want b and e by turns", seen)
	}
}
