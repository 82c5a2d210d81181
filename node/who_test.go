package node

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/shares"
)

func TestFiguresAreSumsOfRows(t *testing.T) {
	owner, host := pair(t)
	var want Holding
	for _, size := range sizes {
		c := makeContent(t, size)
		c.put(t, owner, host)
		want = want.plus(Holding{Bytes: shares.Charge(c.layout), Shares: 1})
	}
	c := makeContent(t, 10)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	want = want.plus(Holding{Reserved: shares.Charge(c.layout), ReservedShares: 1})
	w, err := host.Who(t.Context())
	if err != nil || len(w.Rows) != 1 {
		t.Fatalf("who: %+v, %v", w, err)
	}
	if w.Rows[0].IHold != want || w.Totals.IHold != want || w.Me.Held != want.Bytes || w.Me.Reserved != want.Reserved {
		t.Fatalf("who says %+v, %+v and %v, want %+v", w.Rows[0].IHold, w.Totals, w.Me.Held, want)
	}
	if free := potluck.GiB - want.Bytes - want.Reserved; w.Rows[0].Free != free || w.Me.Room != free {
		t.Errorf("free %d and room %d, want %d", w.Rows[0].Free, w.Me.Room, free)
	}
	a, err := host.Resolve(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	s, err := host.Shares(t.Context(), a, SharesPart{})
	if err != nil || s.Sums.IHold != want || len(s.IHold) != len(sizes)+1 {
		t.Fatalf("the rows sum to %+v, %v, want %+v", s.Sums, err, want)
	}
	dry, err := host.Evict(t.Context(), a, true)
	if err != nil || dry.Freed != want.Bytes+want.Reserved {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	if again, err := host.Who(t.Context()); err != nil || again.Totals != w.Totals {
		t.Fatalf("a dry run changed something: %+v, %v", again.Totals, err)
	}
}

func TestReasons(t *testing.T) {
	carol, dave := Party{Name: "carol"}, Party{Name: "dave"}
	you := Party{Name: "you"}
	for want, s := range map[string]serving{
		"bob is a friend and may use 1 GiB as an opening":                     {Friend: true, ServeView: ServeView{Opening: 1 << 30}},
		"bob is a friend and may use 2 GiB as a gift and 1 GiB as an opening": {Friend: true, ServeView: ServeView{Gift: 2 << 30, Opening: 1 << 30}},
		"bob is a friend and may use 3 KiB that it holds for you":             {Friend: true, ServeView: ServeView{RatioPPM: 1e6, EarnedFor: []EarnedFor{{you, 3 << 10}}}},
		"bob is a friend and may use 3 KiB that it holds for you, times 0.5":  {Friend: true, ServeView: ServeView{RatioPPM: 5e5, EarnedFor: []EarnedFor{{you, 3 << 10}}}},
		"bob is a friend and may use 3 KiB that it holds for carol":           {Friend: true, ServeView: ServeView{RatioPPM: 1e6, EarnedFor: []EarnedFor{{carol, 3 << 10}}}},
		"bob is a friend and may use 5 B paid until 2001-09-09":               {Friend: true, ServeView: ServeView{Paid: 5, PaidUntil: 1e9 + 1}},
		"bob is a friend without any terms: nothing is taken from it":         {Friend: true},
		"bob is denied: nothing new is taken, what is held stays and can be read": {Friend: true, Denied: true,
			ServeView: ServeView{Opening: 1 << 30}},
		"bob is of your household and may use any amount as a gift": {Friend: true, Household: true, ServeView: ServeView{Gift: potluck.MaxSize}},
		"bob is no friend, but may use 7 B that carol points to it": {
			ServeView: ServeView{Sponsored: true, In: []FlowView{{carol, 3, 7, false}}}},
		"bob is no friend, but may use 3 B that carol points to it no longer, as long as it uses them; 2 B of what it has here isn't covered; its standing is reminded": {
			Step: "reminded", ServeView: ServeView{Sponsored: true, Held: 5, Short: 2, In: []FlowView{{carol, 3, 3, true}}}},
		"bob is a friend and may use 9 B as a gift, 4 B as an opening and 7 B that carol points to it": {Friend: true,
			ServeView: ServeView{Gift: 9, Opening: 4, In: []FlowView{{carol, 0, 7, false}}}},
		"bob is a friend and may use 9 B as a gift; it points credit to carol and dave": {Friend: true,
			ServeView: ServeView{Gift: 9, Out: []FlowView{{carol, 1, 2, false}, {dave, 0, 2, false}}}},
		"bob is no friend any more: nothing new is taken, what is held stays until it is evicted": {ServeView: ServeView{Held: 5}},
		"bob is no friend, and no friend points credit to it: nothing is taken from it":           {},
	} {
		s.Name = "bob"
		if got := s.reason(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestResolve(t *testing.T) {
	ids := make([]peer.ID, 3)
	for i, text := range []string{"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq", "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5", "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq"} {
		var err error
		if ids[i], err = peer.Decode(text); err != nil {
			t.Fatal(err)
		}
	}
	all := []ledger.Account{{Peer: ids[0], Name: "bob"}, {Peer: ids[1], Name: "bobby"}, {Peer: ids[2], Name: "carol"}}
	for text, want := range map[string]peer.ID{"bob": ids[0], "bobb": ids[1], "c": ids[2], ids[1].String(): ids[1], "12D3KooWJ": ids[2]} {
		if a, err := resolve(all, text); err != nil || a.Peer != want {
			t.Errorf("%q is %v, %v", text, a.Name, err)
		}
	}
	var usage *files.UsageError
	for _, text := range []string{"bo", "12D3", ""} {
		if _, err := resolve(all, text); !errors.As(err, &usage) {
			t.Errorf("%q: %v, want a usage error", text, err)
		}
	}
	if _, err := resolve(all, "bo"); !strings.Contains(err.Error(), "bobby ("+ids[1].String()+")") {
		t.Errorf("the candidates aren't named: %v", err)
	}
	var missing *NotFoundError
	if _, err := resolve(all, "dave"); !errors.As(err, &missing) {
		t.Errorf("dave: %v, want not found", err)
	}
}

func TestTermsChange(t *testing.T) {
	owner, host := pair(t)
	a, err := host.Resolve(t.Context(), "owner")
	if err != nil {
		t.Fatal(err)
	}
	zero := potluck.Size(0)
	ppm := int64(0)
	got, err := host.SetTerms(t.Context(), a, TermsChange{Opening: &zero, RatioPPM: &ppm})
	if err != nil || got.Terms != (ledger.Terms{}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := makeContent(t, 1).allocate(t.Context(), owner, host); !isRefusal(err) {
		t.Fatalf("without terms: %v", err)
	}
	minus := potluck.Size(-1)
	if _, err := host.SetTerms(t.Context(), a, TermsChange{Gift: &minus}); err == nil {
		t.Fatal("a negative gift was taken")
	}
	paid, past := potluck.Size(5), int64(1e9)
	for _, c := range []TermsChange{{Paid: &paid}, {Paid: &paid, PaidUntil: &past}} {
		var usage *files.UsageError
		if _, err := host.SetTerms(t.Context(), a, c); !errors.As(err, &usage) || strings.Contains(err.Error(), "update an account") {
			t.Errorf("%+v: %v, want what is wrong and no more", c, err)
		}
	}
}

func TestClockDrift(t *testing.T) {
	at := time.Now()
	d := drift{wall: at, running: at}
	if _, jumped := d.look(at.Add(time.Minute), at.Add(time.Minute)); jumped {
		t.Error("a steady clock jumped")
	}
	if by, jumped := d.look(at.Add(26*time.Hour), at.Add(2*time.Minute)); !jumped || by < 25*time.Hour {
		t.Errorf("a day ahead: %v, %v", by, jumped)
	}
	if by, jumped := d.look(at, at.Add(3*time.Minute)); !jumped || by > -25*time.Hour {
		t.Errorf("and back: %v, %v", by, jumped)
	}
}

func TestRetries(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: firstRetry, 1: 2 * firstRetry, 3: 8 * firstRetry, 1000: lastRetry} {
		if low, high := retryAfter(failures, 0), retryAfter(failures, 1); low != want/2 || high != want+want/2 {
			t.Errorf("after %d failures: %v to %v, want about %v", failures, low, high, want)
		}
	}
}

func TestFriendsFindEachOtherAgain(t *testing.T) {
	alice, _ := start(t, config(t, "alice"))
	c := config(t, "bob")
	bob, stop := start(t, c)
	befriend(t, alice, bob)
	stop()
	bob, _ = start(t, c) // on another port
	if err := bob.tend.dialling.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bob.host.Connected(alice.self) {
		t.Fatal("bob didn't dial alice after the start")
	}
	makeContent(t, 10).put(t, alice, bob)
}

// A long list comes in parts that are the whole together; their sums are those
// of all.
func TestSharesInParts(t *testing.T) {
	owner, host := pair(t)
	for range 5 {
		store(t, owner, host, 4*potluck.KiB)
	}
	a := account(t, host, owner)
	whole, err := host.Shares(t.Context(), a, SharesPart{})
	if err != nil || len(whole.IHold) != 5 || whole.More {
		t.Fatalf("%d rows, more: %v, %v", len(whole.IHold), whole.More, err)
	}
	var rows []HeldRow
	for part := (SharesPart{Side: "held", Limit: 2}); ; {
		s, err := host.Shares(t.Context(), a, part)
		if err != nil || s.Sums != whole.Sums || len(s.HoldsForMe) != 0 {
			t.Fatalf("%+v, %v", s, err)
		}
		rows = append(rows, s.IHold...)
		if !s.More {
			break
		}
		part.After = rows[len(rows)-1].Share
	}
	if !slices.Equal(rows, whole.IHold) {
		t.Errorf("in parts %v, whole %v", rows, whole.IHold)
	}
	for _, bad := range []SharesPart{{Side: "both"}, {Limit: -1}, {After: rows[0].Share}} {
		if _, err := host.Shares(t.Context(), a, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
