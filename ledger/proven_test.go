package ledger

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

const proofWindow = 14 * 24 * time.Hour

// provenBooks opens D's books, in which holdings count while they are proved.
func provenBooks(t testing.TB, dir string, c *clock) *Book {
	t.Helper()
	cfg := config(dir, c)
	cfg.Self, cfg.ProofWindow, cfg.Small = personD.id, proofWindow, true
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func supplyOf(t testing.TB, b *Book, p person) potluck.Size {
	t.Helper()
	v := creditOf(t, b, p)
	var sum potluck.Size
	for _, e := range v.EarnedFor {
		sum += e.Bytes
	}
	if sum != v.Earned {
		t.Errorf("%+v sums to %d, earned is %d", v.EarnedFor, sum, v.Earned)
	}
	sameGraph(t, b)
	return v.Supply
}

func kinds(t testing.TB, b *Book, kind string) (n int) {
	t.Helper()
	events, err := b.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestHoldingsCountWhileProved(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	b := provenBooks(t, dir, c)
	friend(t, b, personP, Terms{RatioPPM: 1_000_000})
	earn(t, b, personP, 100)
	want := func(supply potluck.Size, unproven, proven int) {
		t.Helper()
		if got := supplyOf(t, b, personP); got != supply {
			t.Errorf("supply is %d, want %d", got, supply)
		}
		if u, p := kinds(t, b, KindUnproven), kinds(t, b, KindProven); u != unproven || p != proven {
			t.Errorf("%d events say unproven and %d proven, want %d and %d", u, p, unproven, proven)
		}
	}
	audit := func(a Audit) {
		t.Helper()
		if lost, err := b.Audited(t.Context(), personP.id, a); err != nil || len(lost) != len(a.Failed) {
			t.Fatal(lost, err)
		}
	}
	good := []potluck.ShareID{shareID(900, 0)}
	want(100, 0, 0) // by the receipt
	c.move(proofWindow - time.Second)
	want(100, 0, 0)
	c.move(time.Second)
	want(0, 1, 0)
	if u := usageOf(t, b, personP.id); u.Earned != 100 {
		t.Errorf("the counter is %d, want 100: the books of both sides stay equal", u.Earned)
	}
	audit(Audit{}) // it was here and answered nothing
	want(0, 1, 0)
	audit(Audit{Good: good, Proven: c.now().Add(-proofWindow).Unix()}) // a question is open for too long
	want(0, 1, 0)
	audit(Audit{Good: good, Proven: c.now().Unix()})
	want(100, 1, 1)
	c.move(10 * 24 * time.Hour)
	audit(Audit{Good: good, Proven: c.now().Add(-9 * 24 * time.Hour).Unix()}) // one question is open for nine days
	c.move(5*24*time.Hour - time.Second)
	want(100, 1, 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c.move(24 * time.Hour)
	b = provenBooks(t, dir, c) // it ended while the books were closed
	want(0, 2, 1)
	audit(Audit{Failed: []AuditFailure{{Share: good[0], Root: digest(1), Reason: "audit: gone", Evidence: []byte("{}")}}})
	want(0, 2, 1)
	earn(t, b, personP, 50) // it held nothing: its receipt is a proof again
	want(50, 2, 2)
	clean(t, b)
}

func TestReceiptsDontProveWhatWasThere(t *testing.T) {
	c := newClock()
	b := provenBooks(t, t.TempDir(), c)
	friend(t, b, personP, Terms{RatioPPM: 1_000_000})
	earn(t, b, personP, 100)
	c.move(proofWindow)
	p := Placement{Share: shareID(901, 1), Host: personP.id, Layout: layout, Charge: 7, Root: digest(1), Manifest: digest(2), State: PlacedStable}
	if err := b.Place(t.Context(), []Placement{p}); err != nil {
		t.Fatal(err)
	}
	if got := supplyOf(t, b, personP); got != 0 {
		t.Errorf("supply is %d, want 0", got)
	}
}

func TestWithoutAWindowHoldingsAlwaysCount(t *testing.T) {
	b, c := booksD(t, personP)
	earn(t, b, personP, 100)
	c.move(10 * 365 * 24 * time.Hour)
	if got := creditOf(t, b, personP).Supply; got != 100 {
		t.Errorf("supply is %d, want 100", got)
	}
}

// Books of a program that knew no proofs begin their time when they are opened.
func TestOldHoldingsGetTheirTime(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	b := openD(t, dir, c)
	friend(t, b, personP, Terms{RatioPPM: 1_000_000})
	earn(t, b, personP, 100)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c.move(300 * 24 * time.Hour)
	b = provenBooks(t, dir, c)
	if got := supplyOf(t, b, personP); got != 100 {
		t.Errorf("supply is %d, want 100", got)
	}
	c.move(proofWindow)
	if got := supplyOf(t, b, personP); got != 0 {
		t.Errorf("supply is %d after the window, want 0", got)
	}
}

// More hosts than one operation takes lapse at once.
func TestManyLapseTogether(t *testing.T) {
	c := newClock()
	b := provenBooks(t, t.TempDir(), c)
	const hosts = 2*lapses + 10
	for i := range hosts {
		p := person{id: peer.ID(fmt.Sprintf("host %d", i))}
		friend(t, b, p, Terms{RatioPPM: 1_000_000})
		earn(t, b, p, 100)
	}
	c.move(proofWindow)
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := kinds(t, b, KindUnproven); n != hosts {
		t.Errorf("%d hosts lapsed, want %d", n, hosts)
	}
	sameGraph(t, b)
	clean(t, b)
}

func TestAudited(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	place := func(host peer.ID, n int, root potluck.Digest) {
		t.Helper()
		p := Placement{Share: shareID(1, n), Host: host, Layout: layout, Charge: 100, Root: root, Manifest: digest(2), Receipt: []byte("r"),
			Placed: c.now().Unix(), LastGood: c.now().Unix(), State: PlacedStable}
		if err := b.Place(t.Context(), []Placement{p}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 4 {
		place(alice, n, digest(1))
	}
	place(bob, 0, digest(1))
	c.move(time.Hour)
	now := c.now().Unix()
	fail := func(n int, root potluck.Digest) AuditFailure {
		return AuditFailure{Share: shareID(1, n), Root: root, Reason: "audit: gone", Evidence: []byte("seen")}
	}
	a := Audit{Good: []potluck.ShareID{shareID(1, 0), shareID(7, 7)}, Bytes: 500, Proven: now,
		Failed: []AuditFailure{fail(1, digest(1)), fail(2, digest(9)), fail(9, digest(1)), fail(1, digest(1))}}
	lost, err := b.Audited(t.Context(), alice, a)
	if err != nil || !slices.Equal(lost, []potluck.ShareID{shareID(1, 1)}) {
		t.Fatalf("lost %v, %v; want the second alone: another has a new root, another isn't placed", lost, err)
	}
	rows, err := b.Placements(t.Context(), shareID(1, 0).Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range rows {
		state, good := PlacedStable, now-3600
		switch {
		case p.Host == alice && p.Share.Number == 0:
			good = now
		case p.Host == alice && p.Share.Number == 1:
			state = PlacedLost
		}
		if p.State != state || p.LastGood != good || string(p.Receipt) != "r" {
			t.Errorf("%v at %s: %+v", p.Share, p.Host, p)
		}
	}
	if u := usageOf(t, b, alice); u.Earned != 300 || u.EarnedShares != 3 {
		t.Errorf("earned %+v", u)
	}
	days, err := b.History(t.Context(), alice, 0, DayOf(now))
	if want := (Deeds{AuditsGood: 2, AuditsFailed: 1, AuditBytes: 500}); err != nil || len(days) != 1 || days[0].Deeds != want {
		t.Errorf("history %+v, %v", days, err)
	}
	if p, err := b.Proof(t.Context(), alice); err != nil || p != (Proof{Proven: now, Asked: now}) {
		t.Errorf("proof %+v, %v", p, err)
	}
	events, err := b.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(events, func(e Event) bool { return e.Kind == KindAuditFailed })
	if i < 0 || events[i].Peer != alice || *events[i].Share != shareID(1, 1) || events[i].Bytes != 100 || string(events[i].Evidence) != "seen" ||
		events[i+1].Kind != KindPlacedLost || kinds(t, b, KindAuditFailed) != 1 {
		t.Errorf("events %+v", events[max(i, 0):])
	}
	for _, bad := range []Audit{{Good: make([]potluck.ShareID, MaxBatch+1)}, {Proven: -1}, {Bytes: -1},
		{Failed: []AuditFailure{{Evidence: make([]byte, MaxEvidence)}, {Evidence: make([]byte, 1)}}}} {
		if _, err := b.Audited(t.Context(), alice, bad); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	}
	if _, err := b.Audited(t.Context(), carol, Audit{}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	clean(t, b)
}

// Whatever happens in which order: a host's holdings count exactly while the model
// says that something proves them.
func TestProofModel(t *testing.T) {
	base, n := t.TempDir(), 0
	hosts := []person{personP, personX}
	rapid.Check(t, func(r *rapid.T) {
		n++
		c, dir := newClock(), fmt.Sprintf("%s/%d", base, n)
		b := provenBooks(t, dir, c)
		type state struct {
			holds  potluck.Size
			proven int64
			lapsed bool
		}
		model := make(map[string]*state)
		for _, h := range hosts {
			friend(t, b, h, Terms{RatioPPM: 1_000_000})
			model[string(h.id)] = new(state)
		}
		window := int64(proofWindow / time.Second)
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			h := rapid.SampledFrom(hosts).Draw(r, "host")
			m, now := model[string(h.id)], c.now().Unix()
			for _, x := range model { // time comes first, then what is done
				x.lapsed = x.lapsed || x.holds > 0 && now >= x.proven+window
			}
			switch rapid.SampledFrom([]string{"wait", "place", "lose", "audit", "restart"}).Draw(r, "action") {
			case "wait":
				c.move(time.Duration(rapid.IntRange(0, 20).Draw(r, "days")) * 24 * time.Hour)
			case "place":
				earn(t, b, h, 100)
				if m.holds == 0 {
					m.proven, m.lapsed = now, false
				}
				m.holds = 100
			case "lose":
				if err := b.Mark(t.Context(), h.id, []potluck.ShareID{shareID(900, 0)}, PlacedLost, ""); err != nil {
					r.Fatal(err)
				}
				m.holds = 0
			case "audit":
				back := int64(rapid.IntRange(0, 20).Draw(r, "open")) * 24 * 3600
				if _, err := b.Audited(t.Context(), h.id, Audit{Good: []potluck.ShareID{shareID(900, 0)}, Proven: now - back}); err != nil {
					r.Fatal(err)
				}
				m.proven = max(m.proven, now-back)
				m.lapsed = m.lapsed && now >= m.proven+window
			case "restart":
				if err := b.Close(); err != nil {
					r.Fatal(err)
				}
				b = provenBooks(t, dir, c)
			}
			now = c.now().Unix()
			for _, h := range hosts {
				m := model[string(h.id)]
				want := m.holds
				if m.lapsed || now >= m.proven+window {
					want = 0
				}
				if got := supplyOf(t, b, h); got != want {
					r.Fatalf("supply of %s is %d, want %d: %+v at %d", h.id, got, want, m, now)
				}
			}
		}
		if err := b.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

func BenchmarkAudited(b *testing.B) {
	book, c := newBooks(b)
	befriend(b, book, alice)
	var all []potluck.ShareID
	for n := range 64 {
		p := Placement{Share: shareID(n, 0), Host: alice, Layout: layout, Charge: 100, Root: digest(1), Manifest: digest(2), State: PlacedStable}
		if err := book.Place(b.Context(), []Placement{p}); err != nil {
			b.Fatal(err)
		}
		all = append(all, p.Share)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.move(time.Second)
		if _, err := book.Audited(b.Context(), alice, Audit{Good: all, Proven: c.now().Unix()}); err != nil {
			b.Fatal(err)
		}
	}
}
