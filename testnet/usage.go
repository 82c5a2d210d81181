package testnet

import (
	"fmt"
	"time"

	"potluck"
)

// Usage is what a process uses of the machine.
type Usage struct {
	Resident  potluck.Size  // resident now, mapped files included
	Anonymous potluck.Size  // the part of Resident that no file backs
	Peak      potluck.Size  // the most that ever was resident
	CPU       time.Duration // user and system time since its start
}

// Usage reads what the process uses now.
func (p *Process) Usage() (Usage, error) {
	u, err := usageOf(p.Pid())
	if err != nil {
		return u, fmt.Errorf("usage of %s: %w", p.Name, err)
	}
	return u, nil
}

// ResetPeak makes Usage.Peak count from now on.
func (p *Process) ResetPeak() error {
	if err := resetPeak(p.Pid()); err != nil {
		return fmt.Errorf("reset peak memory of %s: %w", p.Name, err)
	}
	return nil
}
