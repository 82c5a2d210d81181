package node

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/p2p"
	"potluck/shares"
)

// eventually waits for what loops do by themselves.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// store puts a file of one share from owner to host by way of files, so that both
// books know it, and gives its cap and charge.
func store(t *testing.T, owner, host *Node, size potluck.Size) (caps.Cap, potluck.Size) {
	t.Helper()
	c, charge, err := tryStore(t, owner, host, size)
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return c, charge
}

func tryStore(t *testing.T, owner, host *Node, size potluck.Size) (c caps.Cap, charge potluck.Size, err error) {
	t.Helper()
	r, err := owner.Put(t.Context(), files.FromBytes("", random(t, int(size))), files.PutOptions{K: 1, N: 1, Happy: 1, Hosts: []peer.ID{host.self}}, nil)
	if err != nil {
		return nil, 0, err
	}
	if c, err = caps.Parse(r.Cap); err != nil {
		t.Fatal(err)
	}
	return c, shares.Charge(r.Layout), nil
}

// account finds b's account at a.
func account(t *testing.T, a, b *Node) ledger.Account {
	t.Helper()
	x, err := a.book.Account(t.Context(), b.self)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// terms has a give b exactly these.
func terms(t *testing.T, a, b *Node, x ledger.Terms) {
	t.Helper()
	_, err := a.SetTerms(t.Context(), account(t, a, b), TermsChange{RatioPPM: &x.RatioPPM, Gift: &x.Gift, Opening: &x.Opening,
		Paid: &x.Paid, PaidUntil: &x.PaidUntil})
	if err != nil {
		t.Fatal(err)
	}
}

// supply is b's credit at a.
func creditOf(t *testing.T, a, b *Node) ledger.CreditView {
	t.Helper()
	v, err := a.book.Credit(t.Context(), b.self)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// turn lets a node's loops about credit go round once.
func turn(t *testing.T, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		for _, c := range []func() error{
			func() error { return n.count.cycle.TriggerWait(t.Context()) },
			func() error { return n.post.cycle.TriggerWait(t.Context()) },
			func() error { return n.judge.cycle.TriggerWait(t.Context()) },
		} {
			if err := c(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// friends four nodes as in CREDIT.md section 11, with all books telling of it:
// server2 holds so much for client3, server4 works for client3, and server2
// points what it has at server4 to client1.
type rental struct {
	client1, server2, client3, server4 *Node
	held                               potluck.Size // what server2 holds for client3
	cap                                caps.Cap     // of client3's file
}

func rent(t *testing.T, change func(*Config)) rental {
	t.Helper()
	c := func(name string, offer potluck.Size) Config {
		c := config(t, name)
		c.Offer = offer
		if change != nil {
			change(&c)
		}
		return c
	}
	var r rental
	r.client1, _ = start(t, c("client1", -1))
	r.server2, _ = start(t, c("server2", potluck.GiB))
	r.client3, _ = start(t, c("client3", -1))
	r.server4, _ = start(t, c("server4", potluck.GiB))
	befriend(t, r.server2, r.client1)
	befriend(t, r.server2, r.client3)
	befriend(t, r.server4, r.client3)
	befriend(t, r.server4, r.server2)
	terms(t, r.server4, r.server2, ledger.Terms{RatioPPM: 1_000_000})
	r.cap, r.held = store(t, r.client3, r.server2, 300<<10)
	if _, err := r.server4.WorkFor(t.Context(), WorkForRequest{Peer: "client3"}); err != nil {
		t.Fatalf("work for: %v", err)
	}
	eventually(t, "client3 hears that server4 works for it", func() bool {
		ok, err := r.client3.consents(t.Context(), r.server4.self)
		return err == nil && ok
	})
	if _, err := r.client3.RepayVia(t.Context(), RepayViaRequest{Node: "server4"}); err != nil {
		t.Fatalf("repay via: %v", err)
	}
	turn(t, r.server2)
	eventually(t, "server4 counts what server2 holds for client3", func() bool { return creditOf(t, r.server4, r.server2).Earned == r.held })
	return r
}

func TestRentAFriend(t *testing.T) {
	r := rent(t, nil)
	if v := creditOf(t, r.client3, r.server2); v.Earned != 0 {
		t.Fatalf("client3 itself counts %v too, so the debt would be paid twice", v.Earned)
	}
	preview, err := r.server2.CreditTo(t.Context(), CreditToRequest{To: "client1", Host: "server4", DryRun: true})
	if err != nil || preview.Signed || len(preview.Lines) != 2 {
		t.Fatalf("preview: %+v, %v", preview, err)
	}
	if l := preview.Lines; !l[0].Known || l[0].Before != r.held || l[0].After != 0 || l[1].Before != 0 || l[1].After != r.held {
		t.Fatalf("preview: %+v", l)
	}
	if o, err := r.server2.ownOrder(t.Context()); err != nil || o.Number != 0 {
		t.Fatalf("a dry run signed order %d, %v", o.Number, err)
	}
	p, err := r.server2.CreditTo(t.Context(), CreditToRequest{To: "client1", Host: "server4"})
	if err != nil || !p.Signed || p.Number != 1 {
		t.Fatalf("credit to: %+v, %v", p, err)
	}
	r.reach(t)
	if q, err := r.client1.host.Quote(t.Context(), r.server4.self, p2p.QuoteRequest{Bytes: r.held + 1}); err != nil || q.Free != r.held || q.Refusal == nil || q.Refusal.Code != potluck.CodeUnfunded {
		t.Fatalf("quote: %+v, %v, want %d free", q, err, r.held)
	}
	// Up to all of it, and not a byte more.
	mine, used := store(t, r.client1, r.server4, 300<<10)
	if used != r.held {
		t.Fatalf("the charge is %d, want %d", used, r.held)
	}
	_, _, err = tryStore(t, r.client1, r.server4, 1000)
	var refusal *potluck.Refusal
	if spread := new(files.SpreadError); !errors.As(err, &spread) && !errors.As(err, &refusal) {
		t.Fatalf("one byte more: %v, want a refusal", err)
	}
	r.explain(t, used)
	r.fall(t, used)
	if _, err := r.client1.Get(t.Context(), mine, &strings.Builder{}, files.GetOptions{}, nil); err != nil {
		t.Fatalf("read while nothing is covered: %v", err)
	}
	for _, n := range []*Node{r.client1, r.server2, r.client3, r.server4} {
		clean(t, n)
	}
}

// reach waits until client1 and server4 found each other by the pointer.
func (r rental) reach(t *testing.T) {
	t.Helper()
	eventually(t, "client1 finds server4", func() bool {
		return r.client1.host.Connected(r.server4.self) && r.server4.gate.Admits(r.client1.self) && r.client1.gate.Admits(r.server4.self)
	})
}

// explain checks that all four can see why.
func (r rental) explain(t *testing.T, used potluck.Size) {
	t.Helper()
	why, err := r.server4.Why(t.Context(), account(t, r.server4, r.client1))
	if err != nil || why.Serve.Held != used || why.Serve.Distance != 1 || !why.Serve.Sponsored || len(why.Serve.Funding) != 1 ||
		why.Serve.Funding[0].Bytes != used || why.Serve.Funding[0].Via[0].Peer != r.server2.self {
		t.Fatalf("server4 on client1: %+v, %v", why, err)
	}
	if want := "client1 is no friend, but may use " + r.held.String() + " that server2 points to it"; why.Sentence != want {
		t.Errorf("got  %q\nwant %q", why.Sentence, want)
	}
	why, err = r.client1.Why(t.Context(), account(t, r.client1, r.server4))
	if err != nil || !why.Served.Known || why.Served.Held != used || why.Served.Free != 0 || len(why.Served.Sponsors) != 1 ||
		why.Served.Sponsors[0].Used != used || why.Served.Refusal == nil {
		t.Fatalf("client1 on server4: %+v, %v", why, err)
	}
	why, err = r.server4.Why(t.Context(), account(t, r.server4, r.server2))
	if err != nil || len(why.Serve.EarnedFor) != 1 || why.Serve.EarnedFor[0].Peer != r.client3.self || why.Serve.EarnedFor[0].Bytes != r.held ||
		len(why.Serve.Out) != 1 || why.Serve.Out[0].Bytes != used {
		t.Fatalf("server4 on server2: %+v, %v", why, err)
	}
	o, err := r.client1.Credit(t.Context())
	if err != nil || len(o.In) != 1 || o.In[0].From.Peer != r.server2.self || o.In[0].Used != used || o.In[0].State != "live" {
		t.Fatalf("client1's credit: %+v, %v", o, err)
	}
	if o, err = r.server2.Credit(t.Context()); err != nil || len(o.Out) != 1 || o.Out[0].To.Peer != r.client1.self {
		t.Fatalf("server2's credit: %+v, %v", o, err)
	}
	if o, err = r.server4.Credit(t.Context()); err != nil || len(o.WorksFor) != 1 || o.WorksFor[0].Bytes != r.held || !o.WorksFor[0].Allotted {
		t.Fatalf("server4's credit: %+v, %v", o, err)
	}
	if o, err = r.client3.Credit(t.Context()); err != nil || len(o.Repay) != 1 || o.Repay[0].Peer != r.server4.self || !o.Repay[0].Consent {
		t.Fatalf("client3's credit: %+v, %v", o, err)
	}
}

// fall lets server2 drop client3's data: client1's allowance falls, and it is
// told.
func (r rental) fall(t *testing.T, used potluck.Size) {
	t.Helper()
	if _, err := r.server2.Evict(t.Context(), account(t, r.server2, r.client3), false); err != nil {
		t.Fatal(err)
	}
	turn(t, r.server2)
	// client3 finds out when it looks.
	if _, err := r.client3.Where(t.Context(), r.cap); err != nil {
		t.Fatal(err)
	}
	eventually(t, "server4 hears of the loss", func() bool { return creditOf(t, r.server4, r.server2).Earned == 0 })
	eventually(t, "client1 is reminded", func() bool {
		s := account(t, r.server4, r.client1).Standing
		return s.Step == credit.StepReminded && s.Told == credit.StepReminded
	})
	v, err := r.client1.Standing(t.Context(), account(t, r.client1, r.server4))
	if err != nil || v.Theirs.Step != "reminded" || v.Theirs.Short != used || v.Theirs.Next != "slowed" {
		t.Fatalf("client1 at server4: %+v, %v", v.Theirs, err)
	}
	events, err := r.client1.Events(t.Context(), 0, 1000)
	if err != nil || !hasEvent(events, kindNotice, r.server4.self) {
		t.Fatalf("no notice in client1's events: %v", err)
	}
	if q, err := r.client1.host.Quote(t.Context(), r.server4.self, p2p.QuoteRequest{Bytes: 1}); err != nil || q.Free != 0 || q.Refusal == nil {
		t.Fatalf("quote after the fall: %+v, %v", q, err)
	}
}

func hasEvent(events []Event, kind string, p peer.ID) bool {
	for _, e := range events {
		if e.Kind == kind && e.Peer == p {
			return true
		}
	}
	return false
}
