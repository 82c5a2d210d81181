package ledger

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

func found(n int, owner peer.ID) Found {
	return Found{Share: shareID(n, 0), Owner: owner, Layout: layout, Charge: 100, Root: digest(1), Manifest: digest(2), Created: 77}
}

// A share that is found goes to the owner whom its header names, or to nobody.
func TestAdopt(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, carol)
	hold(t, b, c, alice, shareID(0, 0), 40)
	if _, err := b.Renew(t.Context(), carol, c.now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	end := c.now().Add(time.Hour)
	all := []Found{found(0, bob), found(1, alice), found(2, bob), found(3, ""), found(4, Anonymous), found(5, carol)}
	got, err := b.Adopt(t.Context(), all, end)
	want := []potluck.ShareID{shareID(1, 0), shareID(2, 0), shareID(3, 0), shareID(4, 0), shareID(5, 0)}
	if err != nil || !slices.Equal(got, want) {
		t.Fatal(got, err)
	}
	for n, l := range map[int]Lease{1: {Owner: alice}, 2: {Owner: Anonymous, Until: end.Unix()}, 3: {Owner: Anonymous, Until: end.Unix()},
		4: {Owner: Anonymous, Until: end.Unix()}, 5: {Owner: carol, Until: end.Unix()}} {
		row, err := b.Share(t.Context(), shareID(n, 0))
		l.Since, l.Renewed, l.Charge = c.now().Unix(), c.now().Unix(), 100
		if err != nil || row.State != ShareStable || row.Created != 77 || row.Root != digest(1) || !slices.Equal(row.Leases, []Lease{l}) {
			t.Errorf("%d: %+v, %v", n, row, err)
		}
	}
	if u := usageOf(t, b, Anonymous); u != (Usage{Held: 300, HeldShares: 3}) {
		t.Error(u)
	}
	clean(t, b)
	sameGraph(t, b)
	if list, err := b.Shortfalls(t.Context()); err != nil || len(list) > 0 {
		t.Error("nobody owes something:", list, err)
	}
	if again, err := b.Adopt(t.Context(), all, end); err != nil || len(again) > 0 {
		t.Error(again, err)
	}
	c.move(50 * time.Minute)
	for _, at := range []time.Duration{0, 20 * time.Minute} {
		gone, _, err := b.Expire(t.Context(), c.move(at), 100)
		if want := map[time.Duration]int{0: 0, 20 * time.Minute: 4}[at]; err != nil || len(gone) != want {
			t.Error(at, gone, err)
		}
	}
	clean(t, b)
}

func TestAdoptRefuses(t *testing.T) {
	b, c := newBooks(t)
	for name, spoil := range map[string]func(*Found){
		"root":   func(f *Found) { f.Root = potluck.Digest{} },
		"charge": func(f *Found) { f.Charge = 0 },
		"number": func(f *Found) { f.Share.Number = potluck.ShareNumber(layout.N) },
		"owner":  func(f *Found) { f.Owner = peer.ID(make([]byte, MaxPeer+1)) },
		"time":   func(f *Found) { f.Created = -1 },
	} {
		f := found(1, alice)
		spoil(&f)
		if _, err := b.Adopt(t.Context(), []Found{f}, c.now()); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Befriend(t.Context(), Account{Peer: Anonymous}); !errors.Is(err, ErrInvalid) {
		t.Error("nobody is a friend:", err)
	}
	if _, err := b.Reserve(t.Context(), Anonymous, roomy, []Reservation{reservation(c, shareID(1, 0), 1)}); err == nil {
		t.Error("nobody reserves")
	}
	clean(t, b)
}

// More than one operation takes is adopted in pieces; the events tell of each.
func TestAdoptMany(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	var all []Found
	for n := range 2*MaxBatch + 7 {
		all = append(all, found(n, []peer.ID{alice, bob}[n%2]))
	}
	got, err := b.Adopt(t.Context(), all, c.now().Add(time.Hour))
	if err != nil || len(got) != len(all) {
		t.Fatal(len(got), err)
	}
	if r := clean(t, b); r.Leases != int64(len(all)) {
		t.Errorf("%+v", r)
	}
}

// Who has a lease on a share that vanished writes the same bytes again.
func TestVanishedSharesAreWrittenAgain(t *testing.T) {
	for _, state := range []ShareState{ShareLost, ShareCorrupt} {
		b, c := newBooks(t)
		befriend(t, b, alice, bob, carol)
		id := shareID(1, 0)
		hold(t, b, c, alice, id, 100)
		hold(t, b, c, bob, id, 100)
		if err := b.MarkShare(t.Context(), id, state, "test"); err != nil {
			t.Fatal(err)
		}
		rs := []Reservation{reservation(c, id, 100)}
		if _, err := b.Reserve(t.Context(), carol, roomy, rs); !errors.Is(err, ErrConflict) {
			t.Error("who has no lease:", err)
		}
		events := clean(t, b).Events
		for range 2 {
			g, err := b.Reserve(t.Context(), alice, Room{}, rs) // it is held already, so it needs no room
			if err != nil || g[0] != (Grant{Share: id, State: GrantNew, Root: digest(1), Manifest: digest(2)}) {
				t.Fatal(g, err)
			}
		}
		if r := clean(t, b); r.Events != events || r.Held != 200 {
			t.Errorf("%+v", r)
		}
		if err := b.Commit(t.Context(), alice, id, digest(3), digest(2)); !errors.Is(err, ErrConflict) {
			t.Error("another root:", err)
		}
		if err := b.Commit(t.Context(), alice, id, digest(1), digest(2)); err != nil {
			t.Error(err)
		}
		row, err := b.Share(t.Context(), id)
		if err != nil || row.State != ShareStable || len(row.Leases) != 2 {
			t.Errorf("%+v, %v", row, err)
		}
		for _, p := range []peer.ID{alice, bob} {
			if s, err := b.RangeSums(t.Context(), self, p, []Span{{}}); err != nil || s[0].Shares != 1 {
				t.Error(s, err)
			}
		}
		clean(t, b)
	}
}
