package credit

import (
	"fmt"
	"slices"
	"testing"

	"potluck"
)

// A friend without arcs is answered from its own credit and the room alone.
func TestAdmitPlainFriend(t *testing.T) {
	friend := Peer{ID: "alice", Friend: true, RatioPPM: 500_000, Gift: 10, Opening: 20, Paid: 40, Earned: 61}
	with := func(change func(p *Peer)) Peer {
		p := friend
		change(&p)
		return p
	}
	cure := func(k potluck.CureKind, n potluck.Size) potluck.Cure { return potluck.Cure{Kind: k, Bytes: n} }
	for _, c := range []struct {
		name              string
		peer              Peer
		room, asked, free potluck.Size
		code              potluck.Code
		cures             []potluck.Cure
	}{
		{"all four sources", friend, 1000, 100, 100, "", nil},
		{"one byte more", friend, 1000, 101, 100, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 1), cure(potluck.CureAskHost, 1)}},
		{"held and reserved count", with(func(p *Peer) { p.Held, p.Reserved, p.Loans = 30, 30, 5 }), 1000, 36, 35, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 1), cure(potluck.CureAskHost, 1), cure(potluck.CureFree, 1)}},
		{"overdrawn", with(func(p *Peer) { p.Held = 200 }), 1000, 5, 0, potluck.CodeUnfunded,
			[]potluck.Cure{cure(potluck.CureHold, 209), cure(potluck.CureAskHost, 105), cure(potluck.CureFree, 105)}},
		{"no room before unfunded", with(func(p *Peer) { p.Held = 60 }), 10, 100, 10, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 90)}},
		{"no room, some to free", with(func(p *Peer) { p.Held = 60 }), 5, 10, 5, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 5), cure(potluck.CureFree, 5)}},
		{"over-full node", with(func(p *Peer) { p.Held = 60 }), -20, 1, 0, potluck.CodeNoRoom,
			[]potluck.Cure{cure(potluck.CureOffer, 21), cure(potluck.CureFree, 21)}},
		{"no friend, no room", with(func(p *Peer) { p.Friend, p.Earned, p.Gift, p.Opening, p.Paid = false, 0, 0, 0, 0 }), 0, 1, 0, potluck.CodeNotAFriend,
			[]potluck.Cure{cure(potluck.CureBefriend, 0), cure(potluck.CurePointer, 1)}},
		{"denied before frozen", with(func(p *Peer) { p.Denied, p.Frozen = true, true }), 0, 1, 0, potluck.CodeDenied, []potluck.Cure{cure(potluck.CureAskHost, 0)}},
		{"frozen before no room", with(func(p *Peer) { p.Frozen = true }), 0, 1, 0, potluck.CodeFrozen, []potluck.Cure{cure(potluck.CureAskHost, 0)}},
		{"frozen and short", with(func(p *Peer) { p.Frozen, p.Held = true, 110 }), 1000, 5, 0, potluck.CodeFrozen,
			[]potluck.Cure{cure(potluck.CureHold, 29), cure(potluck.CureAskHost, 15), cure(potluck.CureFree, 15)}},
		{"no ratio, nothing to hold", with(func(p *Peer) { p.RatioPPM = 0 }), 1000, 71, 70, potluck.CodeUnfunded, []potluck.Cure{cure(potluck.CureAskHost, 1)}},
		{"nothing asked of a full node", with(func(p *Peer) { p.Held = 500 }), -20, 0, 0, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := New(DefaultHops)
			b.Put(c.peer)
			d := b.Admit("alice", c.room, c.asked)
			if d.Free != c.free || (d.Refusal == nil) != (c.code == "") {
				t.Fatalf("free %d, refusal %v; want %d, %q", d.Free, d.Refusal, c.free, c.code)
			}
			if r := d.Refusal; r != nil && (r.Code != c.code || r.Asked != c.asked || r.Free != c.free || r.Short != c.asked-c.free || !slices.Equal(r.Cures, c.cures)) {
				t.Errorf("got %+v, want cures %v", *r, c.cures)
			}
		})
	}
	if d := New(DefaultHops).Admit("nobody", 100, 1); d.Refusal == nil || d.Refusal.Code != potluck.CodeNotAFriend {
		t.Errorf("an unknown peer: %+v", d)
	}
}

func limit(to ID, n potluck.Size, order int64) Arc {
	return Arc{To: to, Limit: n, SharePPM: NoShare, Order: order}
}

func earner(id ID, earned potluck.Size) Peer {
	return Peer{ID: id, Friend: true, RatioPPM: million, Earned: earned}
}

func holds(id ID, held potluck.Size) Peer { return Peer{ID: id, RatioPPM: million, Held: held} }

// What one gives back goes to those who are short before it is free.
func TestReleaseFeedsTheShort(t *testing.T) {
	b := New(DefaultHops)
	x := earner("x", 10)
	x.Held = 10
	b.Put(x)
	b.Put(holds("y", 7))
	b.SetArcs("x", []Arc{limit("y", 7, 0)})
	if free := b.Free("y"); free != 0 || len(b.Shortfalls()) != 1 {
		t.Fatalf("y has %d free", free)
	}
	x.Held = 5
	b.Put(x)
	if free := b.Free("x"); free != 0 {
		t.Errorf("x has %d free while y is short", free)
	}
	x.Held = 1
	b.Put(x)
	if free := b.Free("x"); free != 2 || b.Shortfalls() != nil {
		t.Errorf("x has %d free, %v are short", free, b.Shortfalls())
	}
}

// Who can be paid by another makes way, and hops stay the fewest.
func TestFundingMakesWay(t *testing.T) {
	b := New(DefaultHops)
	b.Put(earner("a", 10))
	b.Put(earner("b", 10))
	b.Put(holds("first", 10))
	b.Put(holds("second", 10))
	b.SetArcs("a", []Arc{limit("first", 10, 1), limit("second", 10, 1)})
	b.SetArcs("b", []Arc{limit("first", 10, 2)})
	if got := fmt.Sprint(b.Funding("first"), b.Funding("second"), b.Shortfalls()); got != "[{[b] 10 B}] [{[a] 10 B}] []" {
		t.Error(got)
	}
	// a takes its own credit: of both, only second falls short.
	a := earner("a", 10)
	a.Held = 4
	b.Put(a)
	if got := fmt.Sprint(b.Funding("a"), b.Funding("first"), b.Funding("second"), b.Shortfalls()); got != "[{[] 4 B}] [{[b] 10 B}] [{[a] 6 B}] [{second 4 B}]" {
		t.Error(got)
	}
}

// It makes way too when what pays it instead is farther away.
func TestFundingMakesWayByLongerChains(t *testing.T) {
	b := New(DefaultHops)
	b.Put(earner("a", 10))
	b.Put(earner("c", 10))
	b.Put(holds("first", 10))
	b.Put(holds("second", 10))
	b.SetArcs("a", []Arc{limit("first", 10, 1), limit("second", 10, 1)})
	b.SetArcs("c", []Arc{limit("mid", 10, 1)})
	b.SetArcs("mid", []Arc{limit("first", 10, 1)})
	if got := fmt.Sprint(b.Funding("first"), b.Funding("second"), b.Shortfalls()); got != "[{[c mid] 10 B}] [{[a] 10 B}] []" {
		t.Error(got)
	}
}

// Revoked credit comes home first: a live arc carries before a frozen one beside
// it, and the frozen one is no older than that in the eyes of others.
func TestLiveCarriesBeforeFrozen(t *testing.T) {
	b := New(DefaultHops)
	b.Put(earner("p", 100))
	b.Put(earner("q", 100))
	b.Put(holds("x", 12))
	frozen := limit("x", 10, 1)
	frozen.Frozen = true
	b.SetArcs("p", []Arc{frozen, limit("x", 5, 5)})
	b.SetArcs("q", []Arc{limit("x", 4, 3)})
	carried := func(want ...potluck.Size) {
		t.Helper()
		var got []potluck.Size
		for _, f := range append(b.Carried("p"), b.Carried("q")...) {
			got = append(got, f.Bytes)
		}
		if !slices.Equal(got, want) {
			t.Errorf("live p, frozen p and q carry %v, want %v", got, want)
		}
	}
	carried(5, 3, 4)
	b.Put(holds("x", 8))
	carried(4, 0, 4)
	b.Put(holds("x", 19))
	carried(5, 10, 4)
}

// Chains go in the order of accounts: the nearer account keeps the shorter one.
func TestChainsFollowTheOrderOfAccounts(t *testing.T) {
	b := New(9)
	b.Put(earner("p", 5))
	b.Put(earner("q", 5))
	mid := holds("mid", 0)
	b.Put(mid)
	late, early := holds("a late one", 5), holds("early", 5)
	late.Newest, early.Newest = 2, 1
	b.Put(late)
	b.Put(early)
	b.SetArcs("p", []Arc{limit("mid", 9, 1)})
	b.SetArcs("q", []Arc{limit("mid", 9, 2)})
	b.SetArcs("mid", []Arc{limit("a late one", 9, 1), limit("early", 9, 1)})
	if got := fmt.Sprint(b.Funding("early"), b.Funding("a late one")); got != "[{[p mid] 5 B}] [{[q mid] 5 B}]" {
		t.Error(got)
	}
}
