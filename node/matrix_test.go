package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// trouble says how one call of a store fails.
type trouble struct {
	name string
	err  error
	done bool            // the call has its effect all the same
	ops  map[string]bool // the calls that may fail so, by the contract of shares.Store
}

func ops(names ...string) map[string]bool {
	set := make(map[string]bool)
	for _, n := range names {
		set[n] = true
	}
	return set
}

var errDisk = fmt.Errorf("read or write: %w", syscall.EIO)

// troubles is one axis of the matrix; the calls of a flow are the other.
var troubles = []trouble{
	{"an error, nothing done", errDisk, false, ops("stat", "create", "write", "commit", "delete", "set aside")},
	{"an error, though it is done", errDisk, true, ops("create", "delete", "set aside")},
	{"no room", shares.ErrFull, false, ops("create", "write", "commit")},
	{"a failed sync, nothing done", shares.ErrFailed, false, ops("commit", "delete", "set aside")},
	{"a failed sync, though it is done", shares.ErrFailed, true, ops("commit", "delete", "set aside")},
}

// brittle is a store one call of which fails. After a failed sync it takes
// nothing any more, as the contract says.
type brittle struct {
	shares.Store

	mu      sync.Mutex
	trouble trouble
	at      int      // the number of the call that fails, from 0; below 0: none
	calls   []string // so far
	ended   bool     // a sync failed
}

// next counts a call in, and tells how it fails.
func (s *brittle) next(op string) (err error, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended && op != "stat" {
		return shares.ErrFailed, false
	}
	s.calls = append(s.calls, op)
	if len(s.calls) != s.at+1 {
		return nil, false
	}
	s.ended = errors.Is(s.trouble.err, shares.ErrFailed)
	return s.trouble.err, s.trouble.done
}

// state tells whether a sync failed, and the calls so far.
func (s *brittle) state() (ended bool, calls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended, slices.Clone(s.calls)
}

func (s *brittle) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	if err, _ := s.next("stat"); err != nil {
		return shares.Info{}, err
	}
	return s.Store.Stat(ctx, id)
}

func (s *brittle) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	err, done := s.next("create")
	if err != nil && !done {
		return nil, err
	}
	in, failure := s.Store.Create(ctx, h)
	if failure != nil {
		return nil, failure
	}
	if err != nil {
		return nil, errors.Join(err, in.Suspend())
	}
	return brittleIncoming{in, s}, nil
}

func (s *brittle) Delete(ctx context.Context, id potluck.ShareID) error {
	err, done := s.next("delete")
	if err == nil || done {
		err = errors.Join(err, s.Store.Delete(ctx, id))
	}
	return err
}

func (s *brittle) SetAside(ctx context.Context, id potluck.ShareID) error {
	err, done := s.next("set aside")
	if err == nil || done {
		err = errors.Join(err, s.Store.SetAside(ctx, id))
	}
	return err
}

type brittleIncoming struct {
	shares.Incoming
	store *brittle
}

func (in brittleIncoming) Write(p []byte) (int, error) {
	if err, _ := in.store.next("write"); err != nil {
		return 0, errors.Join(err, in.Abort())
	}
	return in.Incoming.Write(p)
}

func (in brittleIncoming) Commit(ctx context.Context, manifest, crosscheck []byte) (h shares.Header, err error) {
	failure, done := in.store.next("commit")
	if failure == nil || done {
		h, err = in.Incoming.Commit(ctx, manifest, crosscheck)
	} else if errors.Is(failure, shares.ErrFailed) { // what was written may be there when it is opened again
		err = in.Suspend()
	} else {
		err = in.Abort()
	}
	return h, errors.Join(failure, err)
}

// Every call that a write, a cancel and an eviction make of the store fails in
// every way that the contract allows, while the node lives. Nothing is
// acknowledged that isn't so, the node ends after a failed sync and only then,
// and when the disk is well again the same can be done.
func TestEveryFaultOfTheStore(t *testing.T) {
	for _, f := range flows() {
		owner, _ := start(t, config(t, "owner"))
		calls := f.withFault(t, owner, trouble{}, -1)
		if len(calls) == 0 {
			t.Fatalf("%s makes no call of the store", f.name)
		}
		for at, op := range calls {
			for _, how := range troubles {
				if how.ops[op] {
					t.Run(fmt.Sprintf("%s, call %d, a %s: %s", f.name, at, op, how.name), func(t *testing.T) { f.withFault(t, owner, how, at) })
				}
			}
		}
	}
}

// withFault runs the flow at a new host, one call of whose store fails, and looks
// at what is left. It gives the calls that were made.
func (f flow) withFault(t *testing.T, owner *Node, how trouble, at int) []string {
	c, hostConfig := f.content(t), config(t, "host")
	var time clock
	hostConfig.Clock = time.now
	host, err := New(t.Context(), hostConfig)
	if err != nil {
		t.Fatal(err)
	}
	host.keep.store = &stage{Store: host.store, on: host.store}
	over := make(chan error, 1)
	go func() { over <- host.Run(context.Background()) }()
	befriend(t, host, owner)
	if f.before {
		c.put(t, owner, host)
	}
	s := &brittle{Store: host.store, trouble: how, at: at}
	exchange(host, s)
	result := f.run(t, owner, host, c)
	ended, _ := s.state()
	failed := isClosed(host.Failed(), patience(ended))
	if failed != ended {
		t.Fatalf("a failed sync: %v, the node ended: %v; the flow gave %v", ended, failed, result)
	}
	if err := errors.Join(host.Close(), <-over); (err != nil) != failed {
		t.Fatalf("the node ended with %v", err)
	}
	f.afterFault(t, owner, hostConfig, &time, c, result)
	_, calls := s.state()
	return calls
}

// patience is how long something is waited for that is expected, or isn't.
func patience(expected bool) time.Duration {
	if expected {
		return 5 * time.Second
	}
	return 0
}

// isClosed waits for a channel to be closed.
func isClosed(c <-chan struct{}, wait time.Duration) bool {
	select {
	case <-c:
		return true
	case <-time.After(wait):
		return false
	}
}

// afterFault starts the host again on a disk that is well, and holds it against
// what the flow said.
func (f flow) afterFault(t *testing.T, owner *Node, hostConfig Config, time *clock, c content, result error) {
	host, stop := start(t, hostConfig)
	defer stop()
	reunite(t, owner, host)
	if !f.damage {
		clean(t, host)
	}
	if result == nil {
		time.forward(goingAgain)
		sweepTwice(t, host)
		f.wantAfter(t, owner, host, c)
	}
	f.must(t, owner, host, c)
	time.forward(goingAgain)
	sweepTwice(t, host)
	f.wantAfter(t, owner, host, c)
	clean(t, host)
}

// goingAgain is more than the books wait until they name bytes again that
// couldn't be deleted, and less than what they take for a clock that jumped.
const goingAgain = 11 * time.Minute

func sweepTwice(t *testing.T, n *Node) {
	t.Helper()
	for range 2 {
		if err := n.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A share that is given up while a broken writer still has it is gone as soon as
// that leaves, and can be put again at once.
func TestGivenUpWhileItIsWritten(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 3<<20)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	body, sender := io.Pipe()
	left := make(chan error, 1)
	go func() { // ends with the pipe
		_, err := host.keep.Write(t.Context(), owner.self, p2p.WriteRequest{Index: c.index, Layout: c.layout, Length: potluck.Size(len(c.data)),
			Manifest: potluck.Size(len(c.manifest)), Crosscheck: potluck.Size(len(c.crosscheck))}, body)
		left <- err
	}()
	if _, err := sender.Write(c.data[:1<<20]); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{c.id()}}); err != nil {
		t.Fatal(err)
	}
	sender.CloseWithError(io.ErrUnexpectedEOF)
	if err := <-left; err == nil {
		t.Fatal("half a share was taken")
	}
	if r := clean(t, host); r.Books.Shares != 0 {
		t.Fatalf("a row is left: %+v", r)
	}
	c.put(t, owner, host)
	c.checkRead(t, owner, host)
	clean(t, host)
}
