package ledger

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

// machine runs operations on books and on the model of them.
type machine struct {
	t      *testing.T
	dir    string
	clock  *clock
	book   *Book
	model  *model
	steps  int
	nobody bool // the account of nobody was made
}

const machineShares = 6

func drawPeer(t *rapid.T) peer.ID {
	return rapid.SampledFrom([]peer.ID{alice, bob, carol}).Draw(t, "peer")
}

func drawID(t *rapid.T) potluck.ShareID {
	n := rapid.IntRange(0, machineShares-1).Draw(t, "share")
	return shareID(n/2, n%2)
}

func drawIDs(t *rapid.T) []potluck.ShareID {
	return rapid.SliceOfNDistinct(rapid.Custom(drawID), 1, 4, rapid.ID).Draw(t, "shares")
}

func kindOf(err error) error {
	var refusal *potluck.Refusal
	for _, kind := range []error{ErrBusy, ErrConflict, ErrNotFound} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	if errors.As(err, &refusal) {
		return errRefused
	}
	return err
}

func (m *machine) same(t *rapid.T, what string, got, want error) {
	if kindOf(got) != want {
		t.Fatalf("%s: %v, the model says %v", what, got, want)
	}
}

func (m *machine) Reserve(t *rapid.T) {
	p := drawPeer(t)
	offered := rapid.SampledFrom([]potluck.Size{1000, 250, 40}).Draw(t, "offered")
	var rs []Reservation
	for _, id := range drawIDs(t) {
		charge := rapid.SampledFrom([]potluck.Size{30, 30, 30, 30, 31}).Draw(t, "charge")
		until := time.Unix(m.model.now+rapid.Int64Range(60, 3000).Draw(t, "seconds"), 0)
		rs = append(rs, Reservation{Share: id, Layout: layout, Charge: charge, Until: until})
	}
	grants, err := m.book.Reserve(m.t.Context(), p, Room{Offered: offered, Disk: potluck.TiB}, rs)
	want, wantErr := m.model.reserve(p, offered, rs)
	m.same(t, "reserve", err, wantErr)
	for i, g := range grants {
		s := m.model.shares[rs[i].Share]
		if g.State != want[i] || g.Share != rs[i].Share || g.Root != s.root {
			t.Fatalf("grant %d is %+v, want %v", i, g, want[i])
		}
	}
}

func (m *machine) Commit(t *rapid.T) {
	p, id := drawPeer(t), drawID(t)
	root := digest(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "root"))
	m.same(t, "commit", m.book.Commit(m.t.Context(), p, id, root, digest(9)), m.model.commit(p, id, root))
}

func (m *machine) Abort(t *rapid.T) {
	p, ids := drawPeer(t), drawIDs(t)
	gone, err := m.book.Abort(m.t.Context(), p, ids)
	_, want := m.model.drop(p, ids, func(l modelLease) bool { return l.pending })
	if err != nil || !slices.Equal(gone, want) {
		t.Fatalf("abort: gone %v, %v; want %v", gone, err, want)
	}
}

func (m *machine) Cancel(t *rapid.T) {
	p, ids := drawPeer(t), drawIDs(t)
	freed, gone, err := m.book.Cancel(m.t.Context(), p, ids)
	wantFreed, want := m.model.drop(p, ids, func(modelLease) bool { return true })
	if err != nil || freed != wantFreed || !slices.Equal(gone, want) {
		t.Fatalf("cancel: freed %d, gone %v, %v; want %d, %v", freed, gone, err, wantFreed, want)
	}
}

func (m *machine) Evict(t *rapid.T) {
	if rapid.IntRange(0, 4).Draw(t, "rarely") != 0 {
		return
	}
	p := drawPeer(t)
	freed, gone, err := m.book.Evict(m.t.Context(), p)
	wantFreed, want := m.model.drop(p, m.model.all(), func(modelLease) bool { return true })
	if err != nil || freed != wantFreed || !slices.Equal(gone, want) {
		t.Fatalf("evict: freed %d, gone %v, %v; want %d, %v", freed, gone, err, wantFreed, want)
	}
}

func (m *machine) Deleted(t *rapid.T) {
	ids := drawIDs(t)
	var want error
	if !m.model.goingAll(ids) {
		want = ErrConflict
	}
	if rapid.Bool().Draw(t, "failed") {
		m.same(t, "not deleted", m.book.NotDeleted(m.t.Context(), ids, "test"), want)
		for _, id := range ids {
			if s := m.model.shares[id]; s != nil && want == nil {
				s.deadline = m.model.now + goingRetry
			}
		}
		return
	}
	m.same(t, "deleted", m.book.Deleted(m.t.Context(), ids), want)
	for _, id := range ids {
		if want == nil {
			delete(m.model.shares, id)
		}
	}
}

// Adopt finds shares, some of which have rows, of friends and of nobody.
func (m *machine) Adopt(t *rapid.T) {
	until := m.model.now + rapid.Int64Range(60, 3000).Draw(t, "seconds")
	var all []Found
	var want []potluck.ShareID
	for _, id := range drawIDs(t) {
		f := Found{Share: id, Layout: layout, Charge: 30, Root: digest(1), Manifest: digest(9)}
		f.Owner = rapid.SampledFrom([]peer.ID{alice, bob, carol, "stranger", ""}).Draw(t, "owner")
		all = append(all, f)
		if m.model.shares[id] != nil {
			continue
		}
		want = append(want, id)
		p, l := f.Owner, modelLease{}
		if a, friend := m.model.accounts[p]; !friend {
			p, l.until = Anonymous, until
			m.nobody = true
		} else if a.LeasesUntil != 0 && a.LeasesUntil <= m.model.now {
			l.until = until
		}
		m.model.shares[id] = &modelShare{state: ShareStable, charge: 30, root: digest(1), leases: map[peer.ID]modelLease{p: l}}
	}
	got, err := m.book.Adopt(m.t.Context(), all, time.Unix(until, 0))
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("adopted %v, %v; the model says %v", got, err, want)
	}
	if m.nobody {
		m.model.accounts[Anonymous] = Account{Peer: Anonymous}
	}
}

func (m *machine) Mark(t *rapid.T) {
	id := drawID(t)
	state := rapid.SampledFrom([]ShareState{ShareLost, ShareCorrupt, ShareStable}).Draw(t, "state")
	s := m.model.shares[id]
	var want error
	switch {
	case s == nil:
		want = ErrNotFound
	case s.state == state:
	case state == ShareStable && s.vanished():
		s.state = state
	case s.state != ShareStable:
		want = ErrConflict
	default:
		s.state = state
	}
	m.same(t, "mark", m.book.MarkShare(m.t.Context(), id, state, "test"), want)
}

func (m *machine) Renew(t *rapid.T) {
	p := drawPeer(t)
	until := m.model.now + rapid.Int64Range(-100, 9000).Draw(t, "seconds")
	shares, err := m.book.Renew(m.t.Context(), p, time.Unix(until, 0))
	if err != nil || shares != m.model.usage(p).HeldShares {
		t.Fatalf("renew: %d shares, %v", shares, err)
	}
	a := m.model.accounts[p]
	a.LeasesUntil = max(a.LeasesUntil, until)
	m.model.accounts[p] = a
}

func (m *machine) Expire(t *rapid.T) {
	m.model.now = m.clock.move(time.Duration(rapid.SampledFrom([]int64{0, 10, 900, 3600, 3601, -4000}).Draw(t, "passed")) * time.Second).Unix()
	want := m.model.expire()
	got := make(map[potluck.ShareID]bool)
	for more := true; more; {
		var gone []potluck.ShareID
		var err error
		gone, more, err = m.book.Expire(m.t.Context(), m.clock.now(), rapid.IntRange(1, 5).Draw(t, "limit"))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range gone {
			if got[id] {
				t.Fatalf("share %v goes twice", id)
			}
			got[id] = true
		}
	}
	if len(got) != len(want) {
		t.Fatalf("expire: %v go, the model says %v", got, want)
	}
	for id := range got {
		if !want[id] {
			t.Fatalf("expire: %v goes", id)
		}
	}
}

func (m *machine) Terms(t *rapid.T) {
	p := drawPeer(t)
	change := func(a *Account) error {
		a.Terms = Terms{RatioPPM: rapid.SampledFrom([]int64{0, 1_000_000, 1_500_000}).Draw(t, "ratio"), Gift: potluck.Size(rapid.Int64Range(0, 120).Draw(t, "gift"))}
		a.Denied = rapid.IntRange(0, 9).Draw(t, "denied") == 0
		return nil
	}
	a := m.model.accounts[p]
	_ = change(&a)
	m.model.accounts[p] = a
	if got, err := m.book.Update(m.t.Context(), p, "test", func(b *Account) error { b.Terms, b.Denied = a.Terms, a.Denied; return nil }); err != nil || got.Terms != a.Terms {
		t.Fatal(got, err)
	}
}

func (m *machine) Place(t *rapid.T) {
	var ps []Placement
	for _, id := range drawIDs(t) {
		pl := Placement{Share: id, Host: drawPeer(t), Layout: layout, Charge: potluck.Size(rapid.Int64Range(1, 40).Draw(t, "charge")),
			Root: digest(1), Manifest: digest(2), Placed: m.model.now, State: PlacementState(rapid.IntRange(1, 2).Draw(t, "state"))}
		ps = append(ps, pl)
		m.model.placed[placeKey{id, pl.Host}] = pl
	}
	if err := m.book.Place(m.t.Context(), ps); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) Unplace(t *rapid.T) {
	p, ids := drawPeer(t), drawIDs(t)
	for _, id := range ids {
		delete(m.model.placed, placeKey{id, p})
	}
	if err := m.book.Unplace(m.t.Context(), p, ids); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) Reopen(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") != 0 {
		return
	}
	if err := m.book.Close(); err != nil {
		t.Fatal(err)
	}
	m.open()
	// Only events tell when the clock was looked at; make them agree.
	if err := m.book.Note(m.t.Context(), Event{Kind: "test"}); err != nil {
		t.Fatal(err)
	}
	m.book.steps.last = m.model.looked
}

func (m *machine) open() {
	b, err := Open(m.t.Context(), config(m.dir, m.clock))
	if err != nil {
		m.t.Fatal(err)
	}
	m.book = b
}

// Check runs after every step: figures always, the whole books now and then.
func (m *machine) Check(t *rapid.T) {
	for p := range m.model.accounts {
		got, err := m.book.Usage(m.t.Context(), p)
		if got.Newest = 0; err != nil || got != m.model.usage(p) {
			t.Fatalf("usage of %s is %+v, %v; the model says %+v", string(p), got, err, m.model.usage(p))
		}
	}
	if m.steps++; m.steps%4 != 0 {
		return
	}
	r, err := m.book.Check(m.t.Context())
	if err != nil || len(r.Problems) > 0 {
		t.Fatalf("check: %q, %v", r.Problems, err)
	}
	all := m.model.totals()
	if r.Held != all.Held || r.Reserved != all.Reserved || r.Earned != all.Earned || r.Shares != int64(len(m.model.shares)) {
		t.Fatalf("check found %+v, the model has %+v", r, all)
	}
	var ids []potluck.ShareID
	err = m.book.Shares(m.t.Context(), potluck.ShareID{}, func(row ShareRow) error {
		ids = append(ids, row.ID)
		s := m.model.shares[row.ID]
		if s == nil || s.state != row.State || len(s.leases) != len(row.Leases) {
			t.Fatalf("share %+v, the model has %+v", row, s)
		}
		for _, l := range row.Leases {
			if want, ok := s.leases[l.Owner]; !ok || want != (modelLease{l.Pending, l.Until}) {
				t.Fatalf("lease %+v, the model has %+v", l, want)
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(ids, m.model.all()) {
		t.Fatalf("shares %v, %v; the model has %v", ids, err, m.model.all())
	}
}

// TestMachine runs every operation in random order against the model, with
// closing and opening in between.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "book")
		if err != nil {
			rt.Fatal(err)
		}
		m := &machine{t: t, dir: dir, clock: newClock()}
		m.model = newModel(m.clock.now().Unix())
		m.open()
		defer func() {
			if err := m.book.Close(); err != nil {
				t.Error(err)
			}
			os.RemoveAll(dir)
		}()
		for _, p := range []peer.ID{alice, bob, carol} {
			a := Account{Peer: p, Friend: true, Terms: Terms{RatioPPM: 1_000_000, Gift: 90}}
			if err := m.book.Befriend(t.Context(), a); err != nil {
				rt.Fatal(err)
			}
			m.model.accounts[p] = a
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": m.Check, "reserve": m.Reserve, "reserve more": m.Reserve, "commit": m.Commit, "commit more": m.Commit,
			"abort": m.Abort, "cancel": m.Cancel, "evict": m.Evict, "deleted": m.Deleted, "deleted more": m.Deleted, "mark": m.Mark, "mark more": m.Mark, "adopt": m.Adopt,
			"renew": m.Renew, "expire": m.Expire, "terms": m.Terms, "place": m.Place, "unplace": m.Unplace, "ranges": m.Ranges, "reopen": m.Reopen,
		})
	})
}
