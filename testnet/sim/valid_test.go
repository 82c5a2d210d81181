package sim

import (
	"errors"
	"math"
	"testing"

	"potluck"
)

func TestWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		key    string
		change func(*Scenario)
	}{
		{"", func(*Scenario) {}},
		{"scenario.days", func(s *Scenario) { s.Days = 0 }},
		{"scenario.days", func(s *Scenario) { s.Days = MaxDays + 1 }},
		{"scenario.step", func(s *Scenario) { s.Step = -1 }},
		{"scenario.max_hops", func(s *Scenario) { s.MaxHops = 17 }},
		{"scenario.replicates", func(s *Scenario) { s.Replicates = -1 }},
		{"group", func(s *Scenario) { s.Groups = nil }},
		{"group", func(s *Scenario) { s.Groups[0].Count = 1 }},
		{"group[0].name", func(s *Scenario) { s.Groups[0].Name = "" }},
		{"group[1].name", func(s *Scenario) { s.Groups = append(s.Groups, s.Groups[0]) }},
		{"group[0].count", func(s *Scenario) { s.Groups[0].Count = 0 }},
		{"group[0].capacity", func(s *Scenario) { s.Groups[0].Capacity = -1 }},
		{"group[0].demand", func(s *Scenario) { s.Groups[0].Demand = potluck.MaxSize }},
		{"group[0].capacity_sigma", func(s *Scenario) { s.Groups[0].CapacitySigma = math.NaN() }},
		{"group[0].demand_sigma", func(s *Scenario) { s.Groups[0].DemandSigma = -1 }},
		{"group[0].growth", func(s *Scenario) { s.Groups[0].Growth = -1.5 }},
		{"group[0].split_keys", func(s *Scenario) { s.Groups[0].SplitKeys = 1.1 }},
		{"group[0].split_keys", func(s *Scenario) { s.Groups[0].SplitKeys, s.Groups[0].Strategy = 0.5, Liar }},
		{"group[0].strategy", func(s *Scenario) { s.Groups[0].Strategy = "kind" }},
		{"group[0].disk_death", func(s *Scenario) { s.Groups[0].DiskDeath = math.Inf(1) }},
		{"group[0].leave", func(s *Scenario) { s.Groups[0].Leave = -1 }},
		{"group[0].household", func(s *Scenario) { s.Groups[0].Household = 21 }},
		{"group[0].isp", func(s *Scenario) { s.Groups[0].ISP = -1 }},
		{"group[0].uptime", func(s *Scenario) { s.Groups[0].Uptime.Absence = 0 }},
		{"group[0].uptime", func(s *Scenario) { s.Groups[0].Uptime = Uptime{Session: 1, Absence: 1} }},
		{"group[0].uptime.session", func(s *Scenario) { s.Groups[0].Uptime.Session = -1 }},
		{"group[0].uptime.shape", func(s *Scenario) { s.Groups[0].Uptime.Shape = 11 }},
		{"group[0].uptime.zone", func(s *Scenario) { s.Groups[0].Uptime.Zone = 15 }},
		{"topology.kind", func(s *Scenario) { s.Topology.Kind = "star" }},
		{"topology.degree", func(s *Scenario) { s.Topology.Degree = 20 }},
		{"topology.degree", func(s *Scenario) { s.Topology.Degree = 3 }},
		{"topology.degree", func(s *Scenario) { s.Topology = Topology{Kind: "barabasi-albert", Degree: 1} }},
		{"topology.rewire", func(s *Scenario) { s.Topology.Rewire = 2 }},
		{"topology.bridges", func(s *Scenario) { s.Topology.Bridges = math.NaN() }},
		{"topology.file", func(s *Scenario) { s.Topology = Topology{Kind: "file", Edges: [][2]int{{0, 20}}} }},
		{"topology.kind", func(s *Scenario) { s.Topology.Kind, s.Groups[0].Count = "complete", 10_001 }},
		{"policy.reciprocity", func(s *Scenario) { s.Policy.Reciprocity = "" }},
		{"policy.ratio", func(s *Scenario) { s.Policy.RatioPPM = -1 }},
		{"policy.gift", func(s *Scenario) { s.Policy.Gift = -1 }},
		{"policy.opening", func(s *Scenario) { s.Policy.Opening = -1 }},
		{"policy.k", func(s *Scenario) { s.Policy.K = 5 }},
		{"policy.k", func(s *Scenario) { s.Policy.N = MaxShares + 1 }},
		{"policy.audit_days", func(s *Scenario) { s.Policy.AuditDays = 367 }},
		{"policy.repair_below", func(s *Scenario) { s.Policy.RepairBelow = 1 }},
		{"policy.min_uptime", func(s *Scenario) { s.Policy.MinUptime = 2 }},
		{"policy.max_members", func(s *Scenario) { s.Policy.MaxMembers = 19 }},
		{"policy.ladder", func(s *Scenario) { s.Policy.Ladder.Slowed = 1 }},
		{"workload.kind", func(s *Scenario) { s.Workload.Kind = "burst" }},
		{"workload.unit", func(s *Scenario) { s.Workload.Unit = -1 }},
		{"workload.per_day", func(s *Scenario) { s.Workload.Kind = "pairs" }},
		{"policy.n", func(s *Scenario) { s.Workload = Workload{Kind: "pairs", Unit: 1, PerDay: 1} }},
		{"event[0].kind", func(s *Scenario) { s.Events = []Event{{Kind: "flood"}} }},
		{"event[0].at", func(s *Scenario) { s.Events = []Event{{Kind: "leave", At: 61 * day}} }},
		{"event[0].group", func(s *Scenario) { s.Events = []Event{{Kind: "leave", Group: "nobody"}} }},
		{"event[0].count", func(s *Scenario) { s.Events = []Event{{Kind: "leave", Count: 21}} }},
		{"event[0].for", func(s *Scenario) { s.Events = []Event{{Kind: "outage"}} }},
		{"event[0].for", func(s *Scenario) { s.Events = []Event{{Kind: "outage", For: -1}} }},
		{"event[0].policy", func(s *Scenario) { s.Events = []Event{{Kind: "set-policy"}} }},
		{"event[0].policy.gift", func(s *Scenario) {
			s.Events = []Event{{Kind: "set-policy", Policy: &Policy{Reciprocity: "none", Gift: -1, K: 2, N: 4}}}
		}},
		{"event[0].policy.k", func(s *Scenario) {
			s.Events = []Event{{Kind: "set-policy", Policy: &Policy{Reciprocity: "none"}}}
		}},
		{"event[0].policy.reciprocity", func(s *Scenario) {
			s.Events = []Event{{Kind: "set-policy", Policy: &Policy{Reciprocity: "loans", K: 2, N: 4}}}
		}},
	} {
		s := home(20, 60)
		c.change(&s)
		err := s.Validate()
		var field *FieldError
		if errors.As(err, &field); (err == nil) != (c.key == "") || err != nil && (field == nil || field.Key != c.key) {
			t.Errorf("want an error at %q, got %v", c.key, err)
		}
	}
}
