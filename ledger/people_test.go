package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"potluck"
)

func TestAccounts(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, bob, alice)
	if err := b.Befriend(t.Context(), Account{Peer: bob, Name: strings.Repeat("x", MaxName+1)}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if err := b.Befriend(t.Context(), Account{Peer: bob, Terms: Terms{RatioPPM: -1}}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	c.move(time.Hour)
	a, err := b.Update(t.Context(), bob, "unfriended", func(a *Account) error { a.Friend, a.Name = false, "Robert"; return nil })
	if err != nil || a.Friend || a.Name != "Robert" {
		t.Error(a, err)
	}
	no := errors.New("no")
	if _, err := b.Update(t.Context(), bob, "", func(a *Account) error { a.Name = "x"; return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	if _, err := b.Update(t.Context(), bob, "", func(a *Account) error { a.Peer = alice; return nil }); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := b.Update(t.Context(), carol, "", func(*Account) error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := b.Renew(t.Context(), bob, c.now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	befriend(t, b, bob) // again
	all, err := b.Accounts(t.Context())
	if err != nil || len(all) != 2 || all[1].Peer != alice && all[0].Peer != alice {
		t.Fatal(all, err)
	}
	a, err = b.Account(t.Context(), bob)
	if err != nil || !a.Friend || a.FirstSeen != c.now().Unix()-3600 || a.LeasesUntil != c.now().Unix()+3600 {
		t.Error(a, err)
	}
	clean(t, b)
}

func TestSeenIsCheap(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice)
	before := clean(t, b).Events
	seen := func(addrs ...string) Account {
		if err := b.Seen(t.Context(), alice, addrs); err != nil {
			t.Fatal(err)
		}
		a, err := b.Account(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	start := seen().LastSeen
	c.move(59 * time.Second)
	if a := seen(); a.LastSeen != start {
		t.Error("written within a minute:", a)
	}
	c.move(time.Second)
	if a := seen(); a.LastSeen != start+60 {
		t.Error(a)
	}
	if events := clean(t, b).Events; events != before {
		t.Errorf("time alone made %d events", events-before)
	}
	seen("/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.5/tcp/1")
	a := seen("/ip4/1.2.3.5/tcp/1", "/ip4/1.2.3.4/tcp/1")
	if events := clean(t, b).Events; events != before+1 || len(a.Addrs) != 2 {
		t.Errorf("%d events, %v", events-before, a.Addrs)
	}
	if err := b.Seen(t.Context(), bob, nil); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestInvites(t *testing.T) {
	b, c := newBooks(t)
	invite := func(n byte) Invite {
		i := Invite{ID: InviteID{n}, Secret: InviteSecret{n, 1}, Name: "newcomer", Terms: DefaultTerms(),
			Created: c.now().Unix(), Expires: c.now().Add(time.Hour).Unix(), State: InviteLive}
		if err := b.AddInvite(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		return i
	}
	use := func(i Invite, a Account) error {
		_, err := b.UseInvite(t.Context(), i.ID, a.Peer, c.now(), a)
		return err
	}
	one, two, three := invite(1), invite(2), invite(3)
	if err := b.AddInvite(t.Context(), one); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	got, err := b.UseInvite(t.Context(), one.ID, alice, c.now(), Account{Peer: alice})
	if err != nil || got.State != InviteUsed || got.UsedBy != alice || got.Secret != one.Secret {
		t.Error(got, err)
	}
	if _, err := b.Update(t.Context(), alice, "", func(a *Account) error { a.Friend = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := use(one, Account{Peer: alice}); err != nil {
		t.Error("again by the same peer:", err)
	}
	if a, err := b.Account(t.Context(), alice); err != nil || a.Friend {
		t.Error("a replayed invite made a friend:", a, err)
	}
	if err := b.RevokeInvite(t.Context(), two.ID); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		err, want error
	}{
		{use(one, Account{Peer: bob}), ErrInviteUsed},
		{b.RevokeInvite(t.Context(), one.ID), ErrInviteUsed},
		{b.RevokeInvite(t.Context(), two.ID), nil},
		{use(two, Account{Peer: bob}), ErrInviteRevoked},
		{use(Invite{ID: InviteID{9}}, Account{Peer: bob}), ErrNotFound},
		{use(three, Account{}), ErrInvalid},
		{func() error { c.move(time.Hour); return use(three, Account{Peer: bob}) }(), ErrInviteExpired},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%v, want %v", tt.err, tt.want)
		}
	}
	if _, err := b.Account(t.Context(), bob); !errors.Is(err, ErrNotFound) {
		t.Error("a refused invite left an account:", err)
	}
	if all, err := b.Invites(t.Context()); err != nil || len(all) != 3 || all[2].State != InviteLive {
		t.Error(all, err)
	}
	clean(t, b)
}

func TestInviteSecretHides(t *testing.T) {
	s := InviteSecret{0xab, 0xcd}
	asJSON, err := json.Marshal(map[string]any{"s": s, "i": Invite{Secret: s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%x %v %+v %#v %s %d", s, s, s, s, s, s), fmt.Sprintf("%+v", Invite{Secret: s}), string(asJSON), s.LogValue().String()} {
		if strings.Contains(text, "abcd") || strings.Contains(text, "171") || strings.Contains(text, "0xab") {
			t.Error(text)
		}
	}
}

func TestFiles(t *testing.T) {
	b, c := newBooks(t)
	f := File{Index: shareID(1, 0).Index, Manifest: digest(1), Layout: layout, Name: "cat.jpg", Put: c.now().Unix(), Wanted: 10}
	if err := b.PutFile(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got, err := b.File(t.Context(), f.Index); err != nil || got != f {
		t.Error(got, err)
	}
	if err := b.PutFile(t.Context(), File{Index: f.Index}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	for range 2 {
		if err := b.DropFile(t.Context(), f.Index); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.File(t.Context(), f.Index); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if r := clean(t, b); r.Files != 0 {
		t.Errorf("%+v", r)
	}
}

func TestPlacements(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice, bob)
	index := shareID(1, 0).Index
	place := func(id potluck.ShareID, state PlacementState) Placement {
		p := Placement{Share: id, Host: alice, Layout: layout, Charge: 70, Root: digest(1), Manifest: digest(2), Receipt: []byte("signed"), Placed: 1, State: state}
		if err := b.Place(t.Context(), []Placement{p}); err != nil {
			t.Fatal(err)
		}
		return p
	}
	place(shareID(1, 0), PlacedStable)
	p := place(shareID(1, 0), PlacedStable)
	if u := usageOf(t, b, alice); u != (Usage{Earned: 70, EarnedShares: 1}) {
		t.Error("placed twice:", u)
	}
	if all, err := b.Placements(t.Context(), index); err != nil || len(all) != 1 || string(all[0].Receipt) != "signed" || all[0].Root != p.Root {
		t.Error(all, err)
	}
	place(shareID(1, 0), PlacedLost)
	if u := usageOf(t, b, alice); u != (Usage{}) {
		t.Error("a lost placement earns:", u)
	}
	both := []Placement{p, {Share: shareID(1, 1), Host: carol, Layout: layout, Charge: 1, State: PlacedStable}}
	if err := b.Place(t.Context(), both); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if u := usageOf(t, b, alice); u != (Usage{}) {
		t.Error("half of a refused Place:", u)
	}
	place(shareID(0, 5), PlacedStable)
	for _, s := range []PlacementState{PlacedComing, PlacedGoing, PlacedLost, PlacedStable} {
		if err := b.Mark(t.Context(), alice, []potluck.ShareID{shareID(0, 5), shareID(0, 99)}, s, "a test"); err != nil {
			t.Fatal(err)
		}
		want := Usage{}
		if s == PlacedStable {
			want = Usage{Earned: 70, EarnedShares: 1}
		}
		if u := usageOf(t, b, alice); u != want {
			t.Errorf("marked %d: %+v, want %+v", s, u, want)
		}
	}
	if err := b.Mark(t.Context(), alice, []potluck.ShareID{shareID(0, 5)}, 9, ""); !errors.Is(err, ErrInvalid) {
		t.Error("a state that isn't known:", err)
	}
	clean(t, b)
	var ids []potluck.ShareID
	err := b.PlacementsAt(t.Context(), alice, func(p Placement) error { ids = append(ids, p.Share); return nil })
	if err != nil || len(ids) != 2 || !slices.IsSortedFunc(ids, potluck.ShareID.Compare) {
		t.Error(ids, err)
	}
	if err := b.Unplace(t.Context(), alice, append(ids, shareID(8, 8))); err != nil {
		t.Error(err)
	}
	if r := clean(t, b); r.Placements != 0 {
		t.Errorf("%+v", r)
	}
}

func TestEvents(t *testing.T) {
	b, c := newBooks(t)
	id := shareID(1, 2)
	e := Event{Kind: "test", Peer: alice, Share: &id, Bytes: 5, Reason: "why", Evidence: []byte{1}, Seq: 77, Time: 77}
	if err := b.Note(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	events, err := b.Events(t.Context(), 1, 10)
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	got := events[0]
	if got.Seq != 2 || got.Time != c.now().Unix() || got.Kind != "test" || *got.Share != id || got.Reason != "why" || got.Chain == (potluck.Digest{}) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []Event{{}, {Kind: "x", Bytes: -1}, {Kind: "x", Reason: "\xff"}, {Kind: "x", Evidence: make([]byte, MaxEvidence+1)}} {
		if err := b.Note(t.Context(), bad); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	}
	if err := b.WaitEvent(t.Context(), 1); err != nil {
		t.Error(err)
	}
	note(t, b, 20, "more")
	if events, err := b.Events(t.Context(), 5, 3); err != nil || len(events) != 3 || events[0].Seq != 6 {
		t.Error(events, err)
	}
}

func TestWaitEventWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := Open(t.Context(), config(t.TempDir(), newClock()))
		if err != nil {
			t.Fatal(err)
		}
		woken := make(chan error, 1)
		go func() { woken <- b.WaitEvent(t.Context(), 1) }()
		synctest.Wait()
		if len(woken) != 0 {
			t.Fatal("woken too early")
		}
		note(t, b, 1, "x")
		if err := <-woken; err != nil {
			t.Error(err)
		}
		mustClose(t, b)
	})
}
