package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func graphOf(kind string, n, degree int, rewire, bridges float64, seed uint64) [][2]int {
	t := Topology{Kind: kind, Degree: degree, Rewire: rewire, Bridges: bridges}
	return t.edges(n, rand.New(rand.NewPCG(seed, 0)))
}

// Whatever is asked for: pairs of different members, each once, ascending.
func TestEdgesAreProper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"complete", "erdos-renyi", "watts-strogatz", "barabasi-albert", "caveman"}).Draw(t, "kind")
		n := rapid.IntRange(2, 40).Draw(t, "n")
		degree := rapid.IntRange(1, 40).Draw(t, "degree")
		edges := graphOf(kind, n, degree, rapid.Float64Range(0, 1).Draw(t, "rewire"), rapid.Float64Range(0, 3).Draw(t, "bridges"), rapid.Uint64().Draw(t, "seed"))
		for i, e := range edges {
			if e[0] < 0 || e[0] >= e[1] || e[1] >= n {
				t.Fatalf("%s: edge %v among %d", kind, e, n)
			}
			if i > 0 && (edges[i-1][0] > e[0] || edges[i-1][0] == e[0] && edges[i-1][1] >= e[1]) {
				t.Fatalf("%s: %v after %v", kind, e, edges[i-1])
			}
		}
	})
}

func TestMeanDegree(t *testing.T) {
	for _, c := range []struct {
		kind            string
		degree          int
		rewire, bridges float64
		want, off       float64
	}{
		{"complete", 0, 0, 0, 999, 0},
		{"erdos-renyi", 6, 0, 0, 6, 0.3},
		{"watts-strogatz", 6, 0, 0, 6, 0},
		{"watts-strogatz", 6, 0.5, 0, 6, 0},
		{"barabasi-albert", 6, 0, 0, 6, 0.1},
		{"caveman", 7, 0, 0, 7, 0},
		{"caveman", 7, 0, 0.5, 8, 0.1},
	} {
		edges := graphOf(c.kind, 1000, c.degree, c.rewire, c.bridges, 1)
		if got := 2 * float64(len(edges)) / 1000; math.Abs(got-c.want) > c.off {
			t.Errorf("%s of degree %d, rewire %v, bridges %v: %v friends in the mean, want %v", c.kind, c.degree, c.rewire, c.bridges, got, c.want)
		}
	}
}

// With preferential attachment somebody has many friends; on a lattice nobody.
func TestHubs(t *testing.T) {
	most := func(edges [][2]int) (m int) {
		count := make([]int, 1000)
		for _, e := range edges {
			count[e[0]]++
			count[e[1]]++
			m = max(m, count[e[0]], count[e[1]])
		}
		return m
	}
	if m := most(graphOf("barabasi-albert", 1000, 6, 0, 0, 1)); m < 30 {
		t.Errorf("the greatest hub of 1,000 has %d friends", m)
	}
	if m := most(graphOf("watts-strogatz", 1000, 6, 0.2, 0, 1)); m > 20 {
		t.Errorf("somebody on a lattice has %d friends", m)
	}
}
