package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"potluck/files"
	"potluck/gateway/api"
	"potluck/testnet"
)

// rounds gives the number of rounds of the kill -9 loop.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("POTLUCK_ROUNDS")
	if text == "" {
		return 50
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("POTLUCK_ROUNDS is %q, want a number from 1", text)
	}
	return n
}

// kept is a file whose put was acknowledged.
type kept struct {
	data   []byte
	result files.PutResult
}

// strikeLoop puts and removes files while nodes are struck.
type strikeLoop struct {
	t       *testing.T
	random  *rand.Rand
	all     []*testnet.Process // the first is the owner
	victims []*testnet.Process
	strike  func(victim *testnet.Process) error // ends it as abruptly as it is told to
	usual   time.Duration                       // what work takes when nobody is struck, as far as strikes have shown
	kept    []kept
	gone    []kept // their removal was acknowledged, since they were looked at last
	acked   int    // puts that were acknowledged
	removed int
	cut     int // puts that weren't acknowledged
	struck  int // strikes that hit work under way
}

// comingDeadline is how long the nodes of the loop reserve room for an upload
// that doesn't go on. A machine with much else to do stands still for seconds.
const comingDeadline = 4 * time.Second

// keptAtMost is how many files the loop keeps; beyond it removes more.
const keptAtMost = 20

func newStrikeLoop(t *testing.T, all []*testnet.Process) *strikeLoop {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &strikeLoop{t: t, random: rand.New(rand.NewPCG(seed, 1)), all: all, victims: all, strike: (*testnet.Process).Kill}
}

// Over many rounds a node, owner or host, is killed with SIGKILL somewhere in
// puts and removals, and others leave and come back. Afterwards: no acknowledged
// share is lost, no removed one is held, all books are clean and agree, and
// nothing is charged that isn't there.
func TestKillLoop(t *testing.T) {
	n := rounds(t)
	ctx := within(t, 2*time.Minute+time.Duration(n)*8*time.Second)
	_, all := mesh(ctx, t, testnet.Config{File: fmt.Sprintf("coming = %q", comingDeadline)}, "owner", "h1", "h2", "h3", "h4")
	newStrikeLoop(t, all).run(ctx, n)
}

// run strikes n times.
func (l *strikeLoop) run(ctx context.Context, n int) {
	t := l.t
	t.Helper()
	must(t, l.warmUp(ctx))
	start := time.Now()
	for i := range n {
		if err := l.round(ctx, i); err != nil {
			t.Fatalf("round %d of %d: %v", i+1, n, err)
		}
		if (i+1)%10 == 0 || i+1 == n {
			if err := l.verify(ctx); err != nil {
				t.Fatalf("after round %d of %d: %v", i+1, n, err)
			}
		}
	}
	t.Logf("%d rounds in %v: %d puts acknowledged and %d cut off, %d files removed; %d strikes hit work under way",
		n, time.Since(start).Round(time.Millisecond), l.acked, l.cut, l.removed, l.struck)
	if n >= 20 && (l.acked < n/5 || l.struck < n/5 || l.removed < n/10) {
		t.Errorf("the loop proves little: %d puts and %d removals acknowledged, %d strikes in mid-work, of %d rounds", l.acked, l.removed, l.struck, n)
	}
}

// warmUp learns how long a put takes, so that most strikes hit one.
func (l *strikeLoop) warmUp(ctx context.Context) error {
	for range 5 {
		start := time.Now()
		if err := l.put(ctx, 3*mib, api.PutRequest{K: 2, N: 4, Happy: 3}).do(); err != nil {
			return err
		}
		l.usual = max(l.usual, time.Since(start))
	}
	return nil
}

// job is a put or a removal: do does it and done, called after it by the loop's
// goroutine alone, keeps count.
type job struct {
	what string
	call func() error
	done func()
	err  error
}

func (j *job) do() error {
	if err := j.call(); err != nil {
		return err
	}
	j.done()
	return nil
}

func (l *strikeLoop) put(ctx context.Context, size int, r api.PutRequest) *job {
	k := kept{data: randomBytes(size, l.random.Uint64())}
	return &job{what: "put", call: func() (err error) {
		k.result, err = putBytes(ctx, l.all[0], k.data, r)
		return err
	}, done: func() { l.kept = append(l.kept, k); l.acked++ }}
}

func (l *strikeLoop) remove(ctx context.Context) *job {
	i := l.random.IntN(len(l.kept))
	k := l.kept[i]
	l.kept = slices.Delete(l.kept, i, i+1)
	return &job{what: "remove", call: func() error {
		_, err := l.all[0].API().Remove(ctx, k.result.Cap)
		if kindOf(err) == api.KindNotFound { // an earlier try did it
			err = nil
		}
		return err
	}, done: func() { l.gone = append(l.gone, k); l.removed++ }}
}

// jobs are what is under way when a node is struck.
func (l *strikeLoop) jobs(ctx context.Context, i int) []*job {
	r := api.PutRequest{K: 2, N: 4, Happy: 2 + i%2}
	jobs := []*job{l.put(ctx, 200+l.random.IntN(4*mib), r), l.put(ctx, 200+l.random.IntN(90_000), r)}
	for range 1 + max(0, len(l.kept)-keptAtMost) {
		if len(l.kept) > 5 {
			jobs = append(jobs, l.remove(ctx))
		}
	}
	return jobs
}

// round does some jobs, strikes a node at some moment of them, and starts it again.
func (l *strikeLoop) round(ctx context.Context, i int) error {
	victim := l.victims[l.random.IntN(len(l.victims))]
	at := time.Duration(l.random.Int64N(int64(l.usual)))
	jobs := l.jobs(ctx, i)
	var working sync.WaitGroup
	for _, j := range jobs {
		working.Go(func() { j.err = j.call() })
	}
	over := make(chan struct{})
	go func() { working.Wait(); close(over) }() // ends with the jobs
	moment := time.NewTimer(at)
	defer moment.Stop()
	<-moment.C
	select {
	case <-over: // too late: earlier next time
		l.usual = max(l.usual*8/10, 20*time.Millisecond)
	default:
		l.struck++
		l.usual = min(l.usual*11/10, 3*time.Second)
	}
	if err := l.strike(victim); err != nil {
		return err
	}
	if err := victim.Start(ctx); err != nil {
		return err
	}
	if other := l.all[l.random.IntN(len(l.all))]; i%5 == 4 && other != victim { // one leaves, and comes back
		if err := other.Restart(ctx); err != nil {
			return err
		}
	}
	<-over
	if err := testnet.WaitConnected(ctx, l.all[0], l.all[1:]...); err != nil {
		return err
	}
	return l.settleJobs(jobs)
}

// settleJobs keeps count of what was acknowledged. Removals that weren't are
// repeated, and every other put; what the rest left at hosts must be freed by itself.
func (l *strikeLoop) settleJobs(jobs []*job) error {
	for _, j := range jobs {
		if j.err == nil {
			j.done()
			continue
		}
		if j.what == "put" {
			if l.cut++; l.cut%2 == 0 {
				continue
			}
		}
		err := j.do()
		if j.what == "put" && err != nil { // what the first left may just have ended
			err = j.do()
		}
		if err != nil {
			return fmt.Errorf("repeat a %s that was cut off (%w): %w", j.what, j.err, err)
		}
	}
	return nil
}

// verify holds all that was ever acknowledged against the nodes.
func (l *strikeLoop) verify(ctx context.Context) error {
	if err := settled(ctx, 10*comingDeadline, l.all...); err != nil {
		return err
	}
	for _, k := range l.kept {
		if _, err := getSame(ctx, l.all[0], k.result.Cap, k.data); err != nil {
			return err
		}
		if err := l.held(ctx, k); err != nil {
			return err
		}
	}
	for _, k := range l.gone {
		if _, err := getSame(ctx, l.all[0], k.result.Cap, k.data); err == nil {
			return fmt.Errorf("%v was removed, and is still there", k.result.Index)
		}
	}
	l.gone = nil
	for _, p := range l.all {
		if err := l.unreserved(ctx, p); err != nil {
			return err
		}
		if err := l.nothingIncoming(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// nothingIncoming waits until a node that reserves nothing has nothing left of what
// was cut off: a writer may take a while to notice that nobody sends any more.
func (l *strikeLoop) nothingIncoming(ctx context.Context, p *testnet.Process) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var left []string
	if err := testnet.Poll(ctx, func() (bool, error) {
		left = incoming(l.t, p.Dir)
		return len(left) == 0, nil
	}); err != nil {
		return fmt.Errorf("%s has nothing reserved, and still has %v: %w", p.Name, left, err)
	}
	return nil
}

// unreserved waits until a node reserves nothing: what a put left to be spread
// behind its back may still be on its way.
func (l *strikeLoop) unreserved(ctx context.Context, p *testnet.Process) error {
	ctx, cancel := context.WithTimeout(ctx, 10*comingDeadline)
	defer cancel()
	var s api.Status
	err := testnet.Poll(ctx, func() (done bool, err error) {
		s, err = p.API().Status(ctx)
		return s.Reserved == 0, err
	})
	if err != nil {
		return fmt.Errorf("%s reserves %v: %w", p.Name, s.Reserved, err)
	}
	return nil
}

// held asks the hosts for every share whose receipt the put came back with.
func (l *strikeLoop) held(ctx context.Context, k kept) error {
	where, err := l.all[0].API().Where(ctx, k.result.Cap)
	if err != nil {
		return err
	}
	var wrong error
	for _, placed := range k.result.Placed {
		found := false
		for _, at := range where.Shares {
			found = found || at.Number == placed.Number && at.Host == placed.Host && at.State == files.ShareHeld
		}
		if !found {
			wrong = errors.Join(wrong, fmt.Errorf("share %d of %v was acknowledged by %s, and isn't held there", placed.Number, k.result.Index, placed.Name))
		}
	}
	return wrong
}
