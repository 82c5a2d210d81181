package files

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
)

// edge says that a host holds, or is meant to hold, a share.
type edge struct {
	number potluck.ShareNumber
	host   peer.ID
}

// table is what assign chooses from: the hosts that may take shares, and what is
// known of them.
type table struct {
	hosts []peer.ID
	homes households
	free  map[peer.ID]potluck.Size // credit by their own word; absent: unknown
	most  map[peer.ID]int          // shares that they take at most, those that stand there included; absent: any number
}

// assign gives every share number from 0 to n-1 a host, so that as many
// distinct places as possible hold one: a maximum matching between numbers and
// places, where a household is one place. Rules, first difference wins:
//
//  1. the matching is as large as it can be (servers of happiness);
//  2. edges that stand already are kept, so that a repeated put sends least;
//  3. places whose hosts have said that they have credit come before those that
//     have said nothing;
//  4. places come in rendezvous order of (index, place), so that two runs over
//     the same hosts choose alike, and many files spread evenly;
//  5. within a household the host with most credit left comes first;
//  6. numbers that outnumber the places go round the places once more, except
//     those that take no more than most says.
//
// It returns one host per number; a number for which there is no room has "".
func assign(n int, index potluck.StorageIndex, t table, standing []edge) []peer.ID {
	a := t.seats(n, index)
	var usable []edge
	for _, e := range standing {
		if slices.Contains(t.hosts, e.host) && int(e.number) < n {
			usable = append(usable, e)
		}
	}
	used := make(map[peer.ID]bool, len(a.places))
	matched := match(t.homes.merge(usable))
	for _, e := range usable {
		if at := t.homes.of(e.host); matched[e.number] == at && a.placed[e.number] == "" {
			a.give(e.number, e.host)
			used[at] = true
		}
	}
	// Whatever matching of the standing edges came first, giving free numbers to
	// free places makes it min(n, places) large: between those, every edge may be.
	free := slices.DeleteFunc(slices.Clone(a.places), func(at peer.ID) bool { return used[at] || a.host(at) == "" })
	for number := range a.placed {
		if a.placed[number] == "" && len(free) > 0 {
			a.give(potluck.ShareNumber(number), a.host(free[0]))
			free = free[1:]
		}
	}
	a.again(usable)
	return a.placed
}

// seats is an assignment in the making.
type seats struct {
	table
	places  []peer.ID             // in the order in which they are chosen
	members map[peer.ID][]peer.ID // hosts of each place, in that order
	placed  []peer.ID             // by number
	count   map[peer.ID]int       // shares by host
}

func (t table) seats(n int, index potluck.StorageIndex) *seats {
	a := &seats{table: t, members: make(map[peer.ID][]peer.ID), placed: make([]peer.ID, n), count: make(map[peer.ID]int)}
	sorted := rendezvous(index, t.hosts)
	for _, h := range sorted {
		a.members[t.homes.of(h)] = append(a.members[t.homes.of(h)], h)
	}
	for _, hosts := range a.members {
		slices.SortStableFunc(hosts, func(x, y peer.ID) int { return cmp.Compare(t.credit(y), t.credit(x)) })
	}
	if a.places = sorted; len(t.homes) > 0 {
		a.places = rendezvous(index, t.homes.places(t.hosts))
	}
	silent := func(at peer.ID) int {
		if t.credit(a.members[at][0]) < 0 {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(a.places, func(x, y peer.ID) int { return silent(x) - silent(y) })
	return a
}

// credit is what a host said that it has free; -1: it said nothing.
func (t table) credit(h peer.ID) potluck.Size {
	if free, ok := t.free[h]; ok {
		return free
	}
	return -1
}

func (a *seats) give(number potluck.ShareNumber, h peer.ID) {
	a.placed[number] = h
	a.count[h]++
}

func (a *seats) takes(h peer.ID) bool {
	limit, limited := a.most[h]
	return !limited || a.count[h] < limit
}

// host is who takes the next share at a place: of those with fewest shares the
// first. It is "" when the place is full.
func (a *seats) host(at peer.ID) (best peer.ID) {
	for _, h := range a.members[at] {
		if a.takes(h) && (best == "" || a.count[h] < a.count[best]) {
			best = h
		}
	}
	return best
}

// again gives the numbers that are left a second share's place: where one stands
// already, or round the places that take more.
func (a *seats) again(usable []edge) {
	for _, e := range usable { // all of these first: they have a host's room already
		if a.placed[e.number] == "" && a.takes(e.host) {
			a.give(e.number, e.host)
		}
	}
	round := 0
	for number := range a.placed {
		for tries := 0; a.placed[number] == "" && tries < len(a.places); tries++ {
			if h := a.host(a.places[round%len(a.places)]); h != "" {
				a.give(potluck.ShareNumber(number), h)
			}
			round++
		}
	}
}

// match finds a maximum matching by augmenting paths (Kuhn). Edges come first in
// the order in which they are given.
func match(edges []edge) map[potluck.ShareNumber]peer.ID {
	from := make(map[potluck.ShareNumber][]peer.ID)
	var numbers []potluck.ShareNumber
	for _, e := range edges {
		if from[e.number] == nil {
			numbers = append(numbers, e.number)
		}
		from[e.number] = append(from[e.number], e.host)
	}
	slices.Sort(numbers)
	owner := make(map[peer.ID]potluck.ShareNumber)
	var augment func(n potluck.ShareNumber, seen map[peer.ID]bool) bool
	augment = func(n potluck.ShareNumber, seen map[peer.ID]bool) bool {
		for _, h := range from[n] {
			if seen[h] {
				continue
			}
			seen[h] = true
			if o, taken := owner[h]; !taken || augment(o, seen) {
				owner[h] = n
				return true
			}
		}
		return false
	}
	for _, n := range numbers {
		augment(n, make(map[peer.ID]bool))
	}
	matched := make(map[potluck.ShareNumber]peer.ID, len(owner))
	for h, n := range owner {
		matched[n] = h
	}
	return matched
}

// rendezvous sorts hosts by the hash of (index, host): highest-random-weight
// order (Thaler and Ravishankar, 1998).
func rendezvous(index potluck.StorageIndex, hosts []peer.ID) []peer.ID {
	type weighed struct {
		weight [32]byte
		host   peer.ID
	}
	list := make([]weighed, len(hosts))
	key := slices.Clone(index[:])
	for i, h := range hosts {
		list[i] = weighed{blake3.Sum256(append(key, h...)), h}
	}
	slices.SortFunc(list, func(a, b weighed) int { return bytes.Compare(a.weight[:], b.weight[:]) })
	sorted := make([]peer.ID, len(list))
	for i, w := range list {
		sorted[i] = w.host
	}
	return sorted
}
