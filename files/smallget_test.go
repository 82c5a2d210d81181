package files_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/p2p"
	"potluck/shares"
)

func (c *circle) slivers() (n int32) {
	for _, h := range c.hosts {
		n += h.slivers.Load()
	}
	return n
}

// part reads a range, compares it, and tells what came from whom.
func (c *circle) part(text string, data []byte, off, n int) files.GetResult {
	c.t.Helper()
	b, r, err := c.get(text, files.GetOptions{Offset: potluck.Size(off), Length: potluck.Size(n)})
	if err != nil || !bytes.Equal(b, data[off:off+n]) {
		c.t.Fatalf("%d bytes from %d: %d came, %v", n, off, len(b), err)
	}
	return r
}

// becomes changes how a host behaves.
func (h *host) becomes(change func(*host)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

func moved(r files.GetResult) (n potluck.Size) {
	for _, h := range r.Hosts {
		n += h.Bytes
	}
	return n
}

// holder gives the host of a share.
func (c *circle) holder(r files.PutResult, number potluck.ShareNumber) *host {
	c.t.Helper()
	for _, p := range r.Placed {
		for _, h := range c.hosts {
			if p.Number == number && p.Host == h.net.ID() {
				return h
			}
		}
	}
	c.t.Fatalf("nobody holds share %d", number)
	return nil
}

// TestSmallReads: a few bytes move the units that they lie in, and nothing else.
func TestSmallReads(t *testing.T) {
	c := newCircle(t, 5)
	for name, o := range map[string]files.PutOptions{"3-of-5": {K: 3, N: 5}, "1-of-2": {K: 1, N: 2}, "5-of-5": {K: 5, N: 5}} {
		data := content(2_345_678)
		r := c.put(data, o)
		before := c.slivers()
		for range 40 {
			n := 1 + rand.IntN(64<<10)
			off := rand.IntN(len(data) - n)
			got := c.part(r.Cap, data, off, n)
			// Two blocks at most, cut at 4 units each, and each cut a unit more at both ends.
			if most := potluck.Size(n) + 4*2*shares.Unit; moved(got) > most || len(got.Hosts) > 2 {
				t.Errorf("%s: %d bytes from %d moved %v from %d hosts", name, n, off, moved(got), len(got.Hosts))
			}
		}
		if c.slivers()-before < 40 {
			t.Errorf("%s: %d slivers for 40 reads", name, c.slivers()-before)
		}
		if got := c.part(r.Cap, data, 4096, 4096); moved(got) != shares.Unit || len(got.Hosts) != 1 {
			t.Errorf("%s: 4 KiB moved %v from %d hosts", name, moved(got), len(got.Hosts))
		}
		before = c.slivers()
		c.part(r.Cap, data, 1000, 64<<10+1)
		c.mustGet(r.Cap, data)
		if c.slivers() != before {
			t.Errorf("%s: slivers were asked for a long read", name)
		}
	}
	small := content(10_000) // its shares are one unit each
	r, before := c.put(small, files.PutOptions{K: 2, N: 4}), c.slivers()
	c.part(r.Cap, small, 3, 5)
	if c.slivers() != before {
		t.Error("slivers were asked of a share of one unit")
	}
}

// TestSmallReadsAreAllThatAHostSees: the next small read of a file asks for slivers
// alone, as an audit does.
func TestSmallReadsAreAllThatAHostSees(t *testing.T) {
	c := newCircle(t, 1)
	data := content(2_000_000)
	r := c.put(data, files.PutOptions{K: 1, N: 1})
	var read atomic.Int32
	c.hosts[0].becomes(func(h *host) { h.fault = func(p2p.ReadRequest) bool { read.Add(1); return false } })
	for want := range 3 {
		c.part(r.Cap, data, 100_000*want, 1000)
		if read.Load() != 1 {
			t.Errorf("%d parts were read besides slivers by %d small reads, want the manifest once", read.Load(), want+1)
		}
	}
}

// TestSmallReadsGoRoundAbout: what one host can't give comes from k others, by
// slivers too, or from whole blocks where hosts know none.
func TestSmallReadsGoRoundAbout(t *testing.T) {
	data := content(2_000_000)
	const at, n = 690_000, 5_000 // in block 2 of the first stripe of 3-of-6
	begin := func(t *testing.T) (*circle, files.PutResult, *host) {
		c := newCircle(t, 6)
		r := c.put(data, files.PutOptions{K: 3, N: 6})
		return c, r, c.holder(r, 2)
	}
	t.Run("away", func(t *testing.T) {
		c, r, h := begin(t)
		h.net.Close()
		if got := c.part(r.Cap, data, at, n); moved(got) != 3*shares.Unit || len(got.Hosts) != 3 {
			t.Errorf("%v moved from %d hosts, want three units", moved(got), len(got.Hosts))
		}
	})
	t.Run("wrong", func(t *testing.T) {
		c, r, h := begin(t)
		h.becomes(func(h *host) { h.lie = func(b []byte) { b[len(b)/2] ^= 1 } })
		if got := c.part(r.Cap, data, at, n); len(got.Blamed) != 1 || got.Blamed[0].Host != h.net.ID() || got.Blamed[0].Share.Number != 2 {
			t.Errorf("blamed %+v", got.Blamed)
		}
	})
	t.Run("all but k wrong", func(t *testing.T) {
		c, r, _ := begin(t)
		for i := range potluck.ShareNumber(3) {
			c.holder(r, i).becomes(func(h *host) { h.lie = func(b []byte) { b[len(b)-1] ^= 1 } })
		}
		if got := c.part(r.Cap, data, at, n); len(got.Blamed) == 0 {
			t.Errorf("blamed %+v", got.Blamed)
		}
	})
	t.Run("silent", func(t *testing.T) {
		c, r, h := begin(t)
		stall := make(chan struct{})
		h.becomes(func(h *host) { h.stall = stall })
		defer close(stall)
		begun := time.Now()
		if got := c.part(r.Cap, data, at, n); len(got.Blamed) != 0 || time.Since(begun) > 1500*time.Millisecond {
			t.Errorf("it took %v, blamed %+v", time.Since(begun), got.Blamed)
		}
	})
	t.Run("older", func(t *testing.T) {
		c, r, _ := begin(t)
		for _, h := range c.hosts {
			h.becomes(func(h *host) { h.older = true })
		}
		if got := c.part(r.Cap, data, at, n); len(got.Blamed) != 0 || moved(got) < 3*shares.Unit {
			t.Errorf("%v moved, blamed %+v", moved(got), got.Blamed)
		}
	})
	t.Run("too few", func(t *testing.T) {
		c, r, h := begin(t)
		for _, other := range c.hosts {
			if other != h && other != c.holder(r, 0) {
				other.net.Close()
			}
		}
		_, _, err := c.get(r.Cap, files.GetOptions{Offset: at, Length: n})
		var few *files.NotEnoughError
		if !errors.As(err, &few) {
			t.Errorf("with two of three shares: %v", err)
		}
	})
}

// TestProveIsASmallRead: an audit of a unit asks a host for what a read of a few
// bytes asks it for.
func TestProveIsASmallRead(t *testing.T) {
	c := newCircle(t, 3)
	data := content(1_500_000)
	r := c.put(data, files.PutOptions{K: 2, N: 3})
	slice := func(number potluck.ShareNumber) (files.Slice, *host) {
		h := c.holder(r, number)
		rows, err := c.books.Placements(t.Context(), r.Index)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range rows {
			if p.Share.Number == number {
				return files.Slice{Host: p.Host, Share: p.Share, Layout: p.Layout, Root: p.Root}, h
			}
		}
		t.Fatalf("no row of share %d", number)
		return files.Slice{}, nil
	}
	for number := range potluck.ShareNumber(3) {
		s, h := slice(number)
		before := h.slivers.Load()
		for u := range shares.Units(shares.DataLen(s.Layout)) {
			if err := c.files.Prove(t.Context(), s.Unit(u)); err != nil {
				t.Fatalf("unit %d of share %d: %v", u, number, err)
			}
		}
		if got := h.slivers.Load() - before; int64(got) != shares.Units(shares.DataLen(s.Layout)) {
			t.Errorf("share %d: %d slivers were asked for", number, got)
		}
	}
	s, h := slice(2)
	h.becomes(func(h *host) { h.lie = func(b []byte) { b[len(b)/2] ^= 1 } })
	if err := c.files.Prove(t.Context(), s.Unit(3)); !files.Missing(err) {
		t.Errorf("of a liar: %v", err)
	}
	h.becomes(func(h *host) { h.lie, h.older = nil, true })
	for u := range shares.Units(shares.DataLen(s.Layout)) {
		if err := c.files.Prove(t.Context(), s.Unit(u)); err != nil {
			t.Errorf("an older program, unit %d: %v", u, err)
		}
	}
	if err := h.store.Delete(t.Context(), s.Share); err != nil {
		t.Fatal(err)
	}
	h.becomes(func(h *host) { h.older = false })
	if err := c.files.Prove(t.Context(), s.Unit(0)); !files.Missing(err) {
		t.Errorf("of a deleted share: %v", err)
	}
}
