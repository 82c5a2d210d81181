package files_test

import (
	"sync"
	"testing"
	"time"

	"potluck/files"
	"potluck/ledger"
)

// TestTheSameFileTwiceAtOnce: of two puts of one file at once one sends it, and
// the other finds it there.
func TestTheSameFileTwiceAtOnce(t *testing.T) {
	c := newCircle(t, 4)
	data := content(8_000_000)
	const times = 4
	results := make([]files.PutResult, times)
	var wg sync.WaitGroup
	for i := range times {
		wg.Go(func() {
			var err error
			if results[i], err = c.files.Put(t.Context(), files.FromBytes("x", data), files.PutOptions{K: 2, N: 4, Happy: 4}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	sent, reused := 0, 0
	for _, r := range results {
		sent += int(r.Sent)
		reused += r.Reused
		if r.Cap != results[0].Cap || r.Happy != 4 || r.Behind != 0 {
			t.Errorf("another cap, or happy %d, behind %d", r.Happy, r.Behind)
		}
	}
	if sent != 4*4_000_000 || reused != (times-1)*4 {
		t.Errorf("sent %d bytes, reused %d shares; want each share once", sent, reused)
	}
	c.mustGet(results[0].Cap, data)
}

// TestAPutWaitsForASweep: a put that begins while a host is told of an older
// removal of the same file doesn't count on what is about to go.
func TestAPutWaitsForASweep(t *testing.T) {
	c := newCircle(t, 3)
	data, o := content(9000), files.PutOptions{K: 1, N: 3, Happy: 3}
	h := c.hosts[0]
	c.going(t, c.put(data, o), h)
	h.cancels = make(chan struct{})
	swept, second := make(chan int, 1), make(chan files.PutResult, 1)
	go func() {
		n, err := c.files.Sweep(t.Context(), h.net.ID())
		if err != nil {
			t.Error(err)
		}
		swept <- n
	}()
	<-h.cancels // it is being told
	go func() { second <- c.put(data, o) }()
	select {
	case r := <-second:
		t.Error("the put ended while its share was being swept")
		second <- r
	case <-time.After(300 * time.Millisecond):
	}
	h.cancels <- struct{}{}
	if n := <-swept; n != 1 {
		t.Errorf("swept %d shares, want 1", n)
	}
	if got := <-second; got.Happy != 3 {
		t.Errorf("happy %d", got.Happy)
	}
	for _, h := range c.hosts {
		if h.held() != 1 {
			t.Errorf("%s holds %d shares after the second put, want 1", h.name, h.held())
		}
	}
}

// TestASweepLeavesAPutAlone: what a put under way counts on isn't swept, though
// the books say that it is to go until the put writes its own intent.
func TestASweepLeavesAPutAlone(t *testing.T) {
	c := newCircle(t, 3)
	data, o := content(9000), files.PutOptions{K: 1, N: 3, Happy: 3}
	h := c.hosts[0]
	c.going(t, c.put(data, o), h)
	h.cancels = make(chan struct{})
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	c.books.placing = func() { once.Do(func() { close(begun); <-goOn }) }
	put, swept := make(chan files.PutResult, 1), make(chan int, 1)
	go func() { put <- c.put(data, o) }()
	<-begun
	go func() {
		n, err := c.files.Sweep(t.Context(), h.net.ID())
		if err != nil {
			t.Error(err)
		}
		swept <- n
	}()
	select {
	case <-h.cancels:
		t.Error("the host is told to drop what the put counts on")
		close(goOn)
		<-put
		h.cancels <- struct{}{}
	case n := <-swept:
		if n != 0 {
			t.Errorf("swept %d shares in mid-put", n)
		}
		close(goOn)
		if r := <-put; r.Reused != 3 {
			t.Errorf("reused %d shares, want 3", r.Reused)
		}
	}
	if h.held() != 1 {
		t.Errorf("the host holds %d shares after the put", h.held())
	}
}

// going marks the shares of a file at a host as removed, as if it had been away
// when they were, and forgets the file.
func (c *circle) going(t *testing.T, r files.PutResult, h *host) {
	t.Helper()
	for _, p := range r.Placed {
		if p.Host == h.net.ID() {
			for _, l := range c.books.placed {
				if l.Share.Number == p.Number && l.Host == p.Host {
					l.State = ledger.PlacedGoing
					if err := c.books.Place(t.Context(), []ledger.Placement{l}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	if err := c.books.DropFile(t.Context(), r.Index); err != nil {
		t.Fatal(err)
	}
}

// TestRemoveWaitsForAPut: a removal in mid-put removes what the put placed.
func TestRemoveWaitsForAPut(t *testing.T) {
	c := newCircle(t, 3)
	data, o := content(3_000_000), files.PutOptions{K: 1, N: 3, Happy: 3}
	r := c.put(data, o)
	if _, err := c.files.Remove(t.Context(), mustParse(t, r.Cap)); err != nil {
		t.Fatal(err)
	}
	begun, done := make(chan struct{}), make(chan error)
	go func() {
		var once sync.Once
		_, err := c.files.Put(t.Context(), files.FromBytes("x", data), o, func(p files.Progress) {
			if p.Stage == "sending" {
				once.Do(func() { close(begun) })
			}
		})
		done <- err
	}()
	<-begun
	if _, err := c.files.Remove(t.Context(), mustParse(t, r.Cap)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, h := range c.hosts {
		if h.held() != 0 {
			t.Errorf("%s holds %d shares after the removal", h.name, h.held())
		}
	}
	if len(c.books.placed) != 0 {
		t.Errorf("the books keep %+v", c.books.placed)
	}
}
