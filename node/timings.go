package node

import (
	"sync"
	"time"
)

// Timing is how often something was done since the start, and how long it took
// in all.
type Timing struct {
	Count int64
	Total time.Duration
}

// timings adds up what the books and the store take. The zero value is ready.
type timings struct {
	mu sync.Mutex
	of map[string]Timing
}

// What is timed: operations that wait for a disk.
const (
	timeReserve = "ledger_reserve"
	timeBook    = "ledger_commit"
	timeCreate  = "store_create"
	timeWrite   = "store_commit"
	timeOpen    = "store_open"
	timeDelete  = "store_delete"
)

// since counts one operation that began then: defer k.timed.since(what, time.Now()).
func (t *timings) since(what string, begun time.Time) {
	took := time.Since(begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = make(map[string]Timing)
	}
	sum := t.of[what]
	t.of[what] = Timing{sum.Count + 1, sum.Total + took}
}

// timed runs an operation that gives something, and counts it.
func timed[T any](t *timings, what string, act func() (T, error)) (T, error) {
	defer t.since(what, time.Now())
	return act()
}

// Timings tells what the books and the store took since the start, by operation.
func (n *Node) Timings() map[string]Timing {
	t := &n.keep.timed
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make(map[string]Timing, len(t.of))
	for _, what := range []string{timeReserve, timeBook, timeCreate, timeWrite, timeOpen, timeDelete} {
		all[what] = t.of[what]
	}
	return all
}
