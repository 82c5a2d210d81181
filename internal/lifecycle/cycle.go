package lifecycle

import (
	"context"
	"sync"
	"time"
)

// Cycle calls one function again and again: after the delay that the function
// asked for, or as soon as it is triggered. It makes no calls in parallel.
type Cycle struct {
	turn func(ctx context.Context) time.Duration
	wake chan struct{} // capacity 1: something below changed

	mu      sync.Mutex
	paused  bool
	due     bool            // a trigger came since the last turn began
	waiting []chan struct{} // closed when a turn that began after they came ends
	ended   chan struct{}   // closed when Run returned
}

// NewCycle makes a cycle. turn returns the time until its next call; a negative
// one means: only when triggered.
func NewCycle(turn func(ctx context.Context) time.Duration) *Cycle {
	return &Cycle{turn: turn, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Run makes the first turn at once, and returns nil when ctx ended. It is
// called once.
func (c *Cycle) Run(ctx context.Context) error {
	defer close(c.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	fired := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
			fired = true
		}
		waiting, ok := c.begin(fired)
		if !ok {
			continue
		}
		fired = false
		next := c.turn(ctx)
		for _, w := range waiting {
			close(w)
		}
		timer.Stop()
		if next >= 0 {
			timer.Reset(next)
		}
	}
}

// begin tells whether a turn is to be made, and who waits for it.
func (c *Cycle) begin(fired bool) (waiting []chan struct{}, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 && (c.paused || !fired && !c.due) {
		return nil, false
	}
	waiting, c.waiting, c.due = c.waiting, nil, false
	return waiting, true
}

// Trigger asks for a turn soon. Triggers that come before it begins are one.
func (c *Cycle) Trigger() {
	c.mu.Lock()
	c.due = true
	c.mu.Unlock()
	c.poke()
}

// TriggerWait makes a turn, also while paused, and waits until it ended. It
// returns early with ctx's error, or at once with nil when the cycle ended.
func (c *Cycle) TriggerWait(ctx context.Context) error {
	done := make(chan struct{})
	c.mu.Lock()
	c.waiting = append(c.waiting, done)
	c.mu.Unlock()
	c.poke()
	select {
	case <-done:
		return nil
	case <-c.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pause makes no more turns, other than those that TriggerWait asks for. A turn
// that runs is not awaited.
func (c *Cycle) Pause() {
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
}

// Resume ends a pause. A turn that fell due meanwhile is made.
func (c *Cycle) Resume() {
	c.mu.Lock()
	c.paused = false
	c.mu.Unlock()
	c.poke()
}

func (c *Cycle) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
