package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"testing"

	"potluck"
)

// tape hashes what it is told, and keeps the last value of each metric.
type tape struct {
	io.Writer
	last  map[string]float64
	kinds map[string]int
}

func newTape() *tape {
	return &tape{Writer: io.Discard, last: map[string]float64{}, kinds: map[string]int{}}
}

func (t *tape) Sample(s Sample) error {
	t.last[s.Metric+":"+s.Group] = s.Value
	_, err := fmt.Fprintln(t, s)
	return err
}

func (t *tape) Record(r Record) error {
	t.kinds[r.Kind]++
	_, err := fmt.Fprintln(t, r)
	return err
}

// home is a friendnet of honest homes with churn, for tests to change.
func home(n, days int) Scenario {
	return Scenario{Name: "home", Seed: 1, Days: days, MaxHops: 3, Check: true,
		Groups: []Group{{Name: "homes", Count: n, Capacity: 300 * potluck.GiB, Demand: 60 * potluck.GiB,
			CapacitySigma: 0.5, DemandSigma: 0.5, Growth: 0.2,
			Uptime: Uptime{Session: 5 * day, Absence: day / 2, Shape: 0.7}, DiskDeath: 0.5, Leave: 0.1}},
		Topology: Topology{Kind: "watts-strogatz", Degree: 8, Rewire: 0.1},
		Policy: Policy{Reciprocity: "pairwise", Opening: potluck.GiB, K: 2, N: 4, RepairBelow: 3,
			Audits: true, Goodwill: true},
	}
}

func run(t testing.TB, s Scenario, replicate int) (Summary, *tape) {
	t.Helper()
	o := newTape()
	sum, err := Run(context.Background(), s, replicate, o)
	if err != nil {
		t.Fatal(err)
	}
	return sum, o
}

func TestSameSeedSameRun(t *testing.T) {
	for _, policy := range []string{"none", "pairwise", "pointers"} {
		s := home(16, 30)
		s.Policy.Reciprocity = policy
		s.Groups[0].SplitKeys = 0.3
		s.Events = []Event{{At: 10 * day, Kind: "outage", Count: 3, For: 2 * day}, {At: 20 * day, Kind: "disk-death", Count: 2}}
		hash := func(replicate int) uint64 {
			h := fnv.New64a()
			o := newTape()
			o.Writer = h
			sum, err := Run(context.Background(), s, replicate, o)
			if err != nil {
				t.Fatal(policy, err)
			}
			fmt.Fprintln(h, sum)
			return h.Sum64()
		}
		a, b, c := hash(0), hash(0), hash(1)
		if a != b || a == c {
			t.Errorf("%s: runs of one seed hash to %x and %x, another replicate to %x", policy, a, b, c)
		}
	}
}
