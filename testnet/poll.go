package testnet

import (
	"context"
	"fmt"
	"time"
)

// Poll asks again and again, with growing pauses between 2 and 50 ms, until
// done is true, an error comes or the context ends.
func Poll(ctx context.Context, ask func() (done bool, err error)) error {
	return poll(ctx, 50*time.Millisecond, ask)
}

// poll is Poll with pauses of up to most.
func poll(ctx context.Context, most time.Duration, ask func() (done bool, err error)) error {
	pause := 2 * time.Millisecond
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %w", context.Cause(ctx))
		case <-timer.C:
		}
		if done, err := ask(); done || err != nil {
			return err
		}
		timer.Reset(pause)
		pause = min(pause*2, most)
	}
}
