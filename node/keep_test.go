package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// sizes of shares: a byte, a small one, one of several pieces.
var sizes = []potluck.Size{1, 4 << 10, 3<<20 + 17}

func TestWriteReadCancel(t *testing.T) {
	owner, host := pair(t)
	var all potluck.Size
	var put []content
	for _, size := range sizes {
		c := makeContent(t, size)
		c.put(t, owner, host)
		c.checkRead(t, owner, host)
		all += shares.Charge(c.layout)
		wantHeld(t, host, owner, all, 0)
		put = append(put, c)
	}
	clean(t, host)
	h, err := owner.host.Have(t.Context(), host.self, p2p.HaveRequest{Indexes: []potluck.StorageIndex{put[0].index, {1}}})
	if err != nil || len(h.Sets) != 2 || len(h.Sets[0].Shares) != 1 || len(h.Sets[1].Shares) != 0 {
		t.Fatalf("have: %+v, %v", h, err)
	}
	if s := h.Sets[0].Shares[0]; s.Root != put[0].root || !s.Mine {
		t.Fatalf("have: %+v", s)
	}
	for i, c := range put {
		r, err := owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{c.id(), {Index: potluck.StorageIndex{9}}}})
		if err != nil || r.Freed != shares.Charge(c.layout) || r.Cancelled != 1 {
			t.Fatalf("cancel %d: %+v, %v", i, r, err)
		}
		all -= r.Freed
		wantHeld(t, host, owner, all, 0)
	}
	if r := clean(t, host); r.Store.Shares != 0 || r.Books.Shares != 0 {
		t.Fatalf("after cancelling all: %+v", r)
	}
}

func TestHeldShareIsNotSentAgain(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 100<<10)
	c.put(t, owner, host)
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil || g.State != p2p.GrantHeld || g.Root != c.root || g.Offset != shares.DataLen(c.layout) {
		t.Fatalf("allocate again: %+v, %v", g, err)
	}
	// A lost receipt is had again for a proof.
	if err := c.write(t, owner, host, g.Offset); err != nil {
		t.Fatalf("prove: %v", err)
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
	wrong := c
	wrong.manifest = append([]byte(nil), c.manifest...)
	wrong.manifest[80] ^= 1
	if err := wrong.write(t, owner, host, g.Offset); !errors.Is(err, &p2p.Error{Code: p2p.CodeConflict}) {
		t.Fatalf("prove with another manifest: %v, want conflict", err)
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
}

func TestSecondOwnerOfAShare(t *testing.T) {
	owner, host := pair(t)
	other, _ := start(t, config(t, "other"))
	befriend(t, host, other)
	c := makeContent(t, 100<<10)
	c.put(t, owner, host)
	g, err := c.allocate(t.Context(), other, host)
	if err != nil || g.State != p2p.GrantExists {
		t.Fatalf("allocate: %+v, %v", g, err)
	}
	if err := c.write(t, other, host, g.Offset); err != nil {
		t.Fatalf("prove: %v", err)
	}
	wantHeld(t, host, other, shares.Charge(c.layout), 0)
	// Nobody's cancel touches the other's lease.
	if _, err := owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{c.id()}}); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, host, owner, 0, 0)
	wantHeld(t, host, other, shares.Charge(c.layout), 0)
	c.checkRead(t, other, host)
	clean(t, host)
}

func TestBrokenWriteIsResumed(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 3<<20)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	w, err := c.begin(t.Context(), owner, host, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(c.data[:2<<20]); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil || g.State != p2p.GrantNew {
		t.Fatalf("allocate again: %+v, %v", g, err)
	}
	t.Logf("%d of %d bytes had arrived", g.Offset, 2<<20)
	wantHeld(t, host, owner, 0, shares.Charge(c.layout))
	if err := c.write(t, owner, host, g.Offset); err != nil {
		t.Fatalf("resume from %d: %v", g.Offset, err)
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
	c.checkRead(t, owner, host)
	clean(t, host)
}

// TestAskerLeavesBeforeTheCommit: a write whose asker is gone when all has come
// lets go of the share, and keeps its bytes.
func TestAskerLeavesBeforeTheCommit(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 3<<20)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	body := io.MultiReader(bytes.NewReader(c.data), bytes.NewReader(c.manifest), &leaving{leave, bytes.NewReader(c.crosscheck)})
	_, err := host.keep.Write(ctx, owner.self, p2p.WriteRequest{Index: c.index, Layout: c.layout, Length: potluck.Size(len(c.data)),
		Manifest: potluck.Size(len(c.manifest)), Crosscheck: potluck.Size(len(c.crosscheck))}, body)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("write: %v, want the end of the context", err)
	}
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil || g.Offset != potluck.Size(len(c.data)) {
		t.Fatalf("allocate again: %+v, %v", g, err)
	}
	if err := c.write(t, owner, host, g.Offset); err != nil {
		t.Fatalf("resume from %d: %v", g.Offset, err)
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
}

// leaving ends a context once it has been read from.
type leaving struct {
	leave context.CancelFunc
	io.Reader
}

func (l *leaving) Read(p []byte) (int, error) {
	defer l.leave()
	return l.Reader.Read(p)
}

func TestWrongBytesLeaveNothing(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 100<<10)
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil {
		t.Fatal(err)
	}
	wrong := c
	wrong.data = append([]byte(nil), c.data...)
	wrong.data[70<<10] ^= 1
	if err := wrong.write(t, owner, host, g.Offset); !errors.Is(err, &p2p.Error{Code: p2p.CodeBadRequest}) {
		t.Fatalf("wrong bytes: %v, want bad-request", err)
	}
	wantHeld(t, host, owner, 0, 0)
	if r := clean(t, host); r.Store.Shares != 0 || r.Books.Shares != 0 {
		t.Fatalf("something is left: %+v", r)
	}
}

func TestWritesThatWereNotAllocated(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 10<<10)
	if err := c.write(t, owner, host, 0); !errors.Is(err, &p2p.Error{Code: p2p.CodeNotFound}) {
		t.Fatalf("write without allocate: %v, want not-found", err)
	}
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	other := c
	other.layout.Size--
	other.data = other.data[1:]
	if err := other.write(t, owner, host, 0); !errors.Is(err, &p2p.Error{Code: p2p.CodeConflict}) {
		t.Fatalf("write of another layout: %v, want conflict", err)
	}
	if err := c.write(t, owner, host, 5); !errors.Is(err, &p2p.Error{Code: p2p.CodeBadRequest}) {
		t.Fatalf("write from where nothing is: %v, want bad-request", err)
	}
	huge := c
	huge.layout, _ = shares.NewLayout(1, 1, 1<<50)
	if _, err := huge.allocate(t.Context(), owner, host); !errors.Is(err, &p2p.Error{Code: p2p.CodeTooLarge}) {
		t.Fatalf("a petabyte: %v, want too-large", err)
	}
}

func TestOfferIsNeverExceeded(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	c := config(t, "host")
	c.Offer = 64 * potluck.KiB
	host, _ := start(t, c)
	befriend(t, host, owner)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 40 { // each is charged 4 KiB at least: at most 16 fit
		small := makeContent(t, 100)
		wg.Go(func() {
			_, err := small.allocate(t.Context(), owner, host)
			var r *potluck.Refusal
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				accepted++
			case !errors.As(err, &r) || r.Code != potluck.CodeNoRoom || r.Short <= 0:
				t.Errorf("got %v, want a refusal for room with numbers", err)
			}
		})
	}
	wg.Wait()
	if accepted != 16 {
		t.Fatalf("%d of 40 shares of 4 KiB were accepted for 64 KiB", accepted)
	}
	q, err := owner.host.Quote(t.Context(), host.self, p2p.QuoteRequest{Bytes: 1})
	if err != nil || q.Refusal == nil || q.Free != 0 || q.Name != "host" {
		t.Fatalf("quote: %+v, %v", q, err)
	}
}

func TestDeniedFriendReadsOnly(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 10<<10)
	c.put(t, owner, host)
	a, err := host.Resolve(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.SetDenied(t.Context(), a, true); err != nil {
		t.Fatal(err)
	}
	var r *potluck.Refusal
	if _, err := makeContent(t, 1).allocate(t.Context(), owner, host); !errors.As(err, &r) || r.Code != potluck.CodeDenied {
		t.Fatalf("allocate while denied: %v", err)
	}
	c.checkRead(t, owner, host)
	if _, err := host.SetDenied(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	makeContent(t, 1).put(t, owner, host)
}

func TestReadsAreBounded(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 10<<10)
	c.put(t, owner, host)
	for _, r := range []p2p.ReadRequest{
		{Part: p2p.PartData, Length: 10<<10 + 1}, {Part: p2p.PartData, Offset: 10 << 10, Length: 1},
		{Part: p2p.PartData, Offset: potluck.MaxSize, Length: 0}, {Part: p2p.PartData, Offset: 1, Length: 10 << 10},
	} {
		r.Index = c.index
		if _, _, err := owner.host.Read(t.Context(), host.self, r); !errors.Is(err, &p2p.Error{Code: p2p.CodeBadRequest}) {
			t.Errorf("read %d bytes from %d: %v, want bad-request", r.Length, r.Offset, err)
		}
	}
	if _, _, err := owner.host.Read(t.Context(), host.self, p2p.ReadRequest{Index: potluck.StorageIndex{1}, Part: p2p.PartManifest}); !errors.Is(err, &p2p.Error{Code: p2p.CodeNotFound}) {
		t.Errorf("read what isn't there: %v, want not-found", err)
	}
}

func TestRenewIsBounded(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 1)
	c.put(t, owner, host)
	now := time.Now()
	r, err := owner.host.Renew(t.Context(), host.self, p2p.RenewRequest{Until: now.AddDate(10, 0, 0).Unix()})
	if err != nil || r.Until > now.Add(maxLease+time.Minute).Unix() || r.Shares != 1 || r.Bytes != shares.Charge(c.layout) {
		t.Fatalf("renew for ten years: %+v, %v", r, err)
	}
	if _, err := owner.host.Renew(t.Context(), host.self, p2p.RenewRequest{Until: now.Unix() - 1}); !errors.Is(err, &p2p.Error{Code: p2p.CodeBadRequest}) {
		t.Fatalf("renew into the past: %v", err)
	}
}

func TestReservationExpires(t *testing.T) {
	var time clock
	owner, _ := start(t, config(t, "owner"))
	conf := config(t, "host")
	conf.Clock = time.now
	host, _ := start(t, conf)
	befriend(t, host, owner)
	c := makeContent(t, 3<<20)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	w, err := c.begin(t.Context(), owner, host, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(c.data[:1<<20]); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if _, err := c.allocate(t.Context(), owner, host); err != nil { // waits for the broken write
		t.Fatal(err)
	}
	if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, host, owner, 0, shares.Charge(c.layout))
	time.forward(host.config.Coming + 2e9)
	for range 2 { // the first sees a clock that jumped, and ends nothing
		if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantHeld(t, host, owner, 0, 0)
	if r := clean(t, host); r.Books.Shares != 0 {
		t.Fatalf("a row is left: %+v", r)
	}
	if err := c.write(t, owner, host, 0); !errors.Is(err, &p2p.Error{Code: p2p.CodeNotFound}) {
		t.Fatalf("write after the deadline: %v", err)
	}
	c.put(t, owner, host) // and it can begin anew
}

func TestLostBytesAreToldHonestly(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 10<<10)
	c.put(t, owner, host)
	if err := host.store.Delete(t.Context(), c.id()); err != nil {
		t.Fatal(err)
	}
	r, err := host.Check(t.Context())
	if err != nil || r.Clean || len(r.Store.Problems) != 1 {
		t.Fatalf("check: %+v, %v, want the missing bytes", r, err)
	}
	h, err := owner.host.Have(t.Context(), host.self, p2p.HaveRequest{Indexes: []potluck.StorageIndex{c.index}})
	if err != nil || len(h.Sets[0].Shares) != 0 {
		t.Fatalf("have says %+v, %v of a share without bytes", h, err)
	}
	row, err := host.book.Share(t.Context(), c.id())
	if err != nil || row.State != ledger.ShareLost {
		t.Fatalf("the row is %+v, %v, want it lost", row, err)
	}
	if g, err := c.allocate(t.Context(), owner, host); err != nil || g.State != p2p.GrantNew || g.Offset != 0 {
		t.Fatalf("a lost share was granted as %+v, %v, want it to be sent again", g, err)
	}
}

func TestBytesWithoutARowAreFound(t *testing.T) {
	_, host := pair(t)
	c := makeContent(t, 10)
	in, err := host.store.Create(t.Context(), shares.Header{ID: c.id(), Layout: c.layout, Created: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(c.data); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Commit(t.Context(), c.manifest, c.crosscheck); err != nil {
		t.Fatal(err)
	}
	r, err := host.Check(t.Context())
	if err != nil || r.Clean || len(r.Store.Problems) != 1 {
		t.Fatalf("check: %+v, %v, want the unknown bytes", r, err)
	}
}
