package files

import (
	"bytes"
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

// assign gives every share number from 0 to n-1 a host, so that as many
// distinct hosts as possible hold one: a maximum matching between numbers and
// hosts. Rules, first difference wins:
//
//  1. the matching is as large as it can be (servers of happiness);
//  2. edges that stand already are kept, so that a repeated put sends least;
//  3. hosts come in rendezvous order of (index, host), so that two runs over the
//     same hosts choose alike, and many files spread evenly;
//  4. numbers that outnumber the hosts go round the hosts once more, except those
//     that take no more than most says.
//
// It returns one host per number; a number for which there is no room has "".
func assign(n int, index potluck.StorageIndex, hosts []peer.ID, standing []edge, most map[peer.ID]int) []peer.ID {
	hosts = rendezvous(index, hosts)
	known := make(map[peer.ID]bool, len(hosts))
	for _, h := range hosts {
		known[h] = true
	}
	var usable []edge
	for _, e := range standing {
		if known[e.host] && int(e.number) < n {
			usable = append(usable, e)
		}
	}
	placed := make([]peer.ID, n)
	used := make(map[peer.ID]bool, len(hosts))
	for number, host := range match(usable) {
		placed[number], used[host] = host, true
	}
	// Whatever matching of the standing edges came first, giving free numbers to
	// free hosts makes it min(n, hosts) large: between those, every edge may be.
	next := 0
	for number := range placed {
		for next < len(hosts) && used[hosts[next]] {
			next++
		}
		if placed[number] == "" && next < len(hosts) {
			placed[number], used[hosts[next]] = hosts[next], true
		}
	}
	again(placed, hosts, usable, most)
	return placed
}

// again gives the numbers that are left a second share's place: where one stands
// already, or round the hosts that take more.
func again(placed, hosts []peer.ID, usable []edge, most map[peer.ID]int) {
	count := make(map[peer.ID]int)
	for _, h := range placed {
		count[h]++
	}
	takes := func(h peer.ID) bool {
		limit, limited := most[h]
		return !limited || count[h] < limit
	}
	for _, e := range usable { // all of these first: they have a host's room already
		if placed[e.number] == "" && takes(e.host) {
			placed[e.number] = e.host
			count[e.host]++
		}
	}
	round := 0
	for number := range placed {
		if placed[number] != "" {
			continue
		}
		for tries := 0; placed[number] == "" && tries < len(hosts); tries++ {
			if h := hosts[round%len(hosts)]; takes(h) {
				placed[number] = h
			}
			round++
		}
		count[placed[number]]++
	}
}

// happiness is the number of distinct hosts that hold distinct shares: the size
// of a maximum matching. Any k of so many hosts can give the file back.
func happiness(edges []edge) int { return len(match(edges)) }

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
	weight := make(map[peer.ID][32]byte, len(hosts))
	for _, h := range hosts {
		weight[h] = blake3.Sum256(append(index[:], h...))
	}
	sorted := slices.Clone(hosts)
	slices.SortFunc(sorted, func(a, b peer.ID) int {
		wa, wb := weight[a], weight[b]
		return bytes.Compare(wa[:], wb[:])
	})
	return sorted
}

// survives is how many of the hosts may go, whichever they are, so that k
// distinct shares are still held by the rest. It is -1 when there aren't k now.
// Where a number lies at several hosts only the first is counted, so the answer
// is exact when each number has one host, and a lower bound otherwise.
func survives(k int, edges []edge) int {
	held := make(map[peer.ID]int)
	numbers := make(map[potluck.ShareNumber]bool)
	for _, e := range edges {
		if !numbers[e.number] {
			numbers[e.number] = true
			held[e.host]++
		}
	}
	left := len(numbers)
	if left < k {
		return -1
	}
	counts := make([]int, 0, len(held))
	for _, c := range held {
		counts = append(counts, c)
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	lost := 0
	for _, c := range counts {
		if left-c < k {
			break
		}
		left -= c
		lost++
	}
	return lost
}
