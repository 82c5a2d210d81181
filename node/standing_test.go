package node

import (
	"errors"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/p2p"
)

const aDay = 24 * time.Hour

// ladder is a host and an owner on one clock; the owner has some files there
// that nothing covers any more.
type ladder struct {
	clock       *clock
	owner, host *Node
	held        potluck.Size
	files       []content
}

func newLadder(t *testing.T, change func(*Config)) *ladder {
	t.Helper()
	l := &ladder{clock: &clock{}}
	for _, n := range []**Node{&l.owner, &l.host} {
		c := config(t, map[bool]string{true: "owner", false: "host"}[n == &l.owner])
		c.Clock = l.clock.now
		if change != nil {
			change(&c)
		}
		*n, _ = start(t, c)
	}
	befriend(t, l.host, l.owner)
	for range 3 {
		c := makeContent(t, 1<<20)
		c.put(t, l.owner, l.host)
		l.files = append(l.files, c)
		l.clock.forward(time.Minute) // so that one is the newest
	}
	l.held = creditOf(t, l.host, l.owner).Held
	return l
}

// step lets days pass and evaluates, and checks where the owner stands then.
func (l *ladder) step(t *testing.T, days int, want credit.Step) credit.Standing {
	t.Helper()
	l.clock.forward(time.Duration(days) * aDay)
	if _, err := l.owner.host.Renew(t.Context(), l.host.self, p2p.RenewRequest{Until: l.clock.now().Add(60 * aDay).Unix()}); err != nil {
		t.Fatalf("renew: %v", err)
	}
	turn(t, l.host)
	s := account(t, l.host, l.owner).Standing
	if s.Step != want {
		t.Fatalf("after %d more days the standing is %v (%+v), want %v", days, s.Step, s, want)
	}
	// The owner was told of it at once.
	if s.Told != want || s.ToldAt < s.Since {
		t.Fatalf("at %v it was told of %v at %d, want at least %d", want, s.Told, s.ToldAt, s.Since)
	}
	v, err := l.owner.Standing(t.Context(), account(t, l.owner, l.host))
	if err != nil || v.Theirs.Step != want.String() {
		t.Fatalf("the owner sees %+v, %v, want %v", v.Theirs, err, want)
	}
	l.files[0].checkRead(t, l.owner, l.host) // reads go on at every step
	return s
}

// refused checks the code with which an ask is refused.
func (l *ladder) refused(t *testing.T, bytes potluck.Size, want potluck.Code) {
	t.Helper()
	q, err := l.owner.host.Quote(t.Context(), l.host.self, p2p.QuoteRequest{Bytes: bytes})
	if err != nil || q.Refusal == nil || q.Refusal.Code != want {
		t.Fatalf("quote of %v: %+v, %v, want %v", bytes, q, err, want)
	}
}

func TestLadder(t *testing.T) {
	l := newLadder(t, nil)
	l.step(t, 0, credit.StepGood)
	terms(t, l.host, l.owner, ledger.Terms{RatioPPM: 1_000_000})
	if s := l.step(t, 0, credit.StepReminded); s.Short != l.held || s.Breach == 0 {
		t.Fatalf("%+v, want all of %v short", s, l.held)
	}
	l.step(t, 2, credit.StepReminded)
	l.step(t, 1, credit.StepSlowed)
	l.step(t, 3, credit.StepSlowed)
	l.step(t, 1, credit.StepFrozen)
	l.refused(t, 1, potluck.CodeFrozen)
	s := l.step(t, 30, credit.StepFrozen) // without the operator's word it stays
	if _, at := s.Next(l.host.policy()); at != 0 {
		t.Fatalf("the next step comes at %d by itself", at)
	}
	if _, err := l.host.SetStanding(t.Context(), account(t, l.host, l.owner), StandingChange{Word: true}); err != nil {
		t.Fatal(err)
	}
	l.step(t, 0, credit.StepNotice)
	wantHeld(t, l.host, l.owner, l.held, 0)
	l.step(t, 0, credit.StepEvicting) // its delay is long over, and it was told
	one := l.held / 3
	wantHeld(t, l.host, l.owner, l.held-one, 0) // one share at least, and the newest
	l.step(t, 0, credit.StepEvicting)
	wantHeld(t, l.host, l.owner, l.held-one, 0) // once a day
	l.files[1].checkRead(t, l.owner, l.host)
	l.step(t, 1, credit.StepEvicting)
	wantHeld(t, l.host, l.owner, l.held-2*one, 0)
	// A gift cures it at once.
	terms(t, l.host, l.owner, ledger.Terms{Gift: potluck.GiB})
	if s := l.step(t, 0, credit.StepGood); s.Breach != 0 || s.Word {
		t.Fatalf("cured, and %+v", s)
	}
	l.files[0].checkRead(t, l.owner, l.host)
	clean(t, l.host)
}

func TestEvictAuto(t *testing.T) {
	l := newLadder(t, func(c *Config) { c.Evict = true })
	terms(t, l.host, l.owner, ledger.Terms{})
	for _, s := range []struct {
		days int
		want credit.Step
	}{{0, credit.StepReminded}, {3, credit.StepSlowed}, {4, credit.StepFrozen}, {7, credit.StepNotice}, {15, credit.StepNotice}, {1, credit.StepEvicting}} {
		l.step(t, s.days, s.want)
	}
}

func TestNobodyClimbsUntold(t *testing.T) {
	l := newLadder(t, nil)
	l.host.host.Disconnect(l.owner.self)
	l.owner.tend.dialling.Pause()
	l.host.tend.dialling.Pause()
	eventually(t, "they lose each other", func() bool { return !l.host.host.Connected(l.owner.self) })
	terms(t, l.host, l.owner, ledger.Terms{})
	for range 3 {
		turn(t, l.host)
		l.clock.forward(5 * aDay)
	}
	if s := account(t, l.host, l.owner).Standing; s.Step != credit.StepReminded || s.Told == credit.StepReminded {
		t.Fatalf("%+v, want reminded and not told", s)
	}
	if err := l.owner.host.Connect(t.Context(), l.host.self, account(t, l.owner, l.host).Addrs); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is told when it comes", func() bool { return told(account(t, l.host, l.owner).Standing) })
	turn(t, l.host)
	if s := account(t, l.host, l.owner).Standing; s.Step != credit.StepSlowed {
		t.Fatalf("%+v, want slowed", s)
	}
}

func TestPardonAndPin(t *testing.T) {
	l := newLadder(t, nil)
	terms(t, l.host, l.owner, ledger.Terms{})
	l.step(t, 0, credit.StepReminded)
	a := account(t, l.host, l.owner)
	frozen, wrong := "frozen", "melted"
	v, err := l.host.SetStanding(t.Context(), a, StandingChange{Pin: &frozen})
	if err != nil || v.Mine.Step != frozen || !v.Mine.Pinned {
		t.Fatalf("pin: %+v, %v", v, err)
	}
	l.step(t, 40, credit.StepFrozen)
	l.refused(t, 1, potluck.CodeFrozen)
	if v, err = l.host.SetStanding(t.Context(), a, StandingChange{Unpin: true}); err != nil || v.Mine.Pinned {
		t.Fatalf("unpin: %+v, %v", v, err)
	}
	terms(t, l.host, l.owner, ledger.Terms{Gift: l.held})
	l.step(t, 0, credit.StepGood)
	terms(t, l.host, l.owner, ledger.Terms{})
	first := l.step(t, 1, credit.StepReminded)
	if v, err = l.host.Pardon(t.Context(), a); err != nil || v.Mine.Step != "good" {
		t.Fatalf("pardon: %+v, %v", v, err)
	}
	if s := l.step(t, 5, credit.StepReminded); s.Breach <= first.Breach {
		t.Fatalf("the breach of %d goes on after a pardon: %+v", first.Breach, s)
	}
	var usage *files.UsageError
	for _, c := range []StandingChange{{}, {Pin: &wrong}, {Pin: &frozen, Unpin: true}} {
		if _, err := l.host.SetStanding(t.Context(), a, c); !errors.As(err, &usage) {
			t.Errorf("%+v: %v, want a usage error", c, err)
		}
	}
}

func TestStandingOutlivesARestart(t *testing.T) {
	k := &clock{}
	hc, oc := config(t, "host"), config(t, "owner")
	hc.Clock, oc.Clock = k.now, k.now
	host, stop := start(t, hc)
	owner, _ := start(t, oc)
	befriend(t, host, owner)
	makeContent(t, 1000).put(t, owner, host)
	terms(t, host, owner, ledger.Terms{})
	turn(t, host)
	before := account(t, host, owner).Standing
	if before.Step != credit.StepReminded || !told(before) {
		t.Fatalf("%+v, want reminded and told", before)
	}
	stop()
	host, _ = start(t, hc)
	if after := account(t, host, owner).Standing; after != before {
		t.Fatalf("after the restart %+v, want %+v", after, before)
	}
	k.forward(3 * aDay)
	turn(t, host)
	if s := account(t, host, owner).Standing; s.Step != credit.StepSlowed {
		t.Fatalf("%+v, want slowed", s)
	}
}

func TestNoticeOutlivesARestart(t *testing.T) {
	host, stopHost := start(t, config(t, "host"))
	c := config(t, "owner")
	owner, stop := start(t, c)
	befriend(t, host, owner)
	makeContent(t, 1000).put(t, owner, host)
	terms(t, host, owner, ledger.Terms{})
	eventually(t, "the owner is told", func() bool {
		s := account(t, host, owner).Standing
		return s.Breach != 0 && told(s)
	})
	stop()
	stopHost() // it can't be asked any more
	owner, _ = start(t, c)
	v, err := owner.Standing(t.Context(), account(t, owner, host))
	if err != nil || !v.Theirs.Known || v.Theirs.Step != "reminded" || v.Theirs.Reason == "" || v.Theirs.Short == 0 || v.Theirs.AsOf == 0 {
		t.Fatalf("%+v, %v, want what the host told before", v.Theirs, err)
	}
}
