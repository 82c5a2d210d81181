package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"potluck"
)

// Bounds of an idle node with ten friends.
const (
	idleFriends    = 10
	idleMemory     = 60 // MiB
	idleCPU        = 1  // percent of a core
	settlingPeriod = 3 * time.Second
)

// idle watches a node that has ten friends and nothing to do.
func (b *bench) idle(ctx context.Context) (err error) {
	crowd, err := b.newCrowd(ctx, idleFriends)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.Close()) }()
	if err := pause(ctx, settlingPeriod); err != nil {
		return err
	}
	before, err := crowd.owner.Usage()
	if err != nil {
		return err
	}
	period := time.Duration(b.Seconds) * time.Second
	if err := pause(ctx, period); err != nil {
		return err
	}
	after, err := crowd.owner.Usage()
	if err != nil {
		return err
	}
	mib := func(s potluck.Size) float64 { return float64(s) / float64(potluck.MiB) }
	return b.out.rows(
		row{Name: "idle/memory", Value: mib(after.Resident), Unit: "MiB", Limit: idleMemory,
			Note: fmt.Sprintf("resident, %d friends; %.0f MiB of it no file's; limit: our own bound", idleFriends, mib(after.Anonymous))},
		row{Name: "idle/cpu", Value: 100 * (after.CPU - before.CPU).Seconds() / period.Seconds(), Unit: "% of a core", Limit: idleCPU,
			Note: fmt.Sprintf("over %v, to a hundredth of a second; limit: our own bound", period)},
	)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
