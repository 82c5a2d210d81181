package ledger

import (
	"errors"
	"sync"
	"testing"

	"potluck"
)

func TestStore(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	r := reservation(c, shareID(1, 0), 4096)
	if err := b.Store(t.Context(), alice, roomy, r, digest(1), digest(2)); err != nil {
		t.Fatal(err)
	}
	if u := usageOf(t, b, alice); u.Held != 4096 || u.HeldShares != 1 || u.Reserved != 0 {
		t.Fatalf("usage %+v", u)
	}
	row, err := b.Share(t.Context(), r.Share)
	if err != nil || row.State != ShareStable || row.Root != digest(1) || row.Manifest != digest(2) ||
		len(row.Leases) != 1 || row.Leases[0].Pending || row.Leases[0].Owner != alice {
		t.Fatalf("row %+v, %v", row, err)
	}
	if e, err := b.LastEvent(t.Context()); err != nil || e.Kind != KindStore || e.Bytes != 4096 || e.Peer != alice {
		t.Fatalf("event %+v, %v", e, err)
	}
	clean(t, b)
	for _, bad := range []struct {
		name string
		run  func() error
		want error
	}{
		{"it has a row", func() error { return b.Store(t.Context(), bob, roomy, r, digest(1), digest(2)) }, ErrBusy},
		{"no root", func() error {
			return b.Store(t.Context(), alice, roomy, reservation(c, shareID(2, 0), 1), potluck.Digest{}, digest(2))
		}, ErrInvalid},
		{"no manifest", func() error {
			return b.Store(t.Context(), alice, roomy, reservation(c, shareID(2, 0), 1), digest(1), potluck.Digest{})
		}, ErrInvalid},
	} {
		if err := bad.run(); !errors.Is(err, bad.want) {
			t.Errorf("%s: %v, want %v", bad.name, err, bad.want)
		}
	}
	if u := usageOf(t, b, bob); u != (Usage{}) {
		t.Fatalf("usage of a refused store: %+v", u)
	}
	if err := b.Store(t.Context(), carol, roomy, reservation(c, shareID(3, 0), 1), digest(1), digest(2)); !refusedAs(err, potluck.CodeNotAFriend) {
		t.Fatalf("of a stranger: %v", err)
	}
}

func refusedAs(err error, code potluck.Code) bool {
	var no *potluck.Refusal
	return errors.As(err, &no) && no.Code == code
}

// Many stores at once, of two owners: no more are taken than there is room for.
func TestStoreNeverTakesTheLastByteTwice(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	room := Room{Offered: 10 * 4096, Disk: potluck.GiB}
	var wg sync.WaitGroup
	errs := make(chan error, 40)
	for i := range 40 {
		wg.Go(func() {
			owner := alice
			if i%2 == 0 {
				owner = bob
			}
			errs <- b.Store(t.Context(), owner, room, reservation(c, shareID(i, 0), 4096), digest(1), digest(2))
		})
	}
	wg.Wait()
	close(errs)
	taken := 0
	for err := range errs {
		switch {
		case err == nil:
			taken++
		case !refusedAs(err, potluck.CodeNoRoom):
			t.Errorf("%v, want a refusal for room", err)
		}
	}
	if held := usageOf(t, b, alice).Held + usageOf(t, b, bob).Held; taken != 10 || held != 10*4096 {
		t.Fatalf("%d were taken and %d bytes are held, want 10 and %d", taken, held, 10*4096)
	}
	clean(t, b)
}

func TestPlaceFile(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, bob)
	id := shareID(1, 0)
	p := Placement{Share: id, Host: bob, Layout: layout, Charge: 4096, Root: digest(1), Manifest: digest(2), Placed: 1, LastGood: 1, State: PlacedStable}
	f := File{Index: id.Index, Manifest: digest(2), Layout: layout, Name: "a", Put: 1, Wanted: 1}
	stranger := p
	stranger.Host = carol
	if err := b.PlaceFile(t.Context(), []Placement{p, stranger}, f); !errors.Is(err, ErrNotFound) {
		t.Fatalf("at a host without an account: %v", err)
	}
	if _, err := b.File(t.Context(), id.Index); !errors.Is(err, ErrNotFound) {
		t.Fatalf("half was written: %v", err)
	}
	if err := b.PlaceFile(t.Context(), []Placement{p}, f); err != nil {
		t.Fatal(err)
	}
	got, err := b.File(t.Context(), id.Index)
	if err != nil || got != f {
		t.Fatalf("file %+v, %v", got, err)
	}
	if u := usageOf(t, b, bob); u.Earned != 4096 {
		t.Fatalf("usage %+v", u)
	}
	clean(t, b)
}
