package sim

import (
	"fmt"
	"slices"
	"strconv"

	"potluck"
)

// Bounds of a scenario.
const (
	MaxMembers    = 1_000_000
	MaxDays       = 100 * 366
	MaxReplicates = 100_000
	MaxShares     = 64 // of one file: N
	maxEdges      = 50_000_000
)

// FieldError says which key of a scenario is wrong, and how. Keys are the words
// of scenario files, such as "group[1].capacity".
type FieldError struct {
	Key    string
	Reason string
}

func (e *FieldError) Error() string { return e.Key + ": " + e.Reason }

func wrong(key, format string, args ...any) error {
	return &FieldError{Key: key, Reason: fmt.Sprintf(format, args...)}
}

// Validate tells what is wrong first; nil if the scenario can be run.
func (s Scenario) Validate() error {
	switch {
	case s.Days < 1 || s.Days > MaxDays:
		return wrong("scenario.days", "is %d, want 1 to %d", s.Days, MaxDays)
	case s.Step < 0 || s.Step > int64(s.Days)*day:
		return wrong("scenario.step", "is %d s, want 0 (a day) to the scenario's %d days", s.Step, s.Days)
	case s.MaxHops < 0 || s.MaxHops > 16:
		return wrong("scenario.max_hops", "is %d, want 0 to 16", s.MaxHops)
	case s.Replicates < 0 || s.Replicates > MaxReplicates:
		return wrong("scenario.replicates", "is %d, want 0 to %d", s.Replicates, MaxReplicates)
	case len(s.Groups) == 0:
		return wrong("group", "there is none; a friendnet needs members")
	}
	members := 0
	for i, g := range s.Groups {
		if err := g.validate("group[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
		if slices.ContainsFunc(s.Groups[:i], func(o Group) bool { return o.Name == g.Name }) {
			return wrong("group["+strconv.Itoa(i)+"].name", "%q is the name of two groups", g.Name)
		}
		members += g.Count
	}
	if members < 2 || members > MaxMembers {
		return wrong("group", "the groups have %d members, want 2 to %d", members, MaxMembers)
	}
	if err := s.Topology.validate(members); err != nil {
		return err
	}
	if err := s.Policy.validate("policy", members); err != nil {
		return err
	}
	if err := s.Workload.validate(); err != nil {
		return err
	}
	if s.Workload.Kind == "pairs" && s.Policy.N > 1 {
		return wrong("policy.n", "is %d; workload pairs places one share of each unit", s.Policy.N)
	}
	for i, e := range s.Events {
		if err := s.validateEvent("event["+strconv.Itoa(i)+"]", e, members); err != nil {
			return err
		}
	}
	return nil
}

func (g Group) validate(key string) error {
	for _, size := range []struct {
		name string
		v    potluck.Size
	}{{"capacity", g.Capacity}, {"demand", g.Demand}} {
		if size.v < 0 || size.v > potluck.MaxSize/1024 {
			return wrong(key+"."+size.name, "is %d bytes, want 0 to %v", size.v, potluck.MaxSize/1024)
		}
	}
	for _, x := range []struct {
		name      string
		v, lo, hi float64
	}{
		{"capacity_sigma", g.CapacitySigma, 0, 5}, {"demand_sigma", g.DemandSigma, 0, 5}, {"growth", g.Growth, -1, 100},
		{"split_keys", g.SplitKeys, 0, 1}, {"disk_death", g.DiskDeath, 0, 365}, {"leave", g.Leave, 0, 365}, {"uptime.shape", g.Uptime.Shape, 0, 10},
	} {
		if !(x.v >= x.lo && x.v <= x.hi) {
			return wrong(key+"."+x.name, "is %v, want %v to %v", x.v, x.lo, x.hi)
		}
	}
	u := g.Uptime
	switch {
	case g.Name == "":
		return wrong(key+".name", "is empty")
	case g.Count < 1 || g.Count > MaxMembers:
		return wrong(key+".count", "is %d, want 1 to %d", g.Count, MaxMembers)
	case !slices.Contains(strategies, g.Strategy):
		return wrong(key+".strategy", "%q is none of %v", g.Strategy, strategies[1:])
	case g.Household < 0 || g.Household > g.Count:
		return wrong(key+".household", "is %d members, want 0 to the group's %d", g.Household, g.Count)
	case g.ISP < 0 || g.ISP > g.Count:
		return wrong(key+".isp", "is %d members, want 0 to the group's %d", g.ISP, g.Count)
	case u.Session < 0 || u.Session > MaxDays*day:
		return wrong(key+".uptime.session", "is %d s, want 0 (always on) to %d days", u.Session, MaxDays)
	case u.Absence < 0 || u.Absence > MaxDays*day:
		return wrong(key+".uptime.absence", "is %d s, want 0 to %d days", u.Absence, MaxDays)
	case u.Session > 0 && u.Absence == 0 || u.Session == 0 && u.Absence > 0:
		return wrong(key+".uptime", "a session of %d s and an absence of %d s: want both or neither", u.Session, u.Absence)
	case u.Session > 0 && u.Session+u.Absence < 60:
		return wrong(key+".uptime", "comes and goes within %d s; want at least a minute", u.Session+u.Absence)
	case u.Zone < -12 || u.Zone > 14:
		return wrong(key+".uptime.zone", "is %d hours, want -12 to 14", u.Zone)
	case g.Strategy != Honest && g.Strategy != "" && g.SplitKeys > 0:
		return wrong(key+".split_keys", "is %v; only honest members are modelled with two keys", g.SplitKeys)
	}
	return nil
}

func (t Topology) validate(members int) error {
	kinds := []string{"complete", "erdos-renyi", "watts-strogatz", "barabasi-albert", "caveman", "file"}
	if !slices.Contains(kinds, t.Kind) {
		return wrong("topology.kind", "%q is none of %v", t.Kind, kinds)
	}
	switch {
	case !(t.Rewire >= 0 && t.Rewire <= 1):
		return wrong("topology.rewire", "is %v, want 0 to 1", t.Rewire)
	case !(t.Bridges >= 0 && t.Bridges <= float64(members)):
		return wrong("topology.bridges", "is %v per member, want 0 to %d", t.Bridges, members)
	case t.Kind == "complete" && members > 10_000:
		return wrong("topology.kind", "complete among %d members is %d friendships; want at most 10,000 members", members, members*(members-1)/2)
	case t.Kind == "file":
		return t.validateEdges(members)
	case t.Kind != "complete" && (t.Degree < 1 || t.Degree >= members):
		return wrong("topology.degree", "is %d friends each among %d members, want 1 to %d", t.Degree, members, members-1)
	case t.Kind != "complete" && t.Degree*members/2 > maxEdges:
		return wrong("topology.degree", "makes %d friendships, more than %d", t.Degree*members/2, maxEdges)
	case t.Kind == "watts-strogatz" && t.Degree%2 == 1:
		return wrong("topology.degree", "is %d; a ring lattice wants an even number", t.Degree)
	case t.Kind == "barabasi-albert" && t.Degree < 2:
		return wrong("topology.degree", "is %d; preferential attachment wants at least 2", t.Degree)
	}
	return nil
}

func (t Topology) validateEdges(members int) error {
	if len(t.Edges) > maxEdges {
		return wrong("topology.file", "has %d edges, more than %d", len(t.Edges), maxEdges)
	}
	for i, e := range t.Edges {
		if e[0] < 0 || e[1] < 0 || e[0] >= members || e[1] >= members || e[0] == e[1] {
			return wrong("topology.file", "edge %d joins members %d and %d; want two of 0 to %d", i+1, e[0], e[1], members-1)
		}
	}
	return nil
}

func (p Policy) validate(key string, members int) error {
	kinds := []string{"none", "pairwise", "pointers", "loans", "routed"}
	l := p.Ladder
	switch {
	case !slices.Contains(kinds, p.Reciprocity):
		return wrong(key+".reciprocity", "%q is none of %v", p.Reciprocity, kinds)
	case p.RatioPPM < 0 || p.RatioPPM > 1000*million:
		return wrong(key+".ratio", "is %d ppm, want 0 (one to one) to %d", p.RatioPPM, 1000*million)
	case p.Gift < 0 || p.Gift > potluck.MaxSize/1024:
		return wrong(key+".gift", "is %d bytes, want 0 to %v", p.Gift, potluck.MaxSize/1024)
	case p.Opening < 0 || p.Opening > potluck.MaxSize/1024:
		return wrong(key+".opening", "is %d bytes, want 0 to %v", p.Opening, potluck.MaxSize/1024)
	case p.K < 0 || p.N < 0 || p.N > MaxShares || max(1, p.K) > max(1, p.N):
		return wrong(key+".k", "%d of %d shares: want 1 ≤ k ≤ n ≤ %d", p.K, p.N, MaxShares)
	case p.AuditDays < 0 || p.AuditDays > 366:
		return wrong(key+".audit_days", "is %d, want 0 (7) to 366", p.AuditDays)
	case p.RepairBelow != 0 && (p.RepairBelow < max(1, p.K) || p.RepairBelow > max(1, p.N)):
		return wrong(key+".repair_below", "is %d, want %d (k) to %d (n)", p.RepairBelow, max(1, p.K), max(1, p.N))
	case !(p.MinUptime >= 0 && p.MinUptime <= 1):
		return wrong(key+".min_uptime", "is %v, want 0 to 1", p.MinUptime)
	case p.MaxMembers < 0 || p.MaxMembers > 0 && p.MaxMembers < members:
		return wrong(key+".max_members", "allows %d members, the groups have %d", p.MaxMembers, members)
	case l.Slowed < 0 || l.Frozen < l.Slowed || l.Notice < l.Frozen || l.Evicting < l.Notice || l.OfflineGrace < 0:
		return wrong(key+".ladder", "slowed %v, frozen %v, notice %v, evicting %v, grace %v: want delays that don't fall", l.Slowed, l.Frozen, l.Notice, l.Evicting, l.OfflineGrace)
	}
	return nil
}

func (w Workload) validate() error {
	switch {
	case w.Kind != "" && w.Kind != "fill" && w.Kind != "pairs":
		return wrong("workload.kind", "%q is neither fill nor pairs", w.Kind)
	case w.Unit < 0 || w.Unit > potluck.MaxSize/1024:
		return wrong("workload.unit", "is %d bytes, want 0 to %v", w.Unit, potluck.MaxSize/1024)
	case w.Kind == "pairs" && (w.Unit == 0 || !(w.PerDay > 0 && w.PerDay <= 100_000)):
		return wrong("workload.per_day", "is %v asks of %v, want above 0 and at most 100,000, and a unit", w.PerDay, w.Unit)
	}
	return nil
}

func (s Scenario) validateEvent(key string, e Event, members int) error {
	kinds := []string{"outage", "holiday", "disk-death", "leave", "join", "set-policy"}
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == e.Group })
	switch {
	case !slices.Contains(kinds, e.Kind):
		return wrong(key+".kind", "%q is none of %v", e.Kind, kinds)
	case e.At < 0 || e.At > int64(s.Days)*day:
		return wrong(key+".at", "is second %d, want 0 to the scenario's %d days", e.At, s.Days)
	case e.Group != "" && i < 0:
		return wrong(key+".group", "%q is no group", e.Group)
	case e.Count < 0 || e.Count > members || i >= 0 && e.Count > s.Groups[i].Count:
		return wrong(key+".count", "is %d members, more than there are", e.Count)
	case e.For < 0 || e.For > int64(MaxDays)*day:
		return wrong(key+".for", "is %d s, want 0 to %d days", e.For, MaxDays)
	case (e.Kind == "outage" || e.Kind == "holiday") && e.For == 0:
		return wrong(key+".for", "is missing: how long is the %s?", e.Kind)
	case (e.Kind == "set-policy") != (e.Policy != nil):
		return wrong(key+".policy", "belongs to set-policy, and to nothing else")
	case e.Policy != nil:
		return s.validateChange(key+".policy", *e.Policy, members)
	}
	return nil
}

// validateChange tells what can't change in the middle of a run: shares keep their
// layout, and pointers that were signed stand.
func (s Scenario) validateChange(key string, p Policy, members int) error {
	free := func(kind string) bool { return kind == "none" || kind == "pairwise" }
	switch was := s.Policy; {
	case max(1, p.K) != max(1, was.K) || max(1, p.N) != max(1, was.N):
		return wrong(key+".k", "is %d of %d; what is placed as %d of %d stays so", p.K, p.N, was.K, was.N)
	case p.Reciprocity != was.Reciprocity && !(free(p.Reciprocity) && free(was.Reciprocity)):
		return wrong(key+".reciprocity", "can't change from %s to %s, only between none and pairwise", was.Reciprocity, p.Reciprocity)
	}
	return p.validate(key, members)
}

var strategies = []Strategy{"", Honest, FreeRider, DropAfterAck, Liar, Whitewasher, Sybil, Cycler, RevokeAfterUse, Hoarder, Flaky, Nightly}

const (
	day     = 24 * 60 * 60
	year    = 365 * day
	million = 1_000_000
)
