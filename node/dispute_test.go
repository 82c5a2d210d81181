package node

import (
	"errors"
	"testing"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// sealOrder signs an order with a node's key, past its books.
func sealOrder(t *testing.T, n *Node, o signed.Order) []byte {
	t.Helper()
	sealed, err := signed.SealOrder(n.keep.key, o.Sorted())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.Single(signed.KindOrder, sealed).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// bring delivers one document and gives what became of it.
func bring(t *testing.T, from, to *Node, raw []byte) uint8 {
	t.Helper()
	a, err := from.host.Deliver(t.Context(), to.self, p2p.DeliverRequest{Documents: [][]byte{raw}})
	if err != nil {
		t.Fatal(err)
	}
	return a.Results[0]
}

func TestEquivocation(t *testing.T) {
	w := newThree(t)
	w.point(t, potluck.MiB)
	w.free(t, potluck.MiB)
	if _, err := w.host.Proof(t.Context(), account(t, w.host, w.issuer)); !errors.As(err, new(*NotFoundError)) {
		t.Fatalf("a proof of nothing: %v", err)
	}
	o, err := w.issuer.ownOrder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.Pointers[0].Limit = 9 * potluck.MiB
	if got := bring(t, w.issuer, w.host, sealOrder(t, w.issuer, o)); got != p2p.DeliveredConflict {
		t.Fatalf("another order of the same number: %d, want a conflict", got)
	}
	w.free(t, 0)
	file, err := w.host.Proof(t.Context(), account(t, w.host, w.issuer))
	if err != nil {
		t.Fatal(err)
	}
	d, err := signed.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := signed.VerifyConflict(d); err != nil || c.Signer != w.issuer.self {
		t.Fatalf("the proof proves %+v, %v", c, err)
	}
	// A higher number counts again.
	w.point(t, 2*potluck.MiB)
	w.free(t, 2*potluck.MiB)
}

func TestDeliveredDocumentsAreJudged(t *testing.T) {
	w := newThree(t)
	befriend(t, w.host, w.friend)
	stranger, _ := start(t, config(t, "stranger"))
	now := w.clock.now().Unix()
	order := func(by *Node, number uint64, from, until int64) []byte {
		return sealOrder(t, by, signed.Order{Issuer: by.self, Number: number, NotBefore: from, Expires: until,
			Pointers: []signed.Pointer{{To: w.friend.self, Limit: 1, SharePPM: signed.NoShare, Since: from}}})
	}
	changed := order(w.issuer, 2, now, now+1000)
	changed[len(changed)-1] ^= 1
	for _, c := range []struct {
		what string
		raw  []byte
		want uint8
	}{
		{"a good one", order(w.issuer, 5, now, now+1000), p2p.DeliveredNew},
		{"a lower number", order(w.issuer, 4, now, now+1000), p2p.DeliveredStale},
		{"of somebody unknown", order(stranger, 1, now, now+1000), p2p.DeliveredNotConcerned},
		{"expired", order(w.issuer, 6, now-5000, now-4000), p2p.DeliveredInvalid},
		{"not yet good", order(w.issuer, 6, now+4000, now+5000), p2p.DeliveredInvalid},
		{"changed on the way", changed, p2p.DeliveredInvalid},
		{"garbage", []byte("garbage"), p2p.DeliveredInvalid},
	} {
		if got := bring(t, w.friend, w.host, c.raw); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

func TestClerkIsNoFountain(t *testing.T) {
	var x tally
	owner, _ := pair(t)
	now := owner.config.Clock()
	if err := x.charge(owner.self, clerkDocuments, clerkDocuments, now); err != nil {
		t.Fatal(err)
	}
	if err := x.charge(owner.self, 1, clerkDocuments, now); !isRefusal(err) {
		t.Fatalf("one more: %v, want a refusal", err)
	}
	if err := x.charge(owner.self, 1, clerkDocuments, now.Add(2*clerkWindow)); err != nil {
		t.Fatalf("in the next window: %v", err)
	}
}

func TestStatements(t *testing.T) {
	owner, host := pair(t)
	_, charge := store(t, owner, host, 200<<10)
	turn(t, host)
	for _, n := range []*Node{owner, host} {
		s, number, err := n.newest(t.Context(), host.self, owner.self)
		if err != nil || number != 1 || s.Bytes != charge || s.Shares != 1 {
			t.Fatalf("%s: %+v, number %d, %v", n.config.Name, s, number, err)
		}
	}
	turn(t, host) // nothing changed
	if _, number, _ := host.newest(t.Context(), host.self, owner.self); number != 1 {
		t.Fatalf("statement %d for nothing", number)
	}
	// The host says that it holds more than the owner knows of.
	makeContent(t, 1<<20).put(t, owner, host)
	turn(t, host)
	reconciled(t, owner, host)
	proposeAgain(t, host, owner) // the owner says the same
	for _, n := range []*Node{owner, host} {
		if s, _, err := n.newest(t.Context(), host.self, owner.self); err != nil || s.Bytes != charge {
			t.Fatalf("%s counts %+v, %v, want the smaller figure, %d", n.config.Name, s, err, charge)
		}
	}
	for n, p := range map[*Node]*Node{owner: host, host: owner} {
		events, err := n.Events(t.Context(), 0, 1000)
		if err != nil || !hasEvent(events, ledger.KindDispute, p.self) {
			t.Errorf("%s has no dispute in its events: %v", n.config.Name, err)
		}
	}
	// One of another time, another host, or of a number that was.
	s := signed.Statement{Host: host.self, Owner: owner.self, Number: 1, Time: host.config.Clock().Unix(), Bytes: 1, Shares: 1}
	for want, s := range map[p2p.Code]signed.Statement{
		p2p.CodeConflict:   s,
		p2p.CodeBadRequest: {Host: host.self, Owner: owner.self, Number: 9, Time: s.Time - 5000, Bytes: 1, Shares: 1},
	} {
		sealed, err := signed.SealStatement(host.keep.key, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := host.host.Propose(t.Context(), owner.self, p2p.StatementRequest{Sealed: sealed}); p2p.CodeOf(err) != want {
			t.Errorf("%+v: %v, want %v", s, err, want)
		}
	}
}

func TestWorkForNoLonger(t *testing.T) {
	r := rent(t, nil)
	v, err := r.server4.WorkFor(t.Context(), WorkForRequest{Peer: "client3", Off: true})
	if err != nil || len(v.WorksFor) != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	if c := creditOf(t, r.server4, r.server2); c.Earned != 0 {
		t.Fatalf("server4 still counts %d for client3", c.Earned)
	}
	eventually(t, "client3 hears of it", func() bool {
		ok, err := r.client3.consents(t.Context(), r.server4.self)
		return err == nil && !ok
	})
	o, err := r.client3.Credit(t.Context())
	if err != nil || len(o.Repay) != 1 || o.Repay[0].Consent {
		t.Fatalf("%+v, %v", o.Repay, err)
	}
	if v, err := r.client3.RepayVia(t.Context(), RepayViaRequest{Node: "server4", Off: true}); err != nil || len(v.Repay) != 0 || v.Own != signed.WholePPM {
		t.Fatalf("%+v, %v", v, err)
	}
	eventually(t, "client3 counts it itself again", func() bool { return creditOf(t, r.client3, r.server2).Earned == r.held })
}
