package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
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

// killLoop puts files while nodes are killed.
type killLoop struct {
	t      *testing.T
	random *rand.Rand
	all    []*testnet.Process // the first is the owner
	usual  time.Duration      // what a put takes when nobody is killed
	kept   []kept
	cut    int // puts that weren't acknowledged
	killed int // kills that hit a put in mid-work
}

// comingDeadline is how long the nodes of the loop reserve room for an upload
// that doesn't go on.
const comingDeadline = 2 * time.Second

// Over many rounds a node, owner or host, is killed with SIGKILL somewhere in a
// put. Afterwards: no acknowledged share is lost, all books are clean and agree,
// and nothing is charged that isn't there.
func TestKillLoop(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	_, all := mesh(ctx, t, testnet.Config{File: fmt.Sprintf("coming = %q", comingDeadline)}, "owner", "h1", "h2", "h3", "h4")
	l := &killLoop{t: t, random: rand.New(rand.NewPCG(seed, 1)), all: all}
	must(t, l.warmUp(ctx))
	start := time.Now()
	n := rounds(t)
	for i := range n {
		if err := l.round(ctx, i); err != nil {
			t.Fatalf("round %d of %d: %v", i+1, n, err)
		}
		if (i+1)%10 == 0 {
			if err := l.verify(ctx); err != nil {
				t.Fatalf("after round %d of %d: %v", i+1, n, err)
			}
		}
	}
	if err := l.verify(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds in %v: %d puts acknowledged, %d cut off; %d kills hit a put in mid-work",
		n, time.Since(start).Round(time.Millisecond), len(l.kept), l.cut, l.killed)
	if n >= 20 && (len(l.kept) < n/5 || l.killed < n/5) {
		t.Errorf("the loop proves little: %d puts acknowledged and %d kills in mid-work, of %d rounds", len(l.kept), l.killed, n)
	}
}

// warmUp learns how long a put takes, so that most kills hit one.
func (l *killLoop) warmUp(ctx context.Context) error {
	for range 5 {
		start := time.Now()
		data := randomBytes(3*mib, l.random.Uint64())
		result, err := putBytes(ctx, l.all[0], data, api.PutRequest{K: 2, N: 4, Happy: 4})
		if err != nil {
			return err
		}
		l.usual = max(l.usual, time.Since(start))
		l.kept = append(l.kept, kept{data, result})
	}
	return nil
}

// round puts one file, kills one node at some moment of it, and starts it again.
func (l *killLoop) round(ctx context.Context, i int) error {
	data := randomBytes(200+l.random.IntN(4*mib), l.random.Uint64())
	victim := l.all[l.random.IntN(len(l.all))]
	at := time.Duration(l.random.Int64N(int64(l.usual)))
	type outcome struct {
		result files.PutResult
		err    error
	}
	done := make(chan outcome, 1)
	r := api.PutRequest{K: 2, N: 4, Happy: 2 + i%3}
	go func() { // ends with the put
		result, err := putBytes(ctx, l.all[0], data, r)
		done <- outcome{result, err}
	}()
	moment := time.NewTimer(at)
	defer moment.Stop()
	<-moment.C
	if err := victim.Kill(); err != nil {
		return err
	}
	select {
	case o := <-done:
		done <- o
	default:
		l.killed++
	}
	if err := victim.Start(ctx); err != nil {
		return err
	}
	o := <-done
	if err := testnet.WaitConnected(ctx, l.all[0], l.all[1:]...); err != nil {
		return err
	}
	if o.err != nil {
		l.cut++
		// Every other put that was cut off is repeated; what the rest left at hosts
		// must be freed by itself.
		if l.cut%2 == 0 {
			return nil
		}
		if o.result, o.err = putBytes(ctx, l.all[0], data, r); o.err != nil {
			return fmt.Errorf("repeat a put that was cut off: %w", o.err)
		}
	}
	l.kept = append(l.kept, kept{data, o.result})
	return nil
}

// verify holds all that was ever acknowledged against the nodes.
func (l *killLoop) verify(ctx context.Context) error {
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
	for _, p := range l.all {
		if err := l.unreserved(ctx, p); err != nil {
			return err
		}
		if left := incoming(l.t, p.Dir); len(left) > 0 {
			return fmt.Errorf("%s has nothing reserved, and still has %v", p.Name, left)
		}
	}
	return nil
}

// unreserved waits until a node reserves nothing: what a put left to be spread
// behind its back may still be on its way.
func (l *killLoop) unreserved(ctx context.Context, p *testnet.Process) error {
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
func (l *killLoop) held(ctx context.Context, k kept) error {
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
