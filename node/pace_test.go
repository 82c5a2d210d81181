package node

import (
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// What one signer adds in an hour is bounded, whoever brings it; what waits is
// taken later.
func TestOneSignerFillsNoBooks(t *testing.T) {
	w := newThree(t)
	befriend(t, w.host, w.friend)
	now := w.clock.now().Unix()
	order := func(number uint64, limit potluck.Size) []byte {
		return sealOrder(t, w.issuer, signed.Order{Issuer: w.issuer.self, Number: number, NotBefore: now, Expires: now + 1000,
			Pointers: []signed.Pointer{{To: w.friend.self, Limit: limit, SharePPM: signed.NoShare, Since: now}}})
	}
	events := func() (n int) {
		all, err := w.host.Events(t.Context(), 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if e.Kind == ledger.KindOrder || e.Kind == ledger.KindConflict {
				n++
			}
		}
		return n
	}
	for n := range uint64(paceDocuments) {
		if got := bring(t, w.friend, w.host, order(n+1, 1)); got != p2p.DeliveredNew {
			t.Fatalf("order %d: %d", n+1, got)
		}
	}
	if got := bring(t, w.friend, w.host, order(paceDocuments+1, 1)); got != p2p.DeliveredNotConcerned {
		t.Errorf("one more: %d", got)
	}
	if got := bring(t, w.friend, w.host, order(paceDocuments, 1)); got != p2p.DeliveredKnown {
		t.Errorf("one that is known: %d", got)
	}
	for n := range paceConflicts {
		if got := bring(t, w.friend, w.host, order(paceDocuments, potluck.Size(n+2))); got != p2p.DeliveredConflict {
			t.Errorf("contradiction %d: %d", n, got)
		}
	}
	if got := bring(t, w.friend, w.host, order(paceDocuments, 99)); got != p2p.DeliveredNotConcerned {
		t.Errorf("one contradiction more: %d", got)
	}
	if n := events(); n != paceDocuments+1 {
		t.Errorf("%d events", n)
	}
	x := &w.host.paced.documents
	x.mu.Lock()
	x.from = x.from.Add(-2 * clerkWindow)
	x.mu.Unlock()
	if got := bring(t, w.friend, w.host, order(paceDocuments+1, 1)); got != p2p.DeliveredNew {
		t.Errorf("later: %d", got)
	}
}

func TestNoticesArePaced(t *testing.T) {
	owner, host := pair(t)
	notice := p2p.NoticeRequest{Step: 1, Since: 1, NextStep: 2, NextAt: 2, Reason: "test"}
	for n := range paceNotices {
		if _, err := host.host.Notice(t.Context(), owner.self, notice); err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := host.host.Notice(t.Context(), owner.self, notice); !isRefusal(err) {
		t.Errorf("one more: %v", err)
	}
}

// Disputes that go to and fro are told once a day, also after a restart.
func TestDisputesArePaced(t *testing.T) {
	clock := &clock{}
	c := config(t, "host")
	c.Clock = clock.now
	host, stop := start(t, c)
	owner, _ := start(t, config(t, "owner"))
	befriend(t, host, owner)
	tell := func(n potluck.Size, want int) {
		t.Helper()
		d := ledger.Dispute{Host: host.self, Owner: owner.self, Mine: ledger.Summary{Bytes: n}}
		if err := host.disputed(t.Context(), d, versions{}); err != nil {
			t.Fatal(err)
		}
		all, err := host.Events(t.Context(), 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, e := range all {
			if e.Kind == ledger.KindDispute {
				count++
			}
		}
		if count != want {
			t.Errorf("%d disputes in the events, want %d", count, want)
		}
	}
	tell(1, 1)
	tell(2, 1)
	stop()
	host, _ = start(t, c)
	tell(3, 1)
	clock.forward(25 * time.Hour)
	tell(4, 2)
}
