package ledger

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Every pair of states that isn't a transition is refused.
func TestSteps(t *testing.T) {
	legal := map[[2]ShareState]bool{
		{shareNone, ShareComing}: true, {shareNone, ShareStable}: true, {ShareComing, ShareStable}: true, {ShareComing, ShareGoing}: true,
		{ShareStable, ShareGoing}: true, {ShareStable, ShareLost}: true, {ShareStable, ShareCorrupt}: true,
		{ShareGoing, shareNone}: true, {ShareLost, ShareGoing}: true, {ShareCorrupt, ShareGoing}: true,
		{ShareLost, ShareStable}: true, {ShareCorrupt, ShareStable}: true,
	}
	for from := shareNone; from <= ShareCorrupt+1; from++ {
		for to := shareNone; to <= ShareCorrupt+1; to++ {
			err := step(shareID(0, 0), from, to)
			if (err == nil) != legal[[2]ShareState{from, to}] || (err != nil && !errors.Is(err, ErrConflict)) {
				t.Errorf("%v to %v: %v", from, to, err)
			}
		}
	}
}

func TestRepeatsChangeNothing(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	id := shareID(1, 0)
	hold(t, b, c, alice, id, 100)
	hold(t, b, c, bob, id, 100)
	events, err := b.Events(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	held := Usage{Held: 100, HeldShares: 1}
	for range 2 {
		if err := b.Commit(t.Context(), alice, id, digest(1), digest(2)); err != nil {
			t.Error(err)
		}
		if gone, err := b.Abort(t.Context(), alice, []potluck.ShareID{id}); err != nil || gone != nil {
			t.Error("abort after commit:", gone, err)
		}
		g, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, id, 100)})
		if err != nil || g[0] != (Grant{Share: id, State: GrantHeld, Root: digest(1), Manifest: digest(2)}) {
			t.Error(g, err)
		}
	}
	if u := usageOf(t, b, alice); u != held {
		t.Error("usage", u)
	}
	if again, err := b.Events(t.Context(), 0, 100); err != nil || len(again) != len(events) {
		t.Errorf("%d events became %d, %v", len(events), len(again), err)
	}
	for i, want := range []potluck.Size{100, 0} {
		freed, gone, err := b.Cancel(t.Context(), alice, []potluck.ShareID{id})
		if err != nil || freed != want || gone != nil {
			t.Errorf("cancel %d: freed %d, gone %v, %v", i, freed, gone, err)
		}
	}
	if u := usageOf(t, b, bob); u != held {
		t.Error("bob's usage", u)
	}
	clean(t, b)
}

func TestExistingShareMustBeTheSame(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	id := shareID(1, 0)
	hold(t, b, c, alice, id, 100)
	r := reservation(c, id, 100)
	r.Layout.K = 2
	if _, err := b.Reserve(t.Context(), bob, roomy, []Reservation{r}); !errors.Is(err, ErrConflict) {
		t.Error("other layout:", err)
	}
	if _, err := b.Reserve(t.Context(), bob, roomy, []Reservation{reservation(c, id, 100)}); err != nil {
		t.Fatal(err)
	}
	for _, d := range [][2]potluck.Digest{{digest(3), digest(2)}, {digest(1), digest(3)}} {
		if err := b.Commit(t.Context(), bob, id, d[0], d[1]); !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
	}
	// The owner goes while the other still proves that it has the same bytes.
	if _, gone, err := b.Cancel(t.Context(), alice, []potluck.ShareID{id}); err != nil || gone != nil {
		t.Error(gone, err)
	}
	if gone, err := b.Abort(t.Context(), bob, []potluck.ShareID{id}); err != nil || !slices.Equal(gone, []potluck.ShareID{id}) {
		t.Error(gone, err)
	}
	clean(t, b)
}

func TestReserveIsAllOrNothing(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	if _, err := b.Reserve(t.Context(), bob, roomy, []Reservation{reservation(c, shareID(1, 1), 50)}); err != nil {
		t.Fatal(err)
	}
	_, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, shareID(1, 0), 50), reservation(c, shareID(1, 1), 50)})
	if !errors.Is(err, ErrBusy) {
		t.Fatal(err)
	}
	var refusal *potluck.Refusal
	room := Room{Offered: 120, Disk: 1000}
	_, err = b.Reserve(t.Context(), alice, room, []Reservation{reservation(c, shareID(2, 0), 50), reservation(c, shareID(2, 1), 50)})
	if !errors.As(err, &refusal) || refusal.Code != potluck.CodeNoRoom || refusal.Free != 70 || refusal.Short != 30 {
		t.Fatal(err)
	}
	if _, err = b.Reserve(t.Context(), carol, roomy, []Reservation{reservation(c, shareID(2, 0), 1)}); !errors.As(err, &refusal) || refusal.Code != potluck.CodeNotAFriend {
		t.Fatal(err)
	}
	if u := usageOf(t, b, alice); u != (Usage{}) {
		t.Errorf("refused reservations left %+v", u)
	}
	if r := clean(t, b); r.Shares != 1 || r.Leases != 1 {
		t.Errorf("refused reservations left rows: %+v", r)
	}
}

func TestReserveRefusesNonsense(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	good := reservation(c, shareID(1, 0), 10)
	number, charge, huge, early := good, good, good, good
	number.Share.Number, charge.Charge, huge.Charge, early.Until = 10, 0, potluck.MaxSize+1, time.Time{}
	for _, rs := range [][]Reservation{nil, {number}, {charge}, {huge}, {early}, {good, good}, slices.Repeat([]Reservation{good}, MaxBatch+1)} {
		if _, err := b.Reserve(t.Context(), alice, roomy, rs); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d reservations: %v", len(rs), err)
		}
	}
	if _, err := b.Reserve(t.Context(), "", roomy, []Reservation{good}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := b.Quote(t.Context(), alice, roomy, -1); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

// Held plus reserved never passes the limit, whoever asks at once.
func TestReserveAtTheLimit(t *testing.T) {
	b, c := newBooks(t)
	const charge, fit = 100, 37
	if err := b.Befriend(t.Context(), Account{Peer: alice, Terms: Terms{Gift: charge*fit + 99}}); err != nil {
		t.Fatal(err)
	}
	stop, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			u, err := b.Usage(t.Context(), alice)
			if err == nil && u.Held+u.Reserved > charge*fit {
				err = errors.New("over the limit")
			}
			select {
			case <-stop:
				watched <- err
				return
			default:
			}
			if err != nil {
				watched <- err
				return
			}
		}
	}()
	var wg sync.WaitGroup
	granted := make(chan potluck.ShareID, 64*4)
	for w := range 64 {
		wg.Go(func() {
			for n := range 4 {
				id := shareID(w, n)
				_, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, id, charge)})
				var refusal *potluck.Refusal
				if err == nil {
					granted <- id
					if n%2 == 0 {
						err = b.Commit(t.Context(), alice, id, digest(1), digest(2))
					}
				} else if errors.As(err, &refusal) && refusal.Free < charge {
					err = nil
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	if err := <-watched; err != nil {
		t.Error(err)
	}
	if u := usageOf(t, b, alice); len(granted) != fit || u.HeldShares+u.ReservedShares != fit || u.Held+u.Reserved != charge*fit {
		t.Errorf("%d were granted, want %d; usage %+v", len(granted), fit, u)
	}
	clean(t, b)
}

func TestEvictInPieces(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	const files = 25
	for f := range files {
		var rs []Reservation
		for n := range 100 {
			r := reservation(c, shareID(f, n), 10)
			r.Layout.N = 100
			rs = append(rs, r)
		}
		if _, err := b.Reserve(t.Context(), alice, roomy, rs); err != nil {
			t.Fatal(err)
		}
	}
	freed, gone, err := b.Evict(t.Context(), alice)
	if err != nil || freed != files*1000 || len(gone) != files*100 {
		t.Fatalf("freed %d, %d gone, %v", freed, len(gone), err)
	}
	if err := b.Deleted(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if r := clean(t, b); r.Shares != 0 || r.Leases != 0 {
		t.Errorf("%+v", r)
	}
}

func TestClockJumpFreezesDeletion(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	hold(t, b, c, alice, shareID(1, 0), 10)
	if _, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, shareID(2, 0), 10)}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Renew(t.Context(), alice, c.now().Add(40*time.Minute)); err != nil {
		t.Fatal(err)
	}
	gone, more, err := b.Expire(t.Context(), c.move(365*24*time.Hour), 100)
	if err != nil || more || gone != nil {
		t.Fatal("after the jump:", gone, more, err)
	}
	events, err := b.Events(t.Context(), 0, 100)
	if err != nil || events[len(events)-1].Kind != KindClock {
		t.Fatal(events, err)
	}
	gone, _, err = b.Expire(t.Context(), c.move(time.Minute), 100)
	if err != nil || len(gone) != 2 {
		t.Fatal("when the clock was steady:", gone, err)
	}
	// What nobody deleted is named again, but not at once.
	for _, wait := range []struct {
		minutes time.Duration
		want    int
	}{{9, 0}, {1, 2}, {9, 0}, {1, 2}} {
		gone, _, err := b.Expire(t.Context(), c.move(wait.minutes*time.Minute), 100)
		if err != nil || len(gone) != wait.want {
			t.Fatalf("after %d minutes more: %v, %v", wait.minutes, gone, err)
		}
	}
	clean(t, b)
}

func TestLeasesVisitsSharesOfOneOwner(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	for n := range 4 {
		hold(t, b, c, []peer.ID{alice, bob}[n%2], shareID(1, n), 10)
	}
	hold(t, b, c, alice, shareID(1, 1), 10)
	var numbers []potluck.ShareNumber
	err := b.Leases(t.Context(), alice, func(row ShareRow) error {
		numbers = append(numbers, row.ID.Number)
		_, err := b.Share(t.Context(), row.ID) // visitors may call the book
		return err
	})
	if err != nil || !slices.Equal(numbers, []potluck.ShareNumber{0, 1, 2}) {
		t.Error(numbers, err)
	}
	rows, err := b.SharesOf(t.Context(), shareID(1, 0).Index)
	if err != nil || len(rows) != 4 || len(rows[1].Leases) != 2 || rows[3].ID.Number != 3 {
		t.Error(rows, err)
	}
	numbers = nil
	err = b.Shares(t.Context(), shareID(1, 1), func(row ShareRow) error { numbers = append(numbers, row.ID.Number); return nil })
	if err != nil || !slices.Equal(numbers, []potluck.ShareNumber{2, 3}) {
		t.Error(numbers, err)
	}
}
