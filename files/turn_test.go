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
	r := c.put(data, o)
	h := c.hosts[0]
	c.going(t, r, h)
	h.cancels = make(chan struct{})
	swept := make(chan int)
	go func() {
		n, err := c.files.Sweep(t.Context(), h.net.ID())
		if err != nil {
			t.Error(err)
		}
		swept <- n
	}()
	h.cancels <- struct{}{} // it is being told
	second := make(chan files.PutResult)
	go func() { second <- c.put(data, o) }()
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
// the books said before that it is to go.
func TestASweepLeavesAPutAlone(t *testing.T) {
	c := newCircle(t, 3)
	data, o := content(3_000_000), files.PutOptions{K: 1, N: 3, Happy: 3}
	r := c.put(data, o)
	h := c.hosts[0]
	c.going(t, r, h)
	c.hosts[1].mu.Lock()
	c.hosts[1].think = 500 * time.Millisecond // so that the put is under way for a while
	c.hosts[1].mu.Unlock()
	begun := make(chan struct{})
	done := make(chan error)
	go func() {
		var once sync.Once
		_, err := c.files.Put(t.Context(), files.FromBytes("x", data), o, func(p files.Progress) {
			if p.Stage == "placing" {
				once.Do(func() { close(begun) })
			}
		})
		done <- err
	}()
	<-begun
	if n, err := c.files.Sweep(t.Context(), h.net.ID()); n != 0 || err != nil {
		t.Errorf("swept %d, %v, in mid-put", n, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n, err := c.files.Sweep(t.Context(), h.net.ID()); n != 0 || err != nil || h.held() != 1 {
		t.Errorf("swept %d, %v, after the put; the host holds %d", n, err, h.held())
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
