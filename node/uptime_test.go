package node

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/credit"
)

func TestWouldKnow(t *testing.T) {
	for _, c := range []struct {
		here, friends int
		networked     bool
		want          bool
	}{
		{1, 1, false, true}, {1, 50, true, true}, // whoever sees somebody is online
		{0, 1, true, true}, {0, 3, true, true}, // a few friends may all be away
		{0, 4, true, false}, {0, 50, true, false}, // not so many
		{0, 1, false, false}, {0, 0, true, false},
	} {
		if got := wouldKnow(c.here, c.friends, c.networked); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The next look lies in the next window, wherever in this one it is now.
func TestNextLook(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 1<<36).Draw(r, "now"), rapid.Int64Range(0, 1e9-1).Draw(r, "nanoseconds"))
		into := rapid.Int64Range(0, ledger.WindowSeconds-1).Draw(r, "into")
		at := now.Add(nextLook(now, into))
		if windowOf(at.Unix()) != windowOf(now.Unix())+1 || at.Unix()%ledger.WindowSeconds != into {
			r.Fatalf("from %v to %v", now, at)
		}
	})
}

// looks lets a node look in so many windows.
func looks(t *testing.T, n *Node, at *clock, windows int) {
	t.Helper()
	for range windows {
		at.forward(ledger.WindowSeconds * time.Second)
		if err := n.presence.cycle.TriggerWait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func deedsOf(t *testing.T, n *Node, p peer.ID) (sum ledger.Deeds) {
	t.Helper()
	days, err := n.book.History(t.Context(), p, 0, n.Today())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		sum = sum.Plus(d.Deeds)
	}
	return sum
}

func TestPresenceIsCountedInWindows(t *testing.T) {
	a := startAudited(t, 1)
	a.owner.audit.cycle.Pause()
	looks(t, a.owner, a.at, 3)
	if err := a.owner.presence.cycle.TriggerWait(t.Context()); err != nil { // again in the same window
		t.Fatal(err)
	}
	d := deedsOf(t, a.owner, a.host.self)
	if d.Of != 3 || d.Seen != 3 || d.Earned != 3*int64(a.charge) || d.Held != 0 {
		t.Errorf("after three windows %+v, want 3 of 3 and 3 × %d earned", d, a.charge)
	}
	if d.Out < 700<<10 || d.In < 100 {
		t.Errorf("%d bytes went and %d came, 700 KiB were put", d.Out, d.In)
	}
	a.leave()
	eventually(t, "apart", func() bool { return !a.owner.host.Connected(a.host.self) })
	looks(t, a.owner, a.at, 2)
	more := deedsOf(t, a.owner, a.host.self)
	if networked() && more.Of != 5 || more.Seen != 3 || more.Earned != 5*int64(a.charge) {
		t.Errorf("after two windows apart %+v, networked: %v", more, networked())
	}
}

// What was moved since the last look is booked at the stop.
func TestTheLastPartOfAWindowIsBooked(t *testing.T) {
	host, _ := start(t, config(t, "host"))
	c := config(t, "owner")
	owner, stop := start(t, c)
	befriend(t, host, owner)
	store(t, owner, host, 300*potluck.KiB)
	stop()
	owner, _ = start(t, c)
	if d := deedsOf(t, owner, host.self); d.Out < 300<<10 {
		t.Errorf("%+v, 300 KiB were put", d)
	}
}

// Absence is what this node saw of it: windows, not calls and not its own time off.
func TestAbsenceIsCountedInWindows(t *testing.T) {
	a := startAudited(t, 1)
	a.owner.audit.cycle.Pause()
	a.leave()
	eventually(t, "apart", func() bool { return !a.owner.host.Connected(a.host.self) })
	if err := a.owner.tend.meeting.TriggerWait(t.Context()); err != nil { // its going is a sighting too
		t.Fatal(err)
	}
	facts := func() credit.Facts {
		u, err := a.owner.book.Usage(t.Context(), a.host.self)
		if err != nil {
			t.Fatal(err)
		}
		f, err := a.owner.judge.facts(t.Context(), account(t, a.owner, a.host), u, a.at.now().Unix())
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a.at.forward(60 * 24 * time.Hour)
	if f := facts(); f.AbsentSince != 0 {
		t.Errorf("absent since %d, though this node looked nowhere", f.AbsentSince)
	}
	today := a.owner.Today()
	for day := today - 39; day <= today; day++ {
		if err := a.owner.book.Record(t.Context(), []ledger.Past{{Peer: a.host.self, Day: day, Deeds: ledger.Deeds{Of: 96}}}); err != nil {
			t.Fatal(err)
		}
	}
	if f := facts(); a.at.now().Unix()-f.AbsentSince < 40*daySeconds-60 || a.at.now().Unix()-f.AbsentSince > 40*daySeconds+60 {
		t.Errorf("absent for %d s, want 40 days", a.at.now().Unix()-f.AbsentSince)
	}
	turn(t, a.owner)
	if s := account(t, a.owner, a.host).Standing; s.Step != credit.StepReminded {
		t.Errorf("standing %+v", s)
	}
}

func TestHistoryIsShown(t *testing.T) {
	n, _ := start(t, config(t, "node"))
	if err := n.book.Know(t.Context(), "host", "", nil); err != nil {
		t.Fatal(err)
	}
	a, err := n.book.Account(t.Context(), "host")
	if err != nil {
		t.Fatal(err)
	}
	today := n.Today()
	for i := range int64(3) {
		if err := n.book.Record(t.Context(), []ledger.Past{{Peer: "host", Day: today - i, Deeds: ledger.Deeds{In: 1, Of: 4, Seen: i}}}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := n.History(t.Context(), a, today-1, today)
	if err != nil || len(v.Days) != 2 || v.Sum.In != 2 || v.UptimePPM != 125_000 || v.To != dateOf(today) || v.Days[0].Date != dateOf(today-1) {
		t.Errorf("%+v, %v", v, err)
	}
	for _, span := range [][2]int64{{today, today - 1}, {today - ledger.HistoryDays, today}} {
		if _, err := n.History(t.Context(), a, span[0], span[1]); err == nil {
			t.Errorf("%v was taken", span)
		}
	}
	for _, text := range []string{"", "2026-13-01", "1969-12-31", "2026-1-1"} {
		if _, err := ParseDay(text); err == nil {
			t.Errorf("%q is no day", text)
		}
	}
	if day, err := ParseDay("2026-01-31"); err != nil || dateOf(day) != "2026-01-31" {
		t.Error(day, err)
	}
}

// What an invoice counts is what the paid term covered when it was kept, whatever
// the term is now.
func TestPaidWindowsFollowTheTerms(t *testing.T) {
	owner, host := pair(t)
	_, charge := store(t, owner, host, 700*potluck.KiB)
	end := host.config.Clock().Add(time.Hour).Unix()
	want := ledger.Deeds{}
	day := func() ledger.Deeds {
		t.Helper()
		v, err := host.History(t.Context(), account(t, host, owner), host.Today(), host.Today())
		if err != nil {
			t.Fatal(err)
		}
		return v.Sum
	}
	for _, paid := range []potluck.Size{0, charge / 2, 9 * charge, 0} {
		if _, err := host.SetTerms(t.Context(), account(t, host, owner), TermsChange{Paid: &paid, PaidUntil: &end}); err != nil {
			t.Fatal(err)
		}
		before := day()
		if err := host.presence.look(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		got := day()
		want.Paid += int64(min(paid, charge))
		if got.Held-before.Held != int64(charge) || got.Paid != want.Paid {
			t.Errorf("paid %v: %d of %d byte-windows, want %d", paid, got.Paid, got.Held, want.Paid)
		}
	}
}
