//go:build !linux

package sim

import "time"

var epoch = time.Now()

func processorTime() time.Duration { return time.Since(epoch) }
