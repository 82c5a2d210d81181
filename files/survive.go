package files

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Chance is how safe a file is: how many places may go before it can't be read
// at all, and how probable it is that it can be read at a moment taken at random.
type Chance struct {
	// Survives is how many of the places may go, whichever they are, so that the
	// file stays readable from the rest; -1: it isn't readable from all of them.
	Survives int `json:"survives"`
	// Readable is the probability, from 0 to 1, that enough places are there, if
	// each is there as often as it was measured to be. Places are independent of
	// each other; the hosts of one household are not: while the one that is there
	// least often is there, all are.
	Readable float64 `json:"readable"`
	// Exact is false where too many places hold the same numbers. Then some of the
	// further copies aren't counted, and the truth is no less than the figures.
	Exact bool `json:"exact"`
}

const (
	// upPrior is how often a host is taken to be there of which nothing is known,
	// and upWeight for how many windows of measuring that stands: a day of quarters
	// of an hour. A machine at home that is on in the evenings is there a quarter of
	// the time; one that people call a server, nearly always. 0.8 lies between.
	upPrior  = 0.8
	upWeight = 96
	// maxStates bounds what is tried one by one.
	maxStates = 1 << 16
)

// up is how often a host is expected to be there: what was measured, drawn
// towards upPrior as long as little was.
func (at Place) up() float64 {
	n := float64(at.Windows)
	return (float64(at.Up)/1e6*n + upPrior*upWeight) / (n + upWeight)
}

// numbers is a set of share numbers.
type numbers [4]uint64

func (s *numbers) add(n potluck.ShareNumber) { s[n/64] |= 1 << (n % 64) }

func (s numbers) has(n potluck.ShareNumber) bool { return s[n/64]>>(n%64)&1 == 1 }

func (s numbers) or(t numbers) numbers {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s numbers) and(t numbers) numbers {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s numbers) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// state is one of the ways in which a place may be found, and what it holds then.
type state struct {
	chance float64
	holds  numbers
}

// site is one place that holds shares: a host, or a household.
type site struct {
	all    numbers
	states []state // their chances sum to 1
}

// sites makes the places of edges, in the order of their hosts' IDs. up is how
// often a host is there.
func (hs households) sites(edges []edge, up func(peer.ID) float64) []site {
	held := make(map[peer.ID]*numbers)
	members := make(map[peer.ID][]peer.ID)
	for _, e := range edges {
		if held[e.host] == nil {
			held[e.host] = new(numbers)
			members[hs.of(e.host)] = append(members[hs.of(e.host)], e.host)
		}
		held[e.host].add(e.number)
	}
	places := make([]peer.ID, 0, len(members))
	for at := range members {
		places = append(places, at)
	}
	slices.Sort(places)
	list := make([]site, 0, len(places))
	for _, at := range places {
		hosts := members[at]
		slices.SortFunc(hosts, func(a, b peer.ID) int { return cmp.Or(cmp.Compare(up(b), up(a)), cmp.Compare(a, b)) })
		s, before := site{}, 1.0
		for _, h := range hosts {
			s.states = append(s.states, state{before - up(h), s.all})
			s.all, before = s.all.or(*held[h]), up(h)
		}
		s.states = append(s.states, state{before, s.all})
		list = append(list, s)
	}
	return list
}

// clusters parts the sites into groups that share no number. A group with too
// many states loses further copies, until each of its sites is a group alone.
func clusters(sites []site) (groups [][]site, exact bool) {
	exact = true
	for _, s := range sites {
		joined := []site{s}
		groups = slices.DeleteFunc(groups, func(g []site) bool {
			if !slices.ContainsFunc(g, func(other site) bool { return other.all.and(s.all) != numbers{} }) {
				return false
			}
			joined = append(joined, g...)
			return true
		})
		groups = append(groups, joined)
	}
	var all [][]site
	for _, g := range groups {
		if states(g) <= maxStates {
			all = append(all, g)
			continue
		}
		exact = false
		for _, s := range once(g) {
			all = append(all, []site{s})
		}
	}
	return all, exact
}

func states(g []site) int {
	n := 1
	for _, s := range g {
		if n *= len(s.states); n > maxStates {
			break
		}
	}
	return n
}

// once leaves each number to one site: to the first that has it.
func once(g []site) []site {
	var taken numbers
	list := make([]site, len(g))
	for i, s := range g {
		var mine numbers
		for w := range mine {
			mine[w] = s.all[w] &^ taken[w]
		}
		taken = taken.or(s.all)
		list[i].all = mine
		for _, st := range s.states {
			list[i].states = append(list[i].states, state{st.chance, st.holds.and(mine)})
		}
	}
	return list
}

// chanceOf works out how safe a file is of which any k of the numbers in edges
// are enough. It tries all states of places that hold the same numbers, and joins
// what is independent by adding up.
func (hs households) chanceOf(k int, edges []edge, up func(peer.ID) float64) Chance {
	groups, exact := clusters(hs.sites(edges, up))
	c := Chance{Survives: -1, Exact: exact}
	total := 0
	most, chances := []int{0}, []float64{1} // by places that go: numbers that go at most; by numbers that are there: the chance
	for _, g := range groups {
		var all numbers
		for _, s := range g {
			all = all.or(s.all)
		}
		total += all.count()
		most = addUp(most, worst(g, all.count()))
		there := make([]float64, all.count()+1)
		spread(g, 1, numbers{}, there)
		chances = convolve(chances, there)
	}
	for n, chance := range chances {
		if n >= k {
			c.Readable += chance
		}
	}
	c.Readable = min(c.Readable, 1)
	for gone, lost := range most {
		if total-lost < k {
			break
		}
		c.Survives = gone
	}
	return c
}

// worst tells, for each number of sites that go, how many of total numbers go at
// most with them.
func worst(g []site, total int) []int {
	most := make([]int, len(g)+1)
	for set := range 1 << len(g) {
		var left numbers
		for i, s := range g {
			if set>>i&1 == 0 {
				left = left.or(s.all)
			}
		}
		gone := bits.OnesCount(uint(set))
		most[gone] = max(most[gone], total-left.count())
	}
	return most
}

// addUp gives the most that goes with so many of both.
func addUp(a, b []int) []int {
	sum := make([]int, len(a)+len(b)-1)
	for i, x := range a {
		for j, y := range b {
			sum[i+j] = max(sum[i+j], x+y)
		}
	}
	return sum
}

// spread adds the chance of each state of the sites to that of as many numbers
// as are there then.
func spread(g []site, chance float64, there numbers, to []float64) {
	if len(g) == 0 {
		to[there.count()] += chance
		return
	}
	for _, s := range g[0].states {
		spread(g[1:], chance*s.chance, there.or(s.holds), to)
	}
}

func convolve(a, b []float64) []float64 {
	sum := make([]float64, len(a)+len(b)-1)
	for i, x := range a {
		for j, y := range b {
			sum[i+j] += x * y
		}
	}
	return sum
}
