package scenario

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/testnet/sim"
)

// whole names every key that there is.
const whole = `# a remark
[scenario]
name = "homes"
seed = 7
days = 730
step = "12h"
replicates = 3

[[group]]
name = "homes"
count = 40
capacity = "100 GB"
demand = "40GiB"
capacity_sigma = 0.5
demand_sigma = 1
growth = 0.2
split_keys = 0.3
disk_death = 0.02
leave = 0.1
household = 2
isp = 10
uptime = { session = "20h", absence = "4h", shape = 0.6, night = true, zone = 1 }

[[group]]
name = "riders"
count = 4
demand = 1000
strategy = "free-rider"
joined_by_events = true
[group.uptime]
session = "6h"
absence = "1.5d"

[topology]
kind = "watts-strogatz"
degree = 6
rewire = 0.1
bridges = 0

[policy]
reciprocity = "pairwise"
max_hops = 2
ratio = 0.5
gift = "1MiB"
opening = 0
k = 2
n = 4
audits = false
audit_days = 14
repair_below = 3
goodwill = false
household_aware = false
min_uptime = 0.95
max_members = 100
ladder = { slowed = "1d", frozen = "2d", notice = "3d", evicting = "4d", offline_grace = "10d", evict_auto = true }

[workload]
kind = "fill"
unit = "1 MiB"
per_day = 2.5

[[event]]
at = "30d"
kind = "outage"
group = "homes"
count = 2
for = "36h"

[[event]]
at = "1y"
kind = "set-policy"
[event.policy]
goodwill = true

[sweep]
"policy.max_hops" = [0, 1, 2]
group.homes.split_keys = [0.0, 0.3]
event.0.count = [1, 2]

[output]
events = 50
`

func TestEveryKey(t *testing.T) {
	p, err := Parse(whole, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Points) != 12 || p.Replicates != 3 || p.Name != "homes" || p.Seed != 7 || p.Output.Events != 50 {
		t.Errorf("%d points, %d replicates, name %q, seed %d, %+v", len(p.Points), p.Replicates, p.Name, p.Seed, p.Output)
	}
	last := p.Points[11]
	if got, want := p.Title(11), "policy.max_hops=2, group.homes.split_keys=0.3, event.0.count=2"; got != want {
		t.Errorf("the last point is %q, want %q", got, want)
	}
	if p.Title(1) != "policy.max_hops=0, group.homes.split_keys=0, event.0.count=2" {
		t.Errorf("the second point is %q: the last axis is to vary fastest", p.Title(1))
	}
	s := last.Scenario
	homes := sim.Group{Name: "homes", Count: 40, Capacity: 100e9, Demand: 40 * potluck.GiB, CapacitySigma: 0.5, DemandSigma: 1, Growth: 0.2,
		Strategy: sim.Honest, SplitKeys: 0.3, DiskDeath: 0.02, Leave: 0.1, Household: 2, ISP: 10,
		Uptime: sim.Uptime{Session: 20 * hour, Absence: 4 * hour, Shape: 0.6, Night: true, Zone: 1}}
	if s.Groups[0] != homes {
		t.Errorf("homes are %+v", s.Groups[0])
	}
	riders := sim.Group{Name: "riders", Count: 4, Demand: 1000, Strategy: sim.FreeRider, JoinedByEvents: true, Uptime: sim.Uptime{Session: 6 * hour, Absence: 36 * hour}}
	if s.Groups[1] != riders {
		t.Errorf("riders are %+v", s.Groups[1])
	}
	d := 24 * time.Hour
	if l := s.Policy.Ladder; l.Slowed != d || l.Evicting != 4*d || l.OfflineGrace != 10*d || !l.EvictAuto {
		t.Errorf("the ladder is %+v", l)
	}
	if c := s.Policy; c.Reciprocity != "pairwise" || s.MaxHops != 2 || c.RatioPPM != 500_000 || c.Gift != potluck.MiB || c.Opening != 0 || c.Audits || c.Goodwill || c.MinUptime != 0.95 {
		t.Errorf("the policy is %+v", c)
	}
	if e := s.Events; len(e) != 2 || e[0].Kind != "outage" || e[0].At != 30*day || e[0].For != 36*hour || e[0].Count != 2 || e[1].At != year || !e[1].Policy.Goodwill || e[1].Policy.K != 2 {
		t.Errorf("the events are %+v", e)
	}
	if s.Step != 12*hour || s.Days != 730 || s.Workload != (sim.Workload{Kind: "fill", Unit: potluck.MiB, PerDay: 2.5}) {
		t.Errorf("step %d, days %d, workload %+v", s.Step, s.Days, s.Workload)
	}
}

// Each case changes one line of the whole file, or adds one behind it, and is
// told which.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ was, is, want string }{
		{"capacity = \"100 GB\"", "capacity = -5", "line 12: group.homes.capacity: size -5 is not between 0 and 72057594037927936 bytes"},
		{"capacity = \"100 GB\"", "capacity = \"-5 GB\"", "line 12: group.homes.capacity: size \"-5 GB\" is below zero"},
		{"capacity = \"100 GB\"", "capacity = \"much\"", "line 12: group.homes.capacity: size \"much\" is not a number with a unit"},
		{"capacity = \"100 GB\"", "capacity = true", "line 12: group.homes.capacity: want a size like 500"},
		{"degree = 6", "degree = 44", "line 36: topology.degree: is 44 friends each among 44 members, want 1 to 43"},
		{"growth = 0.2", "grwoth = 0.2", "line 16: group.homes.grwoth: this key is not known; the keys here are name, count, capacity"},
		{"growth = 0.2", "growth = \"a lot\"", "line 16: group.homes.growth: want a number, have \"a lot\""},
		{"growth = 0.2", "growth = nan", "line 16: group.homes.growth: NaN is not between -1 and 100"},
		{"strategy = \"free-rider\"", "strategy = \"evil\"", "line 28: group.riders.strategy: \"evil\" is none of honest, free-rider"},
		{"session = \"6h\"", "session = 6", "line 31: group.riders.uptime.session: want a length of time like \"90m\""},
		{"session = \"6h\"", "session = \"6 moons\"", "line 31: group.riders.uptime.session: \"6 moons\" is no length of time"},
		{"zone = 1 }", "zone = 15 }", "line 22: group.homes.uptime.zone: 15 is not between -12 and 14"},
		{"name = \"riders\"", "name = \"homes\"", "line 25: group.homes.name: two groups are called \"homes\""},
		{"name = \"riders\"", "name = \"Riders!\"", "line 25: group.1.name: \"Riders!\" is not a name"},
		{"k = 2", "k = 5", "line 46: policy.k: 5 of 4 shares"},
		{"ratio = 0.5", "ratio = 0", "line 43: policy.ratio: 0 is not between 1e-06 and 1000"},
		{"group = \"homes\"", "group = \"castles\"", "line 65: event.0.group: \"castles\" is none of homes, riders"},
		{"at = \"30d\"", "", "line 62: event.0.at: an event needs its time"},
		{"at = \"30d\"", "at = \"3y\"", "line 63: event.0.at: is second 94608000, want 0 to the scenario's 730 days"},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"policy.max_hops\" = 3", "line 76: sweep.policy.max_hops: want a list of 1 to 1000 values, have 3"},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"policy.max_hops\" = [0, -1]", "line 76: policy.max_hops: -1 is not between 0 and 16"},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"policy.hops\" = [0]", "line 76: policy.hops: this key is not known"},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"group.castles.count\" = [0]", "line 76: sweep.group.castles.count: there is no group \"castles\": there are \"homes\", \"riders\""},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"scenario.replicates\" = [1]", "line 76: sweep.scenario.replicates: scenario.replicates holds for all runs"},
		{"\"policy.max_hops\" = [0, 1, 2]", "\"event.0.count\" = [1]", "sweep.event.0.count: this key is swept twice"},
		{"replicates = 3", "replicates = 0", "line 7: scenario.replicates: 0 is not between 1 and"},
		{"replicates = 3", "replicates = 100000", "line 7: scenario.replicates: 12 points with 100000 replicates are 1200000 runs"},
		{"[output]", "[outptu]", "line 80: outptu: this key is not known"},
		{"[output]", "[output", "line 81"},
		{"events = 50", "events = 2.5", "line 81: output.events: want a whole number, have 2.5"},
		{"kind = \"watts-strogatz\"", "file = \"../x\"", "line 35: topology.file: \"../x\" isn't beside the scenario file"},
		{"kind = \"watts-strogatz\"", "file = \"none.txt\"", "line 35: topology.file: open none.txt: no such file"},
	} {
		text := strings.Replace(whole, c.was, c.is, 1)
		if text == whole {
			t.Fatalf("%q isn't in the file", c.was)
		}
		_, err := Parse(text, "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q in place of %q: error %v, want %q", c.is, c.was, err, c.want)
		}
	}
	_, err := Parse("[scenario]\n", "")
	if err == nil || err.Error() != "group: there is no [[group]]; a scenario needs one at least" {
		t.Errorf("without groups: %v", err)
	}
	_, err = Parse(strings.Repeat("#", maxText+1), "")
	if err == nil || !strings.Contains(err.Error(), "at most 262144 are read") {
		t.Errorf("a file that is too long: %v", err)
	}
}

func TestAllErrorsAreTold(t *testing.T) {
	text := strings.Replace(strings.Replace(whole, "days = 730", "days = 0", 1), "k = 2", "k = \"two\"", 1)
	_, err := Parse(text, "")
	want := "line 5: scenario.days: 0 is not between 1 and 36600\nline 46: policy.k: want a whole number, have \"two\""
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestHash(t *testing.T) {
	hash := func(text string) string {
		p, err := Parse(text, "")
		if err != nil {
			t.Fatal(err)
		}
		return p.Hash
	}
	same := hash(whole)
	if hash(strings.Replace(whole, "# a remark", "# another\n\n", 1)) != same {
		t.Error("a remark changes the hash")
	}
	for _, change := range [][2]string{{"seed = 7", "seed = 8"}, {"growth = 0.2", "growth = 0.3"}, {"events = 50", "events = 51"},
		{"replicates = 3", "replicates = 4"}, {"[0, 1, 2]", "[0, 2, 1]"}, {"goodwill = true", "goodwill = false"}} {
		if hash(strings.Replace(whole, change[0], change[1], 1)) == same {
			t.Errorf("%q in place of %q has the same hash", change[1], change[0])
		}
	}
}

func TestShardsHaveEveryJobOnce(t *testing.T) {
	p, err := Parse(whole, "")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 40; n++ {
		var seen []Job
		for i := range n {
			seen = append(seen, p.Jobs(i, n)...)
		}
		slices.SortFunc(seen, func(a, b Job) int { return a.Index - b.Index })
		if !slices.Equal(seen, p.Jobs(0, 1)) || len(seen) != 36 {
			t.Fatalf("%d shards have %d jobs", n, len(seen))
		}
	}
	if last := p.Jobs(0, 1)[35]; last != (Job{Index: 35, Point: 11, Replicate: 2}) {
		t.Errorf("the last job is %+v", last)
	}
}

func TestOverrides(t *testing.T) {
	p, err := Parse(whole, "", Override{"scenario.days", int64(400)}, Override{"group.homes.count", int64(20)}, Override{"sweep.policy.max_hops", []any{int64(1)}},
		Override{"scenario.replicates", int64(1)}, Override{"sweep.group.homes.split_keys", []any{0.5}})
	if err != nil {
		t.Fatal(err)
	}
	s := p.Points[0].Scenario
	if len(p.Points) != 2 || s.Days != 400 || s.Groups[0].Count != 20 || s.MaxHops != 1 || s.Groups[0].SplitKeys != 0.5 || p.Replicates != 1 {
		t.Errorf("%d points, first %+v", len(p.Points), s)
	}
	for _, bad := range []Override{{"group.castles.count", int64(1)}, {"days", int64(1)}, {"sweep.policy.k", []any{int64(1)}}} {
		if _, err := Parse(whole, "", bad); err == nil {
			t.Errorf("override %s is taken", bad.Key)
		}
	}
}

// A changed tree leaves the one that it came from as it was.
func TestTreesAreNotChanged(t *testing.T) {
	before, _, _, err := parseTree(whole)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, _, _ := parseTree(whole)
	for _, path := range []string{"group.0.uptime.session", "group.1.demand", "event.1.policy.k", "policy.ladder.slowed", "output.events"} {
		changed, err := before.with(strings.Split(path, "."), "new")
		if err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(changed, kept) {
			t.Errorf("%s isn't changed", path)
		}
		if !reflect.DeepEqual(before, kept) {
			t.Fatalf("to change %s in one tree changes another", path)
		}
	}
}

// A swept key may be wrong or missing in the file itself.
func TestSweepCompletesTheFile(t *testing.T) {
	p, err := Parse("[[group]]\nname = \"a\"\ncount = 10\n[topology]\nkind = \"erdos-renyi\"\n[sweep]\ntopology.degree = [2, 3]\n", "")
	if err != nil || len(p.Points) != 2 || p.Points[1].Scenario.Topology.Degree != 3 {
		t.Errorf("%+v, %v", p.Points, err)
	}
}

func TestFilesBesideTheScenario(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"friends.txt": "0 1\n1 2\n2 0\n",
		"trace.tab":   "#\n1\t1\t1\t0\tn\t1\t0\t3600\t0\n2\t1\t1\t0\tn\t0\t3600\t5400\t0\n3\t1\t1\t0\tn\t1\t5400\t12600\t0\n4\t1\t1\t0\tn\t0\t12600\t14400\t0\n",
		"s.toml":      "[[group]]\nname = \"a\"\ncount = 3\nuptime = { trace = \"trace.tab\" }\n[topology]\nfile = \"friends.txt\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(filepath.Join(dir, "s.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s := p.Points[0].Scenario
	if !slices.Equal(s.Topology.Edges, [][2]int{{0, 1}, {0, 2}, {1, 2}}) || s.Topology.Kind != "file" {
		t.Errorf("the topology is %+v", s.Topology)
	}
	if u := s.Groups[0].Uptime; u.Session != 5400 || u.Absence != 1800 || u.Shape < 2 {
		t.Errorf("the uptime is %+v", u)
	}
	if _, err := Load(filepath.Join(dir, "none.toml")); !os.IsNotExist(err) {
		t.Errorf("a file that isn't there: %v", err)
	}
}
