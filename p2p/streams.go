package p2p

import (
	"sync"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// streams counts the requests that are being served, in all and per peer.
type streams struct {
	total, perPeer int // ceilings

	mu     sync.Mutex
	busy   int
	byPeer map[peer.ID]int // no zeros
	closed bool
	all    sync.WaitGroup
}

func newStreams(l Limits) *streams {
	return &streams{total: l.Streams, perPeer: l.StreamsPerPeer, byPeer: make(map[peer.ID]int)}
}

// enter counts one request in. leave must be called at its end. The error is a
// refusal with code "rate", or ErrClosed.
func (s *streams) enter(p peer.ID) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.busy >= s.total || s.byPeer[p] >= s.perPeer {
		return nil, &potluck.Refusal{Code: potluck.CodeRate, Cures: []potluck.Cure{{Kind: potluck.CureWait}}}
	}
	s.busy++
	s.byPeer[p]++
	s.all.Add(1)
	return func() { s.leave(p) }, nil
}

func (s *streams) leave(p peer.ID) {
	s.mu.Lock()
	s.busy--
	if s.byPeer[p]--; s.byPeer[p] == 0 {
		delete(s.byPeer, p)
	}
	s.mu.Unlock()
	s.all.Done()
}

// close lets nobody in any more.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
}

// wait returns when all have left; after close.
func (s *streams) wait() { s.all.Wait() }
