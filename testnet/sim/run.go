package sim

import (
	"context"
	"fmt"

	"potluck"
)

// Estimate says, roughly, how many events a run of the scenario handles and how
// much memory it takes. The scenario must be valid.
func Estimate(s Scenario) (events int64, bytes potluck.Size) {
	p := defaults(s.Policy)
	var members, shares int64
	for i := range s.Groups {
		g := &s.Groups[i]
		u := uptime(g)
		daily := 1.0
		if u.Session > 0 {
			daily += 2 * day / float64(u.Session+u.Absence)
		}
		if u.Night {
			daily += 2
		}
		if s.Workload.Kind == "pairs" {
			daily += s.Workload.PerDay
		}
		events += int64(float64(g.Count) * daily * float64(s.Days))
		members += int64(g.Count)
		units := int64(g.Demand / s.Workload.unit(g.Demand, p))
		if s.Workload.Kind == "pairs" {
			units = int64(s.Workload.PerDay * float64(s.Days))
		}
		shares += int64(g.Count) * units * int64(p.N)
	}
	degree := int64(min(s.Topology.Degree, int(members)-1))
	switch s.Topology.Kind {
	case "complete":
		degree = members - 1
	case "file":
		degree = int64(2*len(s.Topology.Edges)) / members
	}
	return events, potluck.Size(members*(memberBytes+degree*linkBytes) + shares*shareBytes)
}

// What things take in memory, measured.
const (
	memberBytes = 2000
	linkBytes   = 800 // one view of a friend, with the row of the book
	shareBytes  = 32  // with its part of the batch
)

// Run runs one replicate of a scenario, telling the observer. The summary is
// whole only without an error; ctx ends the run early.
func Run(ctx context.Context, s Scenario, replicate int, o Observer) (Summary, error) {
	if err := s.Validate(); err != nil {
		return Summary{}, fmt.Errorf("simulate %q: %w", s.Name, err)
	}
	w := newWorld(s, replicate, o)
	if err := w.run(ctx); err != nil {
		return Summary{}, fmt.Errorf("simulate %q, replicate %d: %w", s.Name, replicate, err)
	}
	return w.summary(), nil
}
