package files

import (
	"sync"
	"time"

	"potluck"
)

// reporter passes progress on, at most ten times a second a stage, and from one
// goroutine at a time.
type reporter struct {
	mu    sync.Mutex
	tell  func(Progress) // nil: nobody listens
	clock func() time.Time
	last  time.Time
	state Progress
}

func newReporter(tell func(Progress), clock func() time.Time) *reporter {
	return &reporter{tell: tell, clock: clock}
}

// stage begins a stage.
func (r *reporter) stage(name string, total potluck.Size, hosts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = Progress{Stage: name, Total: total, Hosts: hosts}
	r.send()
}

// add counts bytes of the stage as done.
func (r *reporter) add(n potluck.Size) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Done += n
	if r.state.Done >= r.state.Total || r.clock().Sub(r.last) >= 100*time.Millisecond {
		r.send()
	}
}

func (r *reporter) send() {
	r.last = r.clock()
	if r.tell != nil {
		r.tell(r.state)
	}
}
