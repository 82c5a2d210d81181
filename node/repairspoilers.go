package node

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
)

// spoilers remembers, of this life, who was given a share anew after its copy had
// turned out wrong, and who was wrong about such a share once more. A copy goes bad
// once on an honest disk; whoever spoils it again is given shares only where nobody
// else takes them. The zero value remembers nothing. Safe for concurrent use.
type spoilers struct {
	mu      sync.Mutex
	retried map[potluck.StorageIndex][]files.Blame
	caught  map[peer.ID]bool
}

// maxSpoilers bounds how many files are remembered. Any of them may go: then a host
// has one chance more.
const maxSpoilers = 4096

// tell says what is remembered to a repair.
func (s *spoilers) tell(index potluck.StorageIndex, o *files.RepairOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Retried = slices.Clone(s.retried[index])
	for h := range s.caught {
		o.Caught = append(o.Caught, h)
	}
}

// learn takes in how a repair went.
func (s *spoilers) learn(r files.RepairResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(b files.Blame) func(files.Blame) bool {
		return func(x files.Blame) bool { return x.Host == b.Host && x.Share == b.Share }
	}
	for _, b := range r.Blamed {
		if slices.ContainsFunc(s.retried[r.Index], same(b)) {
			s.caught = grown(s.caught)
			s.caught[b.Host] = true
		} else if slices.ContainsFunc(r.Placed, func(p files.Placed) bool { return p.Host == b.Host && p.Number == b.Share.Number }) {
			s.retried = grown(s.retried)
			s.retried[r.Index] = append(s.retried[r.Index], b)
		}
	}
}

// grown makes room for one entry more.
func grown[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return make(map[K]V)
	}
	for k := range m {
		if len(m) < maxSpoilers {
			break
		}
		delete(m, k)
	}
	return m
}
