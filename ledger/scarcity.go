package ledger

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
)

// scarcity is what isn't covered, and by whom more would reach it: a walk in what
// the flow leaves open.
type scarcity struct {
	at    map[peer.ID]int // of the peers through whom more would reach somebody who is short
	short []potluck.Size
	next  [][]int
	seen  []int // the walk that was here last
	walks int
}

// scarce gives what isn't covered as it stood before the operation.
func (t *tx) scarce() *scarcity {
	if t.scarcity == nil {
		t.scarcity = t.graph.scarce()
	}
	return t.scarcity
}

// scarce walks back from those who are short: over pointers that could carry
// more, and over what others carry away from there, which could be led around. Through
// a pointer that carries all it may nothing more would come.
func (g *graph) scarce() *scarcity {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &scarcity{at: make(map[peer.ID]int)}
	var all []credit.ID
	meet := func(id credit.ID) int {
		i, known := s.at[peer.ID(id)]
		if !known {
			i = len(all)
			s.at[peer.ID(id)] = i
			all, s.next, s.short, s.seen = append(all, id), append(s.next, nil), append(s.short, 0), append(s.seen, 0)
		}
		return i
	}
	for _, x := range g.book.Shortfalls() {
		s.short[meet(x.ID)] = x.Bytes
	}
	for i := 0; i < len(all); i++ {
		leads := func(id credit.ID) {
			from := meet(id)
			s.next[from] = append(s.next[from], i)
		}
		for _, f := range g.book.Into(all[i]) {
			if hops, ok := g.book.Distance(f.From); ok && hops < g.hops && f.Bytes < f.Capacity {
				leads(f.From)
			}
		}
		for _, f := range g.book.Carried(all[i]) {
			if f.Bytes > 0 {
				leads(f.To)
			}
		}
	}
	return s
}

// through tells how much is short to which more would come by way of a peer, at
// most so much. No flow through it could cover more than that.
func (s *scarcity) through(p peer.ID, most potluck.Size) (sum potluck.Size) {
	i, ok := s.at[p]
	if !ok {
		return 0
	}
	s.walks++
	s.seen[i] = s.walks
	for walk := []int{i}; len(walk) > 0 && sum < most; {
		i, walk = walk[len(walk)-1], walk[:len(walk)-1]
		sum += min(s.short[i], most-sum)
		for _, j := range s.next[i] {
			if s.seen[j] != s.walks {
				s.seen[j] = s.walks
				walk = append(walk, j)
			}
		}
	}
	return sum
}
