package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"potluck"
	"potluck/testnet"
)

// bench is one invocation.
type bench struct {
	options
	dir   string // removed at the end
	out   *printer
	cores int
	costs *costs // measured once, when first needed
	nets  int    // nets made so far
}

func (b *bench) run(ctx context.Context) error {
	for _, name := range b.Names {
		var err error
		switch name {
		case "limits":
			err = b.limits(ctx)
		case "put":
			err = b.putGet(ctx)
		case "small":
			err = b.small(ctx)
		case "idle":
			err = b.idle(ctx)
		case "lists":
			err = b.lists(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// crowd is an owner and its hosts.
type crowd struct {
	*testnet.Processes
	owner *testnet.Process
	hosts []*testnet.Process
}

// newCrowd starts the owner and so many hosts, and makes the owner a friend of
// each.
func (b *bench) newCrowd(ctx context.Context, hosts int) (*crowd, error) {
	if b.Program == "" {
		program := filepath.Join(b.dir, "potluck")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "potluck/cmd/potluck").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build potluck: %w\n%s", err, out)
		}
		b.Program = program
	}
	b.nets++
	net, err := testnet.NewProcesses(testnet.Config{
		Program: b.Program, Dir: filepath.Join(b.dir, fmt.Sprintf("net-%d", b.nets)), Offer: potluck.TiB})
	if err != nil {
		return nil, err
	}
	c := &crowd{Processes: net}
	names := make([]string, hosts)
	for i := range names {
		names[i] = fmt.Sprintf("host-%d", i+1)
	}
	if c.owner, err = net.Add(ctx, "owner"); err == nil {
		c.hosts, err = net.AddAll(ctx, names...)
	}
	if err == nil {
		err = testnet.Star(ctx, testnet.Opening(potluck.TiB), c.owner, c.hosts...)
	}
	if err == nil {
		err = testnet.WaitConnected(ctx, c.owner, c.hosts...)
	}
	if err != nil {
		return nil, errors.Join(err, net.Close())
	}
	return c, nil
}

// meter compares what all processes of a crowd used before and after.
type meter struct {
	crowd *crowd
	cpu   float64
}

// startMeter starts to count CPU time and peak memory.
func startMeter(c *crowd) (meter, error) {
	m := meter{crowd: c}
	for _, p := range c.All() {
		if err := p.ResetPeak(); err != nil {
			return m, err
		}
		u, err := p.Usage()
		if err != nil {
			return m, err
		}
		m.cpu += u.CPU.Seconds()
	}
	return m, nil
}

// usage is what a piece of work took.
type usage struct {
	seconds, cpu        float64 // wall, and CPU of all processes
	ownerPeak, hostPeak float64 // MiB
}

// read gives the CPU seconds and peaks since the start.
func (m meter) read(seconds float64) (usage, error) {
	u := usage{seconds: seconds, cpu: -m.cpu}
	for _, p := range m.crowd.All() {
		now, err := p.Usage()
		if err != nil {
			return u, err
		}
		u.cpu += now.CPU.Seconds()
		peak := float64(now.Peak) / float64(potluck.MiB)
		if p == m.crowd.owner {
			u.ownerPeak = peak
		} else {
			u.hostPeak = max(u.hostPeak, peak)
		}
	}
	return u, nil
}
