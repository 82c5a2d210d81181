package sim

import (
	"context"

	"potluck"
)

// Estimate says, roughly, how many events a run of the scenario handles and how
// much memory it takes. The scenario must be valid.
func Estimate(s Scenario) (events int64, bytes potluck.Size) {
	return 0, 0
}

// Run runs one replicate of a scenario, telling the observer. The summary is
// whole only without an error; ctx ends the run early.
func Run(ctx context.Context, s Scenario, replicate int, o Observer) (Summary, error) {
	return Summary{}, ctx.Err()
}
