package node

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// store sends the share whole, and checks the receipt.
func (c content) store(t *testing.T, owner, host *Node) (p2p.GrantState, error) {
	t.Helper()
	a, err := owner.host.Store(t.Context(), host.self, p2p.StoreRequest{Index: c.index, Layout: c.layout,
		Data: c.data, Manifest: c.manifest, Crosscheck: c.crosscheck})
	if err != nil {
		return 0, err
	}
	r, err := p2p.OpenReceipt(a.Receipt)
	if err != nil || r.Host != host.self || r.Owner != owner.self || r.Share != c.id() || r.Root != c.root ||
		r.Manifest != shares.Sum(c.manifest) || r.Charge != shares.Charge(c.layout) || r.Layout != c.layout {
		t.Fatalf("the receipt says %+v, %v", r, err)
	}
	return a.State, nil
}

// smallContent is a share that fits a store exchange.
func smallContent(t *testing.T, size potluck.Size) content {
	t.Helper()
	c := makeContent(t, size)
	c.crosscheck = c.crosscheck[:shares.CrosscheckLen(c.layout)]
	return c
}

func TestStoreReadCancel(t *testing.T) {
	owner, host := pair(t)
	other, _ := start(t, config(t, "other"))
	befriend(t, host, other)
	var all potluck.Size
	for _, size := range []potluck.Size{1, 4 << 10, 60 << 10} {
		c := smallContent(t, size)
		if state, err := c.store(t, owner, host); err != nil || state != p2p.GrantNew {
			t.Fatalf("store %d bytes: %v, %v", size, state, err)
		}
		c.checkRead(t, owner, host)
		all += shares.Charge(c.layout)
		wantHeld(t, host, owner, all, 0)
		// Repeated it changes nothing; another owner gets a lease of its own.
		if state, err := c.store(t, owner, host); err != nil || state != p2p.GrantHeld {
			t.Fatalf("store again: %v, %v", state, err)
		}
		wantHeld(t, host, owner, all, 0)
		if state, err := c.store(t, other, host); err != nil || state != p2p.GrantExists {
			t.Fatalf("store by another: %v, %v", state, err)
		}
		wantHeld(t, host, other, all, 0)
		wrong := c
		wrong.manifest = bytes.Clone(c.manifest)
		wrong.manifest[80] ^= 1
		if _, err := wrong.store(t, owner, host); !errors.Is(err, &p2p.Error{Code: p2p.CodeConflict}) {
			t.Fatalf("another manifest: %v, want conflict", err)
		}
	}
	clean(t, host)
}

func TestStoreGoesOnWithAnUpload(t *testing.T) {
	owner, host := pair(t)
	c := smallContent(t, 50<<10)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	if state, err := c.store(t, owner, host); err != nil || state != p2p.GrantNew {
		t.Fatalf("store of what was allocated: %v, %v", state, err)
	}
	wantHeld(t, host, owner, shares.Charge(c.layout), 0)
	c.checkRead(t, owner, host)
	clean(t, host)
}

func TestWrongStoresLeaveNothing(t *testing.T) {
	owner, host := pair(t)
	for name, spoil := range map[string]func(*content){
		"data":       func(c *content) { c.data[3] ^= 1 },
		"short data": func(c *content) { c.data = c.data[:9] },
		"crosscheck": func(c *content) { c.crosscheck[0] ^= 1 },
		"manifest":   func(c *content) { c.manifest = c.manifest[:len(c.manifest)-1] },
	} {
		c := smallContent(t, 10)
		spoil(&c)
		if _, err := c.store(t, owner, host); !errors.Is(err, &p2p.Error{Code: p2p.CodeBadRequest}) {
			t.Errorf("%s: %v, want bad-request", name, err)
		}
		if _, err := host.store.Stat(t.Context(), c.id()); !errors.Is(err, shares.ErrNotFound) {
			t.Errorf("%s: bytes are there: %v", name, err)
		}
	}
	wantHeld(t, host, owner, 0, 0)
	clean(t, host)
}

// Two stores at once can't both have the last byte, and what is refused leaves
// no bytes.
func TestStoresNeverExceedTheOffer(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	c := config(t, "host")
	c.Offer = 64 * potluck.KiB
	host, _ := start(t, c)
	befriend(t, host, owner)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 40 { // each is charged 4 KiB: 16 fit
		small := smallContent(t, 100)
		wg.Go(func() {
			_, err := small.store(t, owner, host)
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
	if r := clean(t, host); r.Store.Shares != 16 {
		t.Fatalf("%d shares in the store", r.Store.Shares)
	}
}

// A death between the bytes and the books leaves bytes that the next start
// deletes; the owner stores them again.
func TestDeathBetweenBytesAndBooks(t *testing.T) {
	for _, step := range []string{"create", "before commit", "store commit"} {
		d := dead{clock: new(clock), c: smallContent(t, 5000), config: config(t, "host")}
		d.owner, _ = start(t, config(t, "owner"))
		d.config.Clock = d.clock.now
		host, stop := startStaged(t, d.config)
		befriend(t, host, d.owner)
		copied := ""
		exchange(host, tapped{host.store, func(s string) {
			if s == step {
				copied = clone(t, d.config.Data)
			}
		}})
		if _, err := d.c.store(t, d.owner, host); err != nil {
			t.Fatal(err)
		}
		stop()
		d.config.Data = copied
		host = d.revive(t)
		if r := clean(t, host); r.Store.Shares != 0 || r.Books.Shares != 0 {
			t.Fatalf("%s: %+v", step, r)
		}
		wantHeld(t, host, d.owner, 0, 0)
		if state, err := d.c.store(t, d.owner, host); err != nil || state != p2p.GrantNew {
			t.Fatalf("%s: store again: %v, %v", step, state, err)
		}
		d.c.checkRead(t, d.owner, host)
		clean(t, host)
	}
}

// Bytes without a row that were there long before are no crash's work.
func TestOldBytesWithoutARowStay(t *testing.T) {
	owner, host := pair(t)
	c := smallContent(t, 10)
	if _, err := host.keep.fill(t.Context(), owner.self, ledger.ShareRow{ID: c.id(), Layout: c.layout, Created: 1}, p2p.StoreRequest{
		Index: c.index, Layout: c.layout, Data: c.data, Manifest: c.manifest, Crosscheck: c.crosscheck}); err != nil {
		t.Fatal(err)
	}
	last, err := host.book.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := host.keep.orphans(context.Background(), last); err != nil {
		t.Fatal(err)
	}
	if _, err := host.store.Stat(t.Context(), c.id()); err != nil {
		t.Fatalf("it was deleted: %v", err)
	}
}

// TestOldBooksDeleteNothing: what was stored after a copy of the books was made is
// there when the copy is put back, small shares too.
func TestOldBooksDeleteNothing(t *testing.T) {
	clock := &clock{}
	owner, _ := start(t, config(t, "owner"))
	cf := config(t, "host")
	cf.Clock = clock.now
	host, stop := start(t, cf)
	befriend(t, host, owner)
	old := clone(t, cf.Data) // while it runs
	var all []content
	for range 3 {
		clock.forward(time.Hour)
		all = append(all, smallContent(t, potluck.Size(1000+len(all))))
		if _, err := all[len(all)-1].store(t, owner, host); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	books := filepath.Join(cf.Data, "ledger")
	if err := errors.Join(os.RemoveAll(books), os.CopyFS(books, os.DirFS(filepath.Join(old, "ledger")))); err != nil {
		t.Fatal(err)
	}
	host, _ = start(t, cf)
	for _, c := range all {
		if _, err := host.store.Stat(t.Context(), c.id()); err != nil {
			t.Errorf("share %v: %v", c.id(), err)
		}
	}
}
