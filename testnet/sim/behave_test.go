package sim

import (
	"context"
	"errors"
	"testing"
	"time"

	"potluck"
	"potluck/ledger/credit"
)

func figure(t *testing.T, s Summary, name string) float64 {
	t.Helper()
	v, ok := s.Get(name)
	if !ok {
		t.Fatalf("there is no figure %q", name)
	}
	return v
}

// steady is a friendnet that nothing happens to.
func steady(n, days int) Scenario {
	s := home(n, days)
	s.Groups[0].Uptime, s.Groups[0].DiskDeath, s.Groups[0].Leave, s.Groups[0].Growth = Uptime{}, 0, 0, 0
	return s
}

// Every strategy under every policy, each book checked after every event; and
// nobody gains more than CREDIT.md, section 10, 10 allows. (No disk of a home dies: who
// loses its data takes it back from those who held it, too, and is owed the more.)
func TestNobodyGainsMoreThanTheBound(t *testing.T) {
	for _, strategy := range strategies[1:] {
		for _, policy := range []string{"pairwise", "pointers", "loans", "routed"} {
			if honest(strategy) && policy != "loans" {
				continue
			}
			s := home(10, 50)
			s.Groups[0].Leave, s.Groups[0].DiskDeath, s.Groups[0].Demand = 0, 0, 15*potluck.GiB
			bad := s.Groups[0]
			bad.Name, bad.Count, bad.Strategy = "bad", 3, strategy
			s.Groups = append(s.Groups, bad)
			s.Policy.Reciprocity, s.Topology.Degree = policy, 6
			s.Policy.Ladder = credit.DefaultPolicy()
			s.Policy.Ladder.EvictAuto = strategy == Liar
			sum, _ := run(t, s, 0)
			gain := figure(t, sum, "gain_of_bound:bad")
			if !honest(strategy) && policy != "routed" && (gain > 1 || strategy == FreeRider && gain < 0.3) {
				t.Errorf("%s under %s gain %.3f of the bound", strategy, policy, gain)
			}
		}
	}
}

// A pair trusts each other with three units each way. Direct asks fail a seventh
// of the time; over friends that are paid back nearly none does.
func TestLiquidity(t *testing.T) {
	served := func(policy string, hops int) (mean float64) {
		for r := range 2 {
			s := Scenario{Name: "hops", Seed: 3, Days: 12, MaxHops: hops, Check: r == 0,
				Groups:   []Group{{Name: "homes", Count: 20, Capacity: potluck.TiB}},
				Topology: Topology{Kind: "erdos-renyi", Degree: 6},
				Policy:   Policy{Reciprocity: policy, Opening: 3 * potluck.GiB},
				Workload: Workload{Kind: "pairs", Unit: potluck.GiB, PerDay: 10}}
			sum, _ := run(t, s, r)
			mean += figure(t, sum, "served") / 2
		}
		return mean
	}
	for _, c := range []struct {
		policy    string
		hops      int
		low, high float64
	}{{"routed", 0, 0.22, 0.33}, {"routed", 1, 0.72, 0.87}, {"routed", 2, 0.87, 0.97}, {"loans", 1, 0.12, 0.30}} {
		if got := served(c.policy, c.hops); got < c.low || got > c.high {
			t.Errorf("%s over %d friends: %.2f of the asks are taken, want %.2f to %.2f", c.policy, c.hops, got, c.low, c.high)
		}
	}
}

// Servers with other keys earn for their people by pointers only.
func TestSplitKeys(t *testing.T) {
	for _, c := range []struct {
		policy    string
		low, high float64
	}{{"none", 1, 1}, {"pairwise", 0, 0.15}, {"pointers", 0.9, 1}} {
		s := steady(8, 60)
		s.Groups[0].SplitKeys, s.Groups[0].CapacitySigma, s.Groups[0].DemandSigma = 1, 0, 0
		s.Policy.Reciprocity, s.Topology = c.policy, Topology{Kind: "complete"}
		sum, _ := run(t, s, 0)
		if got := figure(t, sum, "served"); got < c.low || got > c.high {
			t.Errorf("%s: %.2f served, want %.2f to %.2f", c.policy, got, c.low, c.high)
		}
	}
}

// A disk dies and isn't replaced: the account goes up the ladder a step at a time,
// and is evicted only if the policy says so; service makes that later.
func TestDiskDiesLadderClimbs(t *testing.T) {
	s := steady(10, 145)
	s.Events = []Event{{At: 100 * day, Kind: "disk-death", Count: 1, For: 1000 * day}}
	evicted := func(auto, goodwill bool) float64 {
		s.Policy.Ladder = credit.DefaultPolicy()
		s.Policy.Ladder.EvictAuto, s.Policy.Goodwill = auto, goodwill
		sum, o := run(t, s, 0)
		if o.kinds["disk-death"] != 1 || o.kinds["standing"] < 3 {
			t.Errorf("told of %v", o.kinds)
		}
		if frozen := figure(t, sum, "standing_frozen"); !auto && frozen == 0 {
			t.Error("nobody is frozen")
		}
		return figure(t, sum, "evicted_bytes:homes")
	}
	asked, hasty, patient := evicted(false, false), evicted(true, false), evicted(true, true)
	if asked != 0 || hasty <= patient || patient <= 0 {
		t.Errorf("evicted %v without the word, %v with it, %v with goodwill", asked, hasty, patient)
	}
}

// Without audits nobody finds out about those who drop what they hold.
func TestAuditsFindWhatIsGone(t *testing.T) {
	s := steady(12, 60)
	s.Groups[0].Demand = 20 * potluck.GiB
	bad := s.Groups[0]
	bad.Name, bad.Count, bad.Strategy = "bad", 3, DropAfterAck
	s.Groups = append(s.Groups, bad)
	_, told := run(t, s, 0)
	s.Policy.Audits = false
	_, quiet := run(t, s, 0)
	if told.kinds["audit-failed"] == 0 || quiet.kinds["audit-failed"] != 0 {
		t.Errorf("with audits %v, without %v", told.kinds, quiet.kinds)
	}
}

// Two of four shares: who heeds households and providers reads on when two
// providers are down.
func TestOutageOfProviders(t *testing.T) {
	s := steady(24, 20)
	s.Groups[0].Household, s.Groups[0].ISP = 2, 6
	s.Topology = Topology{Kind: "complete"}
	s.Policy.Reciprocity, s.Policy.RepairBelow = "none", 0
	s.Events = []Event{{At: 12 * day, Kind: "outage", Count: 2, For: 5 * day}}
	near, o := run(t, s, 0)
	s.Policy.HouseholdAware = true
	far, _ := run(t, s, 0)
	if a, b := figure(t, near, "available"), figure(t, far, "available"); a >= 1 || b != 1 || o.kinds["outage"] != 2 {
		t.Errorf("readable %v if placed anywhere, %v if not; told of %v", a, b, o.kinds)
	}
	if served := figure(t, far, "served"); served < 0.999 {
		t.Errorf("served %v", served)
	}
}

func TestPeopleComeAndGo(t *testing.T) {
	s := steady(12, 90)
	late := s.Groups[0]
	late.Name, late.Count, late.JoinedByEvents, late.SplitKeys = "late", 4, true, 0.5
	s.Groups = append(s.Groups, late)
	s.Policy.Reciprocity = "pointers"
	generous := s.Policy
	generous.Gift = 50 * potluck.GiB
	s.Events = []Event{
		{At: 20 * day, Kind: "join", Group: "late"}, {At: 30 * day, Kind: "holiday", Group: "homes", For: 10 * day},
		{At: 50 * day, Kind: "leave", Group: "homes", Count: 3},
		{At: 60 * day, Kind: "set-policy", Policy: &generous},
	}
	before := s
	before.Days, before.Events = 19, nil
	_, o := run(t, before, 0)
	if o.last["members:late"] != 0 || o.last["members:homes"] != 12 {
		t.Errorf("at first there are %v and %v", o.last["members:late"], o.last["members:homes"])
	}
	before.Days, before.Events = 35, s.Events[:2]
	if _, o = run(t, before, 0); o.last["online:homes"] != 0 || o.last["online:late"] != 1 {
		t.Errorf("in the holidays %v of the homes and %v of the late are there", o.last["online:homes"], o.last["online:late"])
	}
	sum, o := run(t, s, 0)
	if o.last["members:late"] != 4 || o.last["members:homes"] != 9 || o.kinds["set-policy"] != 1 {
		t.Errorf("in the end there are %v and %v; %v", o.last["members:late"], o.last["members:homes"], o.kinds)
	}
	if late := figure(t, sum, "served:late"); late < 0.5 {
		t.Errorf("those who came late are served %.2f, with gifts of 50 GiB", late)
	}
}

// Who is there too seldom is denied, after a month.
func TestUptimeRule(t *testing.T) {
	s := steady(10, 60)
	seldom := s.Groups[0]
	seldom.Name, seldom.Count, seldom.Strategy = "seldom", 2, Flaky
	s.Groups = append(s.Groups, seldom)
	s.Policy.MinUptime = 0.95
	_, o := run(t, s, 0)
	if o.kinds["uptime"] == 0 {
		t.Error("nobody was denied")
	}
	s.Policy.MinUptime = 0.05
	if _, o = run(t, s, 0); o.kinds["uptime"] != 0 {
		t.Errorf("%d were denied for less than 5 %%", o.kinds["uptime"])
	}
}

func TestDemandGrows(t *testing.T) {
	s := steady(10, 365)
	s.Policy.Reciprocity, s.Groups[0].Growth = "none", 0.5
	s.Groups[0].Demand = 10 * potluck.GiB
	_, o := run(t, s, 0)
	s.Groups[0].Growth = 0
	_, still := run(t, s, 0)
	if ratio := o.last["demand:"] / still.last["demand:"]; ratio < 1.49 || ratio > 1.51 {
		t.Errorf("demand grew by %v in a year, want 1.5", ratio)
	}
	if o.last["served:"] < 0.9 {
		t.Errorf("served %v", o.last["served:"])
	}
}

type stopper struct{ left int }

var errFull = errors.New("disk full")

func (s *stopper) Sample(Sample) error {
	if s.left--; s.left < 0 {
		return errFull
	}
	return nil
}

func (s *stopper) Record(Record) error { return nil }

func TestRunEndsEarly(t *testing.T) {
	if _, err := Run(context.Background(), home(10, 50), 0, &stopper{left: 50}); !errors.Is(err, errFull) {
		t.Errorf("the observer's error is lost: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, home(200, 3650), 0, silent{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the deadline is passed over: %v", err)
	}
	if _, err := Run(context.Background(), Scenario{}, 0, silent{}); err == nil {
		t.Error("nothing was run")
	}
}

func TestEstimate(t *testing.T) {
	for _, s := range []Scenario{home(20, 100), steady(20, 100)} {
		sum, _ := run(t, s, 0)
		events, bytes := Estimate(s)
		if real := figure(t, sum, "events"); float64(events) < 0.7*real || float64(events) > 1.4*real || bytes <= 0 {
			t.Errorf("%d events and %v are expected; there were %v", events, bytes, real)
		}
	}
}
