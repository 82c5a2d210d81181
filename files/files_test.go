package files_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
)

func content(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	r.Read(b)
	return b
}

func (c *circle) put(data []byte, o files.PutOptions) files.PutResult {
	c.t.Helper()
	r, err := c.files.Put(c.t.Context(), files.FromBytes("a file", data), o, nil)
	if err != nil {
		c.t.Fatalf("put %d bytes: %v", len(data), err)
	}
	return r
}

func (c *circle) get(text string, o files.GetOptions) ([]byte, files.GetResult, error) {
	c.t.Helper()
	cp, err := caps.Parse(text)
	if err != nil {
		c.t.Fatal(err)
	}
	var b bytes.Buffer
	ctx, cancel := context.WithTimeout(c.t.Context(), 60*time.Second)
	defer cancel()
	r, err := c.files.Get(ctx, cp, &b, o, nil)
	return b.Bytes(), r, err
}

func (c *circle) mustGet(text string, want []byte) files.GetResult {
	c.t.Helper()
	b, r, err := c.get(text, files.GetOptions{})
	if err != nil {
		c.t.Fatalf("get: %v", err)
	}
	if !bytes.Equal(b, want) {
		c.t.Fatalf("got %d bytes, other than the %d that were put", len(b), len(want))
	}
	return r
}

func TestPutAndGet(t *testing.T) {
	c := newCircle(t, 5)
	for _, size := range []int{0, 1, 128, 129, 4096, 300_000, 786_432, 786_433, 5_000_000} {
		data := content(size)
		r := c.put(data, files.PutOptions{})
		if size > caps.LiteralMax && (len(r.Placed) != 5 || r.Behind != 0 || r.Happy != 5) {
			t.Errorf("%d bytes: placed %d, behind %d, happy %d", size, len(r.Placed), r.Behind, r.Happy)
		}
		c.mustGet(r.Cap, data)
		for range 5 {
			from := rand.IntN(size + 1)
			n := rand.IntN(size - from + 1)
			b, _, err := c.get(r.Cap, files.GetOptions{Offset: potluck.Size(from), Length: potluck.Size(n)})
			want := data[from:]
			if n > 0 {
				want = data[from : from+n]
			}
			if err != nil || !bytes.Equal(b, want) {
				t.Fatalf("bytes %d+%d of %d: %d bytes, %v", from, n, size, len(b), err)
			}
		}
	}
}

func TestSpread(t *testing.T) {
	c := newCircle(t, 4)
	data := content(400_000)
	for _, o := range []files.PutOptions{{K: 1, N: 1}, {K: 1, N: 4}, {K: 4, N: 4}, {K: 2, N: 9, Happy: 4}, {K: 3, N: 200, Happy: 4}, {Random: true}} {
		r := c.put(data, o)
		c.mustGet(r.Cap, data)
		if r.Behind != 0 {
			t.Errorf("%+v: %d shares aren't placed", o, r.Behind)
		}
	}
}

func TestAnyLossUpToNMinusK(t *testing.T) {
	c := newCircle(t, 5)
	data := content(2_000_000)
	r := c.put(data, files.PutOptions{K: 2, N: 5})
	for gone := 1; gone <= 3; gone++ {
		c.hosts[gone].net.Close()
		c.mustGet(r.Cap, data)
	}
	c.hosts[4].net.Close()
	_, _, err := c.get(r.Cap, files.GetOptions{})
	var few *files.NotEnoughError
	if !errors.As(err, &few) || few.Need != 2 || few.Found != 1 {
		t.Fatalf("with one friend left: %v", err)
	}
}

func TestLiarsAreBlamedAndReplaced(t *testing.T) {
	c := newCircle(t, 5)
	data := content(3_000_000)
	r := c.put(data, files.PutOptions{K: 2, N: 5})
	var flips atomic.Int32
	for _, h := range c.hosts[:3] {
		h.lie = func(b []byte) {
			if flips.Add(1)%7 == 3 {
				b[len(b)/2] ^= 4
			}
		}
	}
	got := c.mustGet(r.Cap, data)
	if flips.Load() > 7 && len(got.Blamed) == 0 {
		t.Error("nobody was blamed")
	}
	for _, b := range got.Blamed {
		if b.Host == c.hosts[3].net.ID() || b.Host == c.hosts[4].net.ID() {
			t.Errorf("%s was blamed: %s", b.Name, b.Reason)
		}
		if b.Share.Index != r.Index {
			t.Errorf("the blame names share %v of another file", b.Share)
		}
	}
}

func TestStalledHostsAreLeft(t *testing.T) {
	c := newCircle(t, 6)
	c.hosts[2].stall = make(chan struct{})
	defer close(c.hosts[2].stall)
	data := content(40_000_000)
	r := c.put(data, files.PutOptions{K: 2, N: 6, Happy: 4})
	if len(r.Placed) != 5 || r.Behind != 1 {
		t.Fatalf("placed %d, behind %d; want 5 and 1", len(r.Placed), r.Behind)
	}
	for _, i := range []int{0, 1} { // two more that answer nothing to reads
		c.hosts[i].mu.Lock()
		c.hosts[i].stall = make(chan struct{})
		c.hosts[i].mu.Unlock()
		defer close(c.hosts[i].stall)
	}
	c.mustGet(r.Cap, data)
}

// TestTheRestIsSpreadLater: a host that was stalled gets its share in the
// background when it answers again.
func TestTheRestIsSpreadLater(t *testing.T) {
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
	close(stall)
	deadline := time.Now().Add(30 * time.Second)
	for {
		placed, err := c.books.Placements(t.Context(), r.Index)
		if err != nil {
			t.Fatal(err)
		}
		stable := 0
		for _, p := range placed {
			if p.State == ledger.PlacedStable {
				stable++
			}
		}
		if stable == 5 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d shares placed after 30 s, want 5", stable)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestTooFewFriends(t *testing.T) {
	c := newCircle(t, 3)
	c.hosts[1].refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 100, Free: 10, Short: 90}
	_, err := c.files.Put(t.Context(), files.FromBytes("x", content(9000)), files.PutOptions{K: 3, N: 3}, nil)
	var spread *files.SpreadError
	if !errors.As(err, &spread) || spread.Wanted != 3 || spread.Found != 2 || len(spread.Reasons) != 1 || spread.Reasons[0].Refusal == nil {
		t.Fatalf("got %v", err)
	}
	for _, h := range c.hosts {
		if n := h.held(); n != 0 {
			t.Errorf("%s keeps %d shares of a failed put", h.name, n)
		}
	}
	if len(c.books.placed) != 0 || len(c.books.files) != 0 {
		t.Errorf("the books keep %d placements, %d files", len(c.books.placed), len(c.books.files))
	}
	// Without numbers the put makes do with the two that have room.
	r := c.put(content(9000), files.PutOptions{})
	if r.Layout.N != 2 || r.Behind != 0 {
		t.Errorf("chose %d-of-%d for two friends with room", r.Layout.K, r.Layout.N)
	}
}

// TestSilentHost: a host that doesn't answer costs one put a wait, and no more.
func TestSilentHost(t *testing.T) {
	c := newCircle(t, 4)
	c.hosts[3].mute = true
	for i := range 3 {
		data := content(9000 + i)
		r := c.put(data, files.PutOptions{})
		if r.Layout.N != 3 || r.Behind != 0 {
			t.Errorf("put %d chose %d-of-%d for three friends that answer", i, r.Layout.K, r.Layout.N)
		}
		c.mustGet(r.Cap, data)
	}
	if n := c.hosts[3].asked.Load(); n != 1 {
		t.Errorf("the silent host was asked %d times, want once", n)
	}
	for _, h := range c.hosts[:3] {
		if n := h.held(); n != 3 {
			t.Errorf("%s keeps %d shares of three puts", h.name, n)
		}
	}
}

func TestAHostThatTakesOnlyOne(t *testing.T) {
	c := newCircle(t, 3)
	c.hosts[0].most, c.hosts[1].most = 1, 2
	r := c.put(content(9000), files.PutOptions{K: 2, N: 6, Happy: 3})
	count := map[string]int{}
	for _, p := range r.Placed {
		count[p.Name]++
	}
	if len(r.Placed) != 6 || count["friend0"] != 1 || count["friend1"] > 2 {
		t.Fatalf("placed by host: %v", count)
	}
}

func TestRepeatedPutSendsNothing(t *testing.T) {
	c := newCircle(t, 4)
	data := content(3_000_000)
	first := c.put(data, files.PutOptions{})
	second := c.put(data, files.PutOptions{})
	if second.Cap != first.Cap || second.Sent != 0 || second.Reused != 4 {
		t.Fatalf("second put: same cap %v, sent %d, reused %d", second.Cap == first.Cap, second.Sent, second.Reused)
	}
	c.books.mu.Lock() // the books are lost: the hosts still know
	c.books.placed, c.books.files = nil, map[potluck.StorageIndex]ledger.File{}
	c.books.mu.Unlock()
	third := c.put(data, files.PutOptions{})
	if third.Cap != first.Cap || third.Sent != 0 || third.Reused != 4 {
		t.Fatalf("third put: same cap %v, sent %d, reused %d", third.Cap == first.Cap, third.Sent, third.Reused)
	}
}

func TestCutOffPutSendsOnlyWhatIsMissing(t *testing.T) {
	c := newCircle(t, 4)
	data := content(20_000_000)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.files.Put(ctx, files.FromBytes("x", data), files.PutOptions{K: 2, N: 4}, func(p files.Progress) {
		if p.Stage == "sending" && p.Done > p.Total/2 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cut off: %v", err)
	}
	c.restart()
	var before int64
	for _, h := range c.hosts {
		for h.busy() {
			time.Sleep(time.Millisecond)
		}
		before += h.written.Load()
	}
	r := c.put(data, files.PutOptions{K: 2, N: 4})
	c.mustGet(r.Cap, data)
	total := potluck.Size(4 * 10_000_000)
	if r.Sent+potluck.Size(before) != total || before == 0 {
		t.Errorf("sent %d before the cut and %d after it, want %d in all", before, r.Sent, total)
	}
}

func TestAHostThatBreaksOffIsReplaced(t *testing.T) {
	c := newCircle(t, 4)
	data := content(8_000_000)
	c.hosts[2].breakAt = 1_000_000
	r := c.put(data, files.PutOptions{K: 2, N: 3, Happy: 3})
	if r.Happy != 3 {
		t.Fatalf("happy %d, want 3", r.Happy)
	}
	c.mustGet(r.Cap, data)
}

func TestSourceThatChanges(t *testing.T) {
	c := newCircle(t, 3)
	path := filepath.Join(t.TempDir(), "changing")
	data := content(6_000_000)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := files.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := false
	_, err = c.files.Put(t.Context(), src, files.PutOptions{}, func(p files.Progress) {
		if p.Stage == "placing" && !changed {
			changed = true
			data[5_000_000] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	var ce *files.ChangedError
	if !errors.As(err, &ce) {
		t.Fatalf("got %v", err)
	}
	for _, h := range c.hosts {
		if n := h.held(); n != 0 {
			t.Errorf("%s keeps %d shares of a failed put", h.name, n)
		}
	}
}

func TestWhereAndRemove(t *testing.T) {
	c := newCircle(t, 4)
	data := content(100_000)
	r := c.put(data, files.PutOptions{K: 2, N: 4})
	cp, err := caps.Parse(r.Cap)
	if err != nil {
		t.Fatal(err)
	}
	c.hosts[0].net.Close()
	w, err := c.files.Where(t.Context(), cp)
	if err != nil || !w.Readable || w.Survives != 1 || len(w.Shares) != 4 {
		t.Fatalf("where: %+v, %v", w, err)
	}
	unknown := 0
	for _, s := range w.Shares {
		if s.State == files.ShareUnknown && s.Host == c.hosts[0].net.ID() {
			unknown++
		}
	}
	if unknown != 1 {
		t.Errorf("the share of the host that is gone isn't unknown: %+v", w.Shares)
	}
	rm, err := c.files.Remove(t.Context(), cp)
	if err != nil || rm.Cancelled != 3 || len(rm.Unreached) != 1 {
		t.Fatalf("remove: %+v, %v", rm, err)
	}
	if _, _, err := c.get(r.Cap, files.GetOptions{}); err == nil {
		t.Error("the file can still be read")
	}
	if len(c.books.placed) != 1 || c.books.placed[0].State != ledger.PlacedGoing {
		t.Errorf("placements left: %+v", c.books.placed)
	}
	if _, err := c.files.Remove(t.Context(), mustParse(t, c.put(data, files.PutOptions{K: 1, N: 2}).Cap)); err != nil {
		t.Error(err)
	}
}

func mustParse(t testing.TB, text string) caps.Cap {
	t.Helper()
	cp, err := caps.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

func TestAFaultyCrosscheckOrManifestIsHadElsewhere(t *testing.T) {
	c := newCircle(t, 3)
	data := content(2_000_000)
	r := c.put(data, files.PutOptions{K: 1, N: 3})
	for _, h := range c.hosts[:2] {
		h.fault = func(q p2p.ReadRequest) bool { return q.Part != p2p.PartData }
	}
	c.mustGet(r.Cap, data)
}

// busy tells whether a write is still under way.
func (h *host) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.writing > 0
}
