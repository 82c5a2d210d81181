package files

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/shares"
)

// maxFailures is how often in a row a source may fail without delivering
// anything before it is given up.
const maxFailures = 3

// source is one share at one host that a read can draw from.
type source struct {
	holding
	busy     bool // a lane draws from it
	dead     bool
	slow     bool // was left once for being slow: taken again only if nothing else is left
	failures int
}

// sources are the shares that a read knows of. A lane takes one at a time, and
// no two lanes draw the same share number. Safe for concurrent use.
type sources struct {
	index potluck.StorageIndex

	mu      sync.Mutex
	known   *peers
	asked   int // friends
	all     []*source
	open    bool          // the search goes on
	changed chan struct{} // closed and replaced at every change
	bytes   map[peer.ID]potluck.Size
	blames  []Blame
	// until is, by share number, the first stripe for which no lane has delivered
	// it yet. A lane that is behind that may not take the number: the stripe would
	// get one block twice and lack another.
	until map[potluck.ShareNumber]int64
}

func newSources(index potluck.StorageIndex, known *peers, asked int) *sources {
	return &sources{index: index, known: known, asked: asked, open: true, changed: make(chan struct{}), bytes: make(map[peer.ID]potluck.Size), until: make(map[potluck.ShareNumber]int64)}
}

func (s *sources) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *sources) add(h holding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, &source{holding: h})
	s.wake()
}

// complete says that the search has ended.
func (s *sources) complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	s.wake()
}

// restart forgets what was delivered: all lanes begin anew.
func (s *sources) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.until)
}

// list gives the living sources.
func (s *sources) list() []holding {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []holding
	for _, c := range s.all {
		if !c.dead {
			list = append(list, c.holding)
		}
	}
	return list
}

// distinct counts the share numbers that can be had.
func (s *sources) distinct() int {
	numbers := make(map[potluck.ShareNumber]bool)
	for _, h := range s.list() {
		numbers[h.Number] = true
	}
	return len(numbers)
}

// take waits for a source whose number no lane draws, for a lane that goes on at
// stripe next. It returns nil when there is none and nothing more can come.
func (s *sources) take(ctx context.Context, next int64) (*source, error) {
	for {
		s.mu.Lock()
		best := s.best(next)
		if best != nil {
			best.busy = true
		}
		open, changed := s.open, s.changed
		s.mu.Unlock()
		if best != nil || !open {
			return best, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// best chooses among the sources that can be taken now. First difference wins:
// not slow; fewest failures; the host that serves the fewest lanes; the lowest
// number, because the first k shares need no decoding.
func (s *sources) best(next int64) *source {
	drawn := make(map[potluck.ShareNumber]bool)
	serves := make(map[peer.ID]int)
	for _, c := range s.all {
		if c.busy {
			drawn[c.Number] = true
			serves[c.host]++
		}
	}
	var best *source
	for _, c := range s.all {
		if c.busy || c.dead || drawn[c.Number] || s.until[c.Number] > next {
			continue
		}
		if best == nil || cmp.Or(
			compareBool(c.slow, best.slow),
			cmp.Compare(c.failures, best.failures),
			cmp.Compare(serves[c.host], serves[best.host]),
			cmp.Compare(c.Number, best.Number)) < 0 {
			best = c
		}
	}
	return best
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// spare tells whether a lane that left c would find another that isn't slow.
func (s *sources) spare(c *source, next int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.slow {
		return false
	}
	best := s.best(next)
	return best != nil && !best.slow
}

// give returns a source that failed with err, or is no longer needed.
// progress tells that it delivered something since it was taken.
func (s *sources) give(c *source, progress bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.busy = false
	if progress {
		c.failures = 0
	}
	switch {
	case err == nil:
	case errors.Is(err, errSlow):
		c.slow = true
	case isWrong(err):
		c.dead = true
		s.blame(c.holding, err)
	default:
		c.failures++
		c.dead = c.failures >= maxFailures
		if c.dead {
			s.known.fail(c.host, err)
		}
	}
	s.wake()
}

// drop gives up a source that isn't taken.
func (s *sources) drop(h holding, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if c.holding == h {
			c.dead = true
		}
	}
	s.known.fail(h.host, err)
	if isWrong(err) {
		s.blame(h, err)
	}
	s.wake()
}

// condemn blames the host of a source that something else than a lane drew from.
func (s *sources) condemn(h holding, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blame(h, err)
}

func (s *sources) blame(h holding, err error) {
	s.blames = append(s.blames, Blame{
		Host: h.host, Name: s.known.nameOf(h.host), Reason: err.Error(), Share: potluck.ShareID{Index: s.index, Number: h.Number},
	})
	s.known.fail(h.host, err)
}

// isWrong tells whether an error says that the host's answer was wrong, rather
// than missing.
func isWrong(err error) bool {
	var corrupt *shares.CorruptError
	var wrong *wrongError
	return errors.As(err, &corrupt) || errors.As(err, &wrong)
}

// delivered notes that a lane has got the block of a stripe from c.
func (s *sources) delivered(c *source, stripe int64, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes[c.host] += potluck.Size(bytes)
	s.until[c.Number] = max(s.until[c.Number], stripe+1)
}

// account gives the bytes had from each host, and the blames.
func (s *sources) account() (map[peer.ID]potluck.Size, []Blame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes := make(map[peer.ID]potluck.Size, len(s.bytes))
	for h, n := range s.bytes {
		bytes[h] = n
	}
	return bytes, slices.Clone(s.blames)
}

func (s *sources) notEnough(need int) error {
	return &NotEnoughError{Need: need, Found: s.distinct(), Asked: s.asked, Silent: s.known.reasons()}
}
