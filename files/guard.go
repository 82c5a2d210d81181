package files

import (
	"io"
	"sync"
	"time"
)

// guard watches over a source that should deliver a block: it calls late each
// time that the stall time has passed since start, until pause or end.
type guard struct {
	stall time.Duration
	late  func(moved bool) (again bool)

	mu    sync.Mutex
	timer *time.Timer
	on    bool
	due   time.Time // before it a firing is one of an earlier start
	moved bool      // something came since start, or since late was called
}

// newGuard makes a guard that is off. late must not call it.
func newGuard(stall time.Duration, late func(moved bool) bool) *guard {
	return &guard{stall: stall, late: late}
}

func (g *guard) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on, g.moved, g.due = true, false, time.Now().Add(g.stall)
	if g.timer == nil {
		g.timer = time.AfterFunc(g.stall, g.fire)
		return
	}
	g.timer.Reset(g.stall)
}

func (g *guard) pause() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = false
	if g.timer != nil {
		g.timer.Stop()
	}
}

func (g *guard) move() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.moved = true
}

func (g *guard) fire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.on || time.Now().Before(g.due) {
		return
	}
	g.on = g.late(g.moved)
	g.moved = false
	if g.on {
		g.due = time.Now().Add(g.stall)
		g.timer.Reset(g.stall)
	}
}

// moving tells a guard of every byte that arrives.
type moving struct {
	io.Reader
	guard *guard
}

func (m moving) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if n > 0 {
		m.guard.move()
	}
	return n, err
}
