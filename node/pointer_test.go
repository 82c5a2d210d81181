package node

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// three is a host with two friends, issuer and beneficiary, who are friends too;
// the issuer has a gift at the host, the beneficiary nothing.
type three struct {
	clock                *clock
	configs              map[string]Config
	host, issuer, friend *Node
}

func newThree(t *testing.T) *three {
	t.Helper()
	w := &three{clock: &clock{}, configs: make(map[string]Config)}
	for name, n := range map[string]**Node{"host": &w.host, "issuer": &w.issuer, "friend": &w.friend} {
		c := config(t, name)
		c.Clock = w.clock.now
		w.configs[name] = c
		*n, _ = start(t, c)
	}
	befriend(t, w.host, w.issuer)
	befriend(t, w.issuer, w.friend)
	terms(t, w.host, w.issuer, ledger.Terms{Gift: 10 * potluck.MiB})
	return w
}

// point gives the friend up to a limit at the host.
func (w *three) point(t *testing.T, limit potluck.Size) {
	t.Helper()
	if _, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Host: "host", Limit: &limit}); err != nil {
		t.Fatal(err)
	}
}

// free waits until the friend has so much free at the host.
func (w *three) free(t *testing.T, want potluck.Size) {
	t.Helper()
	var got potluck.Size
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		v, err := w.host.book.Credit(t.Context(), w.friend.self)
		if got = v.Free; err == nil && got == want {
			return
		}
	}
	t.Fatalf("the friend has %d free at the host, want %d", got, want)
}

func (w *three) reach(t *testing.T) {
	t.Helper()
	eventually(t, "the friend finds the host", func() bool {
		return w.friend.host.Connected(w.host.self) && w.host.gate.Admits(w.friend.self)
	})
}

func TestRevokedPointerStaysChargedForWhatItCarries(t *testing.T) {
	w := newThree(t)
	w.point(t, 4*potluck.MiB)
	w.free(t, 4*potluck.MiB)
	w.reach(t)
	c, used := store(t, w.friend, w.host, potluck.MiB)
	if _, err := w.issuer.CreditRevoke(t.Context(), CreditRevokeRequest{To: "friend"}); err != nil {
		t.Fatal(err)
	}
	w.free(t, 0)
	in := creditOf(t, w.host, w.friend).Into
	if len(in) != 1 || !in[0].Frozen || in[0].Bytes != used || in[0].Capacity != used {
		t.Fatalf("after the revocation %+v, want %d frozen", in, used)
	}
	if v := creditOf(t, w.host, w.issuer); v.Free != 10*potluck.MiB-used {
		t.Fatalf("the issuer has %d free, want what isn't used: %d", v.Free, 10*potluck.MiB-used)
	}
	if v := creditOf(t, w.host, w.friend); v.Shortfall != 0 {
		t.Fatalf("the bytes are short by %d, though the pointer stays charged", v.Shortfall)
	}
	why, err := w.host.Why(t.Context(), account(t, w.host, w.friend))
	if err != nil || len(why.Serve.In) != 1 || !why.Serve.In[0].Frozen {
		t.Fatalf("why: %+v, %v", why, err)
	}
	// What is there can be read and removed; then the issuer's credit is back.
	if _, err := w.friend.Remove(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the issuer's credit is back", func() bool { return creditOf(t, w.host, w.issuer).Free == 10*potluck.MiB })
	if in := creditOf(t, w.host, w.friend).Into; len(in) != 0 {
		t.Fatalf("%+v is left", in)
	}
	clean(t, w.host)
}

func TestDecline(t *testing.T) {
	w := newThree(t)
	w.point(t, potluck.MiB)
	w.free(t, potluck.MiB)
	w.reach(t)
	if _, err := w.friend.CreditDecline(t.Context(), CreditDeclineRequest{Issuer: "issuer"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the host heeds the refusal", func() bool { return creditOf(t, w.host, w.friend).Free == 0 })
	o, err := w.friend.Credit(t.Context())
	if err != nil || len(o.In) != 1 || o.In[0].State != "declined" || len(o.Order.Declined) != 1 {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := w.friend.CreditDecline(t.Context(), CreditDeclineRequest{Issuer: "issuer", Undo: true}); err != nil {
		t.Fatal(err)
	}
	w.free(t, potluck.MiB)
}

// Lists without entries are [] in every view, also of a peer that nobody dials.
func TestViewsHaveNoNull(t *testing.T) {
	w := newThree(t)
	w.point(t, potluck.MiB)
	w.free(t, potluck.MiB)
	unseen := CreditToRequest{To: "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq", Host: "host"}
	if _, err := w.issuer.CreditTo(t.Context(), unseen); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Node{w.host, w.issuer, w.friend} {
		who, err := n.Who(t.Context())
		credit, err2 := n.Credit(t.Context())
		views := []any{who, credit}
		for _, row := range who.Rows {
			a, err := n.book.Account(t.Context(), row.Peer)
			why, err2 := n.Why(t.Context(), a)
			shares, err3 := n.Shares(t.Context(), a, SharesPart{})
			if err := errors.Join(err, err2, err3); err != nil {
				t.Fatal(err)
			}
			views = append(views, why, shares)
		}
		b, err3 := json.Marshal(views)
		if err := errors.Join(err, err2, err3); err != nil || len(views) < 4 || strings.Contains(string(b), "null") {
			t.Errorf("%s: %v, %s", n.config.Name, err, b)
		}
	}
}

// Before and after an order, in words: signed or not, what changes and no more.
func TestPreviewSentences(t *testing.T) {
	w := newThree(t)
	limit := potluck.Size(4 * potluck.MiB)
	half := int64(500_000)
	for _, step := range []struct {
		change func(dry bool) (CreditPreview, error)
		want   string
	}{
		{func(dry bool) (CreditPreview, error) {
			return w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Limit: &limit, DryRun: dry})
		}, "of your 10 MiB of credit at host, 6 MiB are for you alone (before: 10 MiB); of your credit at host, friend may use up to 4 MiB (before: nothing)"},
		{func(dry bool) (CreditPreview, error) {
			return w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", DryRun: dry})
		}, "of your 10 MiB of credit at host, nothing is for you alone (before: 6 MiB); of your credit at host, friend may use up to 10 MiB (before: up to 4 MiB)"},
		{func(dry bool) (CreditPreview, error) {
			return w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Host: "host", SharePPM: &half, DryRun: dry})
		}, "of your 10 MiB of credit at host, 5 MiB are for you alone (before: nothing); of your credit at host, friend may use up to 5 MiB (before: up to 10 MiB); what it uses already stays charged to you until it is gone"},
		{func(dry bool) (CreditPreview, error) {
			return w.issuer.CreditRevoke(t.Context(), CreditRevokeRequest{To: "friend", DryRun: dry})
		}, "of your 10 MiB of credit at host, 10 MiB are for you alone (before: 5 MiB); of your credit at host, friend may use nothing (before: up to 5 MiB); what it uses already stays charged to you until it is gone"},
	} {
		for _, dry := range []bool{true, false} {
			v, err := step.change(dry)
			got, _, _ := strings.Cut(v.Sentence, "; signed as order")
			if err != nil || got != step.want || v.Signed == dry {
				t.Errorf("got  %q (dry run %v), %v\nwant %q", v.Sentence, dry, err, step.want)
			}
		}
	}
}

// A host that no pointer names and that is no friend hears of a refusal too.
func TestDeclineForAnyHost(t *testing.T) {
	w := newThree(t)
	limit := potluck.Size(potluck.MiB)
	if _, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Limit: &limit}); err != nil {
		t.Fatal(err)
	}
	w.free(t, potluck.MiB)
	w.reach(t)
	if _, err := w.friend.CreditDecline(t.Context(), CreditDeclineRequest{Issuer: "issuer"}); err != nil {
		t.Fatal(err)
	}
	w.free(t, 0)
	if _, err := w.friend.CreditDecline(t.Context(), CreditDeclineRequest{Issuer: "issuer", Undo: true}); err != nil {
		t.Fatal(err)
	}
	w.free(t, potluck.MiB)
}

func TestPointerEnds(t *testing.T) {
	w := newThree(t)
	limit := potluck.MiB
	_, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Host: "host", Limit: &limit, Until: w.clock.now().Add(5 * aDay).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	w.free(t, limit)
	w.clock.forward(6 * aDay)
	for _, n := range []*Node{w.issuer, w.host} {
		if err := n.tend.resigning.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		turn(t, n)
	}
	w.free(t, 0)
	if o, err := w.issuer.ownOrder(t.Context()); err != nil || o.Number != 2 || len(o.Pointers) != 0 {
		t.Fatalf("%+v, %v, want an order without the pointer", o, err)
	}
}

func TestOrdersAreSignedAgain(t *testing.T) {
	w := newThree(t)
	w.point(t, potluck.MiB)
	w.free(t, potluck.MiB)
	for week := range 8 {
		w.clock.forward(8 * aDay)
		if err := w.issuer.tend.resigning.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
		turn(t, w.issuer, w.host)
		o, err := w.issuer.ownOrder(t.Context())
		if err != nil || o.Number != uint64(week+2) || o.Previous == (potluck.Digest{}) {
			t.Fatalf("week %d: %+v, %v", week, o, err)
		}
		w.free(t, potluck.MiB)
	}
}

// The issuer is away for good; the host hears of its order from a mutual friend.
func TestOrderOfAnIssuerWhoIsAway(t *testing.T) {
	w := newThree(t)
	mutual, _ := start(t, config(t, "mutual"))
	befriend(t, w.issuer, mutual)
	for _, n := range []*Node{w.host, w.issuer} {
		n.tend.dialling.Pause()
	}
	eventually(t, "they lose each other", func() bool {
		w.host.host.Disconnect(w.issuer.self) // again: a dial may have been under way
		return !w.issuer.host.Connected(w.host.self) && !w.host.host.Connected(w.issuer.self)
	})
	limit := potluck.MiB
	p, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Host: "host", Limit: &limit})
	if err != nil || len(p.Waiting) == 0 {
		t.Fatalf("%+v, %v, want the host among those who wait", p, err)
	}
	eventually(t, "the mutual friend has it", func() bool {
		_, err := mutual.book.Document(t.Context(), signed.KindOrder, w.issuer.self, "")
		return err == nil
	})
	if err := w.issuer.Close(); err != nil {
		t.Fatal(err)
	}
	befriend(t, w.host, mutual)
	w.free(t, limit)
}

func TestCreditOutlivesRestarts(t *testing.T) {
	w := newThree(t)
	w.point(t, 2*potluck.MiB)
	w.free(t, 2*potluck.MiB)
	w.reach(t)
	_, used := store(t, w.friend, w.host, potluck.MiB)
	for _, name := range []string{"host", "friend", "issuer"} {
		n := map[string]**Node{"host": &w.host, "friend": &w.friend, "issuer": &w.issuer}[name]
		c := w.configs[name]
		c.Listen = (*n).sayAddrs() // its friends look for it where it was
		if err := (*n).Close(); err != nil {
			t.Fatal(err)
		}
		*n, _ = start(t, c)
	}
	w.free(t, 2*potluck.MiB-used)
	w.reach(t) // by what the books remember
	eventually(t, "the friend hears what it has at the host", func() bool {
		why, err := w.friend.Why(t.Context(), account(t, w.friend, w.host))
		return err == nil && why.Served.Known && why.Served.Held == used
	})
	clean(t, w.host)
}

// A node whose books are lost signs above what its friends remember.
func TestLostBooks(t *testing.T) {
	for _, early := range []bool{true, false} {
		w := newThree(t)
		w.point(t, potluck.MiB)
		w.point(t, 2*potluck.MiB)
		w.free(t, 2*potluck.MiB)
		if err := w.issuer.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(w.configs["issuer"].Data, "ledger")); err != nil {
			t.Fatal(err)
		}
		begun := w.configs["issuer"]
		begun.EmptyBooks = true
		w.issuer, _ = start(t, begun)
		if early { // it points before it heard of its former order
			if err := w.issuer.know(t.Context(), w.friend.self, []p2p.HostHint{{Peer: w.friend.self, Name: "friend"}}); err != nil {
				t.Fatal(err)
			}
			if err := w.issuer.know(t.Context(), w.host.self, []p2p.HostHint{{Peer: w.host.self, Name: "host"}}); err != nil {
				t.Fatal(err)
			}
			w.point(t, 3*potluck.MiB)
		}
		befriend(t, w.issuer, w.friend)
		befriend(t, w.issuer, w.host)
		if !early {
			eventually(t, "the order is taken up again", func() bool {
				o, err := w.issuer.ownOrder(t.Context())
				return err == nil && o.Number == 2
			})
			w.point(t, 3*potluck.MiB)
		}
		w.free(t, 3*potluck.MiB)
		if o, err := w.issuer.ownOrder(t.Context()); err != nil || o.Number != 3 {
			t.Fatalf("%+v, %v, want number 3", o, err)
		}
	}
}

func TestLoan(t *testing.T) {
	w := newThree(t)
	terms(t, w.issuer, w.friend, ledger.Terms{Gift: 3 * potluck.MiB})
	lend := func(limit potluck.Size) error {
		_, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", Host: "host", Limit: &limit, Loan: true})
		return err
	}
	var r *potluck.Refusal
	if err := lend(4 * potluck.MiB); !errors.As(err, &r) || r.Short != potluck.MiB {
		t.Fatalf("a loan of more than the friend has here: %v", err)
	}
	if err := lend(2 * potluck.MiB); err != nil {
		t.Fatal(err)
	}
	w.free(t, 2*potluck.MiB)
	if v := creditOf(t, w.issuer, w.friend); v.Loans != 2*potluck.MiB || v.Free != potluck.MiB {
		t.Fatalf("%+v, want the loan among what the friend has here", v)
	}
	if err := lend(3 * potluck.MiB); err != nil { // only what is more must be covered
		t.Fatal(err)
	}
	if _, err := w.issuer.CreditRevoke(t.Context(), CreditRevokeRequest{To: "friend"}); err != nil {
		t.Fatal(err)
	}
	if v := creditOf(t, w.issuer, w.friend); v.Loans != 0 || v.Free != 3*potluck.MiB {
		t.Fatalf("%+v, want no loan any more", v)
	}
}

func TestHousehold(t *testing.T) {
	w := newThree(t)
	befriend(t, w.host, w.friend)
	v, err := w.host.SetHousehold(t.Context(), HouseholdRequest{Label: "hilltop", Members: []string{"issuer"}})
	if err != nil || len(v.Members) != 1 || v.Members[0].Mutual {
		t.Fatalf("%+v, %v", v, err)
	}
	if a := account(t, w.host, w.issuer); a.Terms.Gift == potluck.MaxSize {
		t.Fatal("one word made a household")
	}
	if _, err := w.issuer.SetHousehold(t.Context(), HouseholdRequest{Label: "hilltop", Members: []string{"host"}}); err != nil {
		t.Fatal(err)
	}
	for _, n := range [][2]*Node{{w.host, w.issuer}, {w.issuer, w.host}} {
		eventually(t, "both give all to each other", func() bool { return account(t, n[0], n[1]).Terms.Gift == potluck.MaxSize })
	}
	if v, err = w.host.Household(t.Context()); err != nil || !v.Members[0].Mutual || len(v.Named) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	// A friend of both sees one place.
	eventually(t, "the friend sees one household", func() bool {
		places, err := (*hosts)(w.friend).Hosts(t.Context())
		return err == nil && len(places) == 2 && places[0].Household != "" && places[0].Household == places[1].Household
	})
	if _, err := w.issuer.SetHousehold(t.Context(), HouseholdRequest{Leave: true}); err != nil {
		t.Fatal(err)
	}
	for _, n := range [][2]*Node{{w.host, w.issuer}, {w.issuer, w.host}} {
		eventually(t, "the gifts end", func() bool { return account(t, n[0], n[1]).Terms.Gift == 0 })
	}
	eventually(t, "the friend sees two places", func() bool {
		places, err := (*hosts)(w.friend).Hosts(t.Context())
		return err == nil && places[0].Household == "" && places[1].Household == ""
	})
}

func TestBadPointers(t *testing.T) {
	w := newThree(t)
	befriend(t, w.host, w.friend)
	minus, much := potluck.Size(-1), int64(1_000_001)
	if _, err := w.issuer.SetDenied(t.Context(), account(t, w.issuer, w.friend), true); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]CreditToRequest{
		"to oneself":          {To: w.issuer.self.String()},
		"to one's own name":   {To: w.issuer.config.Name},
		"at oneself":          {To: "host", Host: w.issuer.config.Name},
		"to nobody known":     {To: "zoe"},
		"at nobody known":     {To: "host", Host: "zoe"},
		"at the beneficiary":  {To: "host", Host: "host"},
		"over 100 %":          {To: "host", SharePPM: &much},
		"below 0":             {To: "host", Limit: &minus},
		"to a denied peer":    {To: "friend", Host: "host"},
		"with an end in past": {To: "host", Until: 1},
		"a loan of anything":  {To: "host", Loan: true},
	} {
		_, err := w.issuer.CreditTo(t.Context(), r)
		var usage *files.UsageError
		var missing *NotFoundError
		if !errors.As(err, &usage) && !errors.As(err, &missing) {
			t.Errorf("%s: %v, want a clear no", name, err)
		}
		if (missing != nil) != strings.Contains(name, "nobody known") || strings.Contains(err.Error(), "not a valid document") {
			t.Errorf("%s: %v: not the right kind of no", name, err)
		}
	}
	if _, err := w.issuer.CreditRevoke(t.Context(), CreditRevokeRequest{To: "host"}); err == nil {
		t.Error("revoked what isn't there")
	}
	if _, err := w.issuer.RepayVia(t.Context(), RepayViaRequest{Node: "host"}); err == nil {
		t.Error("a repay order without consent was signed")
	}
	if _, err := w.issuer.WorkFor(t.Context(), WorkForRequest{Peer: "host", Off: true}); err == nil {
		t.Error("ended a consent that isn't there")
	}
	for _, kind := range []signed.Kind{signed.KindOrder, signed.KindRepay} {
		if _, err := w.issuer.book.Document(t.Context(), kind, w.issuer.self, ""); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("something was signed: %v", err)
		}
	}
}

// A pointer for any host brings the beneficiary to where the issuer has credit.
func TestPointerForAnyHost(t *testing.T) {
	w := newThree(t)
	eventually(t, "the issuer knows what it has at the host", func() bool { return w.issuer.heard.of(w.host.self).account.Supply == 10*potluck.MiB || w.ask(t) })
	share := int64(250_000)
	if _, err := w.issuer.CreditTo(t.Context(), CreditToRequest{To: "friend", SharePPM: &share}); err != nil {
		t.Fatal(err)
	}
	w.free(t, 5*potluck.MiB/2)
	w.reach(t)
	store(t, w.friend, w.host, potluck.MiB)
	if _, _, err := tryStore(t, w.friend, w.host, 2*potluck.MiB); err == nil {
		t.Fatal("more than the share was taken")
	}
}

// ask has the issuer ask the host how it stands there.
func (w *three) ask(t *testing.T) bool {
	_, err := w.issuer.ask(t.Context(), w.host.self, 0)
	return err != nil
}

func TestTermsReachTheFriend(t *testing.T) {
	owner, host := pair(t)
	terms(t, host, owner, ledger.Terms{Gift: 7})
	owner.post.met(host.self)
	eventually(t, "the owner knows the new terms", func() bool { return account(t, owner, host).Theirs == ledger.Terms{Gift: 7} })
}
