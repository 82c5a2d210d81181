package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// slow is how long a part may take to stop before it is named in the log.
const slow = 5 * time.Second

// Part is one member of a group. Run, if not nil, is called in its own
// goroutine by Group.Run, and returns nil soon after its context ended. Close,
// if not nil, is called once, after Run of this and of all later parts
// returned and after all later parts were closed.
type Part struct {
	Name  string
	Run   func(ctx context.Context) error
	Close func() error
}

// Group is the parts of a process, in the order in which they need each other:
// each may use the ones before it.
type Group struct {
	log *slog.Logger

	mu      sync.Mutex
	parts   []Part
	running bool
	closed  bool
	stop    context.CancelFunc // ends Run; nil before Run
	done    chan struct{}      // closed when Run has returned or never will run
	err     error              // of closing
	once    sync.Once
}

// NewGroup makes an empty group.
func NewGroup(log *slog.Logger) *Group {
	return &Group{log: log, done: make(chan struct{})}
}

// Add appends a part. It must not be called after Run or Close.
func (g *Group) Add(p Part) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.parts = append(g.parts, p)
}

type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Run starts every part's Run, waits until ctx ends, Close is called, or the
// first Run returns an error, and then stops and closes all of them in reverse.
// It returns that first error, or else the errors of closing. After Close it
// starts nothing.
func (g *Group) Run(ctx context.Context) error {
	g.mu.Lock()
	if g.closed || g.running {
		again := g.running
		g.mu.Unlock()
		if again {
			return errors.New("run: the group was run before")
		}
		return g.Close()
	}
	ctx, g.stop = context.WithCancel(ctx)
	g.running = true
	parts := g.parts
	g.mu.Unlock()
	defer close(g.done)
	defer g.stop()

	first := make(chan error, 1) // the first failure; later ones are dropped
	runs := make([]running, len(parts))
	for i, p := range parts {
		runs[i] = start(p, first)
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-first:
	}
	for i := len(parts) - 1; i >= 0; i-- {
		runs[i].cancel()
		g.await(parts[i].Name, "to end", runs[i].done)
	}
	select {
	case late := <-first: // failed while ctx ended
		err = errors.Join(err, late)
	default:
	}
	return errors.Join(err, g.closeAll(parts))
}

// start runs one part; its goroutine ends when its Run returns.
func start(p Part, first chan<- error) running {
	r := running{cancel: func() {}, done: make(chan struct{})}
	if p.Run == nil {
		close(r.done)
		return r
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		defer cancel()
		err := p.Run(ctx)
		if err == nil {
			return
		}
		select {
		case first <- fmt.Errorf("%s: %w", p.Name, err):
		default:
		}
	}()
	return r
}

// Close ends Run and waits for it; without Run it closes the parts itself. All
// calls return the same.
func (g *Group) Close() error {
	g.mu.Lock()
	g.closed = true
	stop, parts := g.stop, g.parts
	g.mu.Unlock()
	if stop == nil {
		return g.closeAll(parts)
	}
	stop()
	<-g.done
	return g.closeAll(parts)
}

// closeAll closes the parts in reverse, once.
func (g *Group) closeAll(parts []Part) error {
	g.once.Do(func() {
		for i := len(parts) - 1; i >= 0; i-- {
			if parts[i].Close == nil {
				continue
			}
			done := make(chan struct{})
			var err error
			go func() { // ends with the part's Close, which await waits for
				defer close(done)
				err = parts[i].Close()
			}()
			g.await(parts[i].Name, "to close", done)
			if err != nil {
				g.err = errors.Join(g.err, fmt.Errorf("close %s: %w", parts[i].Name, err))
			}
		}
	})
	return g.err
}

// await waits for done, and names who is slow, once with all stacks.
func (g *Group) await(name, what string, done <-chan struct{}) {
	timer := time.NewTimer(slow)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	}
	stacks := make([]byte, 256<<10)
	stacks = stacks[:runtime.Stack(stacks, true)]
	g.log.Warn("still waiting for a part "+what, "part", name, "after", slow, "stacks", string(stacks))
	<-done
}
