package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Pairs draws who is whose friend among n members, as pairs a < b, each once,
// ascending; the same for the same seed.
func (t Topology) Pairs(n int, seed uint64) [][2]int {
	return t.edges(n, rand.New(rand.NewPCG(seed, 0)))
}

// edges draws who is whose friend among n, as pairs a < b, each once, ascending.
func (t Topology) edges(n int, rng *rand.Rand) [][2]int {
	var out [][2]int
	degree := min(t.Degree, n-1)
	switch t.Kind {
	case "file":
		out = slices.Clone(t.Edges)
	case "erdos-renyi":
		out = randomEdges(n, float64(degree)/float64(max(1, n-1)), rng)
	case "watts-strogatz":
		out = latticeEdges(n, degree, t.Rewire, rng)
	case "barabasi-albert":
		out = preferredEdges(n, max(1, degree/2), rng)
	case "caveman":
		out = caveEdges(n, degree+1, int(math.Round(t.Bridges*float64(n))), rng)
	default:
		out = caveEdges(n, n, 0, rng)
	}
	for i, e := range out {
		out[i] = [2]int{min(e[0], e[1]), max(e[0], e[1])}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return slices.Compact(out)
}

// randomEdges takes each pair with chance p, jumping from one that is taken to
// the next: its time goes with what is taken.
func randomEdges(n int, p float64, rng *rand.Rand) (out [][2]int) {
	if p >= 1 {
		return caveEdges(n, n, 0, rng)
	}
	if p <= 0 {
		return nil
	}
	for a, b := 1, -1; a < n; {
		b += 1 + int(math.Log(1-rng.Float64())/math.Log1p(-p))
		for b >= a && a < n {
			b, a = b-a, a+1
		}
		if a < n {
			out = append(out, [2]int{b, a})
		}
	}
	return out
}

// latticeEdges joins each to the degree nearest on a ring, and leads an edge
// elsewhere with a chance; one that would double another stays.
func latticeEdges(n, degree int, rewire float64, rng *rand.Rand) (out [][2]int) {
	known := newPairs(n)
	for a := range n {
		for step := 1; step <= degree/2; step++ {
			b := (a + step) % n
			if a != b && known.add(a, b) {
				out = append(out, [2]int{a, b})
			}
		}
	}
	for i, e := range out {
		if rng.Float64() >= rewire {
			continue
		}
		if c := rng.IntN(n); c != e[0] && known.add(e[0], c) {
			known.remove(e[0], e[1])
			out[i][1] = c
		}
	}
	return out
}

// preferredEdges lets each newcomer choose m friends, the popular ones more often.
func preferredEdges(n, m int, rng *rand.Rand) (out [][2]int) {
	out = caveEdges(min(n, m+1), m+1, 0, rng)
	ends := make([]int, 0, 2*n*m)
	for _, e := range out {
		ends = append(ends, e[0], e[1])
	}
	for a := m + 1; a < n; a++ {
		from := len(out)
		for len(out)-from < m {
			b := ends[rng.IntN(len(ends))]
			if !slices.ContainsFunc(out[from:], func(e [2]int) bool { return e[0] == b }) {
				out = append(out, [2]int{b, a})
			}
		}
		for _, e := range out[from:] {
			ends = append(ends, e[0], e[1])
		}
	}
	return out
}

// caveEdges joins everybody within a cave, and as many pairs of different caves
// as there are bridges.
func caveEdges(n, size, bridges int, rng *rand.Rand) (out [][2]int) {
	for a := range n {
		for b := a + 1; b < min(n, (a/size+1)*size); b++ {
			out = append(out, [2]int{a, b})
		}
	}
	for range bridges {
		if a, b := rng.IntN(n), rng.IntN(n); a/size != b/size {
			out = append(out, [2]int{a, b})
		}
	}
	return out
}

// pairs is a set of unordered pairs; small lists, since friends are few.
type pairs [][]int

func newPairs(n int) pairs { return make(pairs, n) }

// add tells whether the pair is new.
func (p pairs) add(a, b int) bool {
	a, b = min(a, b), max(a, b)
	if slices.Contains(p[a], b) {
		return false
	}
	p[a] = append(p[a], b)
	return true
}

func (p pairs) remove(a, b int) {
	a, b = min(a, b), max(a, b)
	if i := slices.Index(p[a], b); i >= 0 {
		p[a] = slices.Delete(p[a], i, i+1)
	}
}
