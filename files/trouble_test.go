package files_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/ledger"
)

// TestNobodyTakesTheRest: a put whose lost shares nobody takes fails; it doesn't
// wait for stripes that nobody gives back.
func TestNobodyTakesTheRest(t *testing.T) {
	c := newCircle(t, 4)
	for _, h := range c.hosts {
		h.breakAt = 1_000_000
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := c.files.Put(ctx, files.FromBytes("x", content(40_000_000)), files.PutOptions{K: 2, N: 3, Happy: 1}, func(p files.Progress) {
		if p.Stage == "sending" {
			for _, h := range c.hosts {
				h.mu.Lock()
				h.refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 2, Free: 1, Short: 1}
				h.mu.Unlock()
			}
		}
	})
	var spread *files.SpreadError
	if !errors.As(err, &spread) {
		t.Fatalf("got %v", err)
	}
}

// TestTwoOfANumberAreOne: two hosts that hold the same number don't make a file
// whole.
func TestTwoOfANumberAreOne(t *testing.T) {
	c := newCircle(t, 3)
	data := content(9000)
	o := files.PutOptions{K: 2, N: 2, Happy: 2}
	first := c.put(data, o)
	at := map[int]int{}
	for i, h := range c.hosts {
		for _, p := range first.Placed {
			if p.Host == h.net.ID() {
				at[int(p.Number)] = i
			}
		}
	}
	all := c.books.places
	without := func(gone int) {
		c.books.places = nil
		for _, a := range all {
			if gone < 0 || a.Peer != c.hosts[gone].net.ID() {
				c.books.places = append(c.books.places, a)
			}
		}
	}
	without(at[1])
	c.put(data, o) // number 1 goes to the third host too
	without(at[0])
	r := c.put(data, o)
	c.mustGet(r.Cap, data)
	if len(r.Placed) != 2 || r.Placed[0].Number == r.Placed[1].Number {
		t.Errorf("placed %+v", r.Placed)
	}
}

// TestWholeAtTooFewHosts: shares that lie at fewer hosts than are wanted now
// are spread further.
func TestWholeAtTooFewHosts(t *testing.T) {
	c := newCircle(t, 4)
	data := content(9000)
	all := c.books.places
	c.books.places = all[:1]
	c.put(data, files.PutOptions{K: 2, N: 4, Happy: 1})
	c.books.places = all
	r := c.put(data, files.PutOptions{K: 2, N: 4, Happy: 4})
	if r.Happy != 4 {
		t.Errorf("happy %d, want 4", r.Happy)
	}
}

// TestLostReceipts: hosts that stored a share, and whose receipts were lost,
// are told when the put fails.
func TestLostReceipts(t *testing.T) {
	c := newCircle(t, 3)
	for _, h := range c.hosts[:2] {
		h.loseReceipt = true
	}
	_, err := c.files.Put(t.Context(), files.FromBytes("x", content(9000)), files.PutOptions{K: 2, N: 3, Happy: 3}, nil)
	var spread *files.SpreadError
	if !errors.As(err, &spread) {
		t.Fatalf("got %v", err)
	}
	for _, h := range c.hosts {
		if n := h.held(); n != 0 {
			t.Errorf("%s keeps %d shares of a failed put", h.name, n)
		}
	}
	if len(c.books.placed) != 0 {
		t.Errorf("the books keep %+v", c.books.placed)
	}
}

// TestRemoveEndsTheSpreading: what still spreads in the background doesn't
// bring back a file that was removed.
func TestRemoveEndsTheSpreading(t *testing.T) {
	c := newCircle(t, 5)
	stall := make(chan struct{})
	c.hosts[1].stall = stall
	r := c.put(content(30_000_000), files.PutOptions{K: 2, N: 5, Happy: 4})
	if r.Behind != 1 {
		t.Fatalf("%d behind, want 1", r.Behind)
	}
	c.hosts[1].mu.Lock()
	c.hosts[1].stall = nil
	c.hosts[1].mu.Unlock()
	if _, err := c.files.Remove(t.Context(), mustParse(t, r.Cap)); err != nil {
		t.Fatal(err)
	}
	close(stall)
	time.Sleep(3 * time.Second) // longer than the first pause before the rest is tried again
	rows, err := c.books.Placements(t.Context(), r.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range rows {
		if l.State != ledger.PlacedGoing {
			t.Errorf("share %d is %v at %s after the removal", l.Share.Number, l.State, l.Host)
		}
	}
}

// TestCloseInMidPut: Close waits for the end of a put, which keeps what the
// hosts have for its repetition.
func TestCloseInMidPut(t *testing.T) {
	c := newCircle(t, 4)
	data := content(20_000_000)
	half, done := make(chan struct{}), make(chan error, 1)
	closed := false
	go func() {
		_, err := c.files.Put(t.Context(), files.FromBytes("x", data), files.PutOptions{K: 2, N: 4}, func(p files.Progress) {
			if p.Stage == "sending" && p.Done > p.Total/2 && !closed {
				closed = true
				close(half)
			}
		})
		done <- err
	}()
	<-half
	c.files.Close()
	select {
	case err := <-done:
		if err == nil {
			t.Fatal("the put ended before Close")
		}
	case <-time.After(time.Second):
		t.Fatal("Close didn't wait for the put")
	}
	c.restart()
	r := c.put(data, files.PutOptions{K: 2, N: 4})
	if r.Sent >= 40_000_000 {
		t.Errorf("sent all of %d again", r.Sent)
	}
	c.mustGet(r.Cap, data)
}

// TestAFullHostIsNotAskedForever: the books say that shares once lay at a host
// that has room for one of them now.
func TestAFullHostIsNotAskedForever(t *testing.T) {
	c := newCircle(t, 2)
	data, o := content(9000), files.PutOptions{K: 1, N: 2, Happy: 1}
	r := c.put(data, o)
	if _, err := c.files.Remove(t.Context(), mustParse(t, r.Cap)); err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct{ number, host int }{{0, 0}, {1, 0}, {0, 1}} {
		c.books.placed = append(c.books.placed, ledger.Placement{
			Share: potluck.ShareID{Index: r.Index, Number: potluck.ShareNumber(e.number)}, Host: c.hosts[e.host].net.ID(), State: ledger.PlacedComing,
		})
	}
	c.hosts[0].most = 1
	c.hosts[1].refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 2, Free: 1, Short: 1}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := c.files.Put(ctx, files.FromBytes("x", data), o, nil)
	if err != nil || r.Behind != 1 {
		t.Fatalf("%d behind, %v, after %d asks", r.Behind, err, c.hosts[0].asked.Load())
	}
}

// TestANeededHostIsWaitedFor: a slow host without which the put isn't happy is
// not left behind, however many shares the others take.
func TestANeededHostIsWaitedFor(t *testing.T) {
	c := newCircle(t, 3)
	stall := make(chan struct{})
	c.hosts[1].stall = stall
	time.AfterFunc(5*time.Second, func() { close(stall) })
	r := c.put(content(40_000_000), files.PutOptions{K: 2, N: 6, Happy: 3})
	if r.Happy != 3 {
		t.Errorf("happy %d, want 3", r.Happy)
	}
}

// TestASlowLineIsNoSilence: parts that take longer than the stall time, and come
// all the while, are waited for.
func TestASlowLineIsNoSilence(t *testing.T) {
	c := newCircle(t, 1)
	c.cfg.Stall = 500 * time.Millisecond
	c.restart()
	data := content(3_000_000)
	r := c.put(data, files.PutOptions{K: 1, N: 1})
	c.hosts[0].drip = 3 * time.Millisecond // 12 hashes of 32 bytes: more than a second
	b, _, err := c.get(r.Cap, files.GetOptions{Offset: 2_000_000, Length: 5})
	if err != nil || string(b) != string(data[2_000_000:2_000_005]) {
		t.Fatalf("got %d bytes, %v", len(b), err)
	}
}

// TestALongResumeIsWaitedFor: a host that reads again what it has of a share,
// before it says how much, isn't taken for silent.
func TestALongResumeIsWaitedFor(t *testing.T) {
	c := newCircle(t, 1)
	c.cfg.Stall = 500 * time.Millisecond
	c.restart()
	data, o := content(70_000_000), files.PutOptions{K: 1, N: 1}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.files.Put(ctx, files.FromBytes("x", data), o, func(p files.Progress) {
		if p.Stage == "sending" && p.Done > p.Total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for c.hosts[0].busy() {
		<-time.After(time.Millisecond)
	}
	c.hosts[0].think = time.Second
	if r := c.put(data, o); r.Sent >= r.Size {
		t.Errorf("sent %d of %d bytes again", r.Sent, r.Size)
	}
}
