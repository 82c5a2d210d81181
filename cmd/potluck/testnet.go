package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"potluck/testnet/report"
	"potluck/testnet/scenario"
)

type testnetCmd struct {
	Up   testnetUpCmd   `cmd:"" help:"Start a friendnet of real nodes on this machine, by hand."`
	Down testnetDownCmd `cmd:"" help:"End it."`
	Ls   testnetLsCmd   `cmd:"" help:"List its nodes."`

	Sim    testnetSimCmd    `cmd:"" help:"Run a scenario of modelled nodes, and write a report."`
	Plan   testnetPlanCmd   `cmd:"" help:"Cut a scenario into shards for a cluster: Kubernetes and Slurm."`
	Run    testnetRunCmd    `cmd:"" help:"Run one shard of a scenario."`
	Merge  testnetMergeCmd  `cmd:"" help:"Join all shards of a scenario into one run."`
	Report testnetReportCmd `cmd:"" help:"Check a run's files, and write its report anew."`
}

type testnetMergeCmd struct {
	Shards []string `arg:"" help:"The folders of all shards, in any order."`
	Out    string   `required:"" placeholder:"DIR" help:"The run's folder, a new one."`
}

// Run joins shards.
func (t *testnetMergeCmd) Run(ctx context.Context, c *cli) error {
	if err := report.Merge(ctx, t.Out, t.Shards); err != nil {
		return ofRun(err)
	}
	return c.showRun(t.Out, false)
}

type testnetReportCmd struct {
	Dir string `arg:"" help:"The folder of a run that is done."`
}

// Run writes report.html anew.
func (t *testnetReportCmd) Run(c *cli) error {
	if err := report.Rebuild(t.Dir); err != nil {
		return ofRun(err)
	}
	return c.showRun(t.Dir, false)
}

// ofRun gives an error of a scenario or a run its exit code.
func ofRun(err error) error {
	var wrong scenario.Errors
	switch {
	case errors.As(err, &wrong):
		return &exitErr{exitUsage, err}
	case errors.Is(err, report.ErrDamaged):
		return &exitErr{exitDamage, err}
	}
	return err
}

// ranReport is the JSON of a run that is done.
type ranReport struct {
	Dir    string        `json:"dir"`
	Report string        `json:"report"` // the page
	Runs   int           `json:"runs"`
	Points []pointReport `json:"points"`
}

// pointReport is one combination of what a scenario varies.
type pointReport struct {
	Title   string            `json:"title"`
	Figures map[string]string `json:"figures"` // as people read them; summary.csv has the numbers
}

// showRun prints the headline of a finished run.
func (c *cli) showRun(dir string, lines bool) error {
	o, err := report.Look(dir)
	if err != nil {
		return ofRun(err)
	}
	page := filepath.Join(dir, "report.html")
	if c.JSON {
		r := ranReport{Dir: dir, Report: page, Runs: o.Runs, Points: []pointReport{}}
		for i, title := range o.Points {
			p := pointReport{Title: title, Figures: map[string]string{}}
			for j, name := range o.Figures {
				p.Figures[name] = o.Cells[i][j]
			}
			r.Points = append(r.Points, p)
		}
		if lines {
			return c.emit(resultLine[ranReport]{r})
		}
		return c.emit(r)
	}
	heads := []string{""}
	for _, name := range o.Figures {
		heads = append(heads, ">"+strings.ReplaceAll(strings.TrimSuffix(name, "_bytes"), "_", " "))
	}
	t := newTable(heads...)
	for i, title := range o.Points {
		row := []any{title}
		for _, cell := range o.Cells[i] {
			row = append(row, cell)
		}
		t.add(row...)
	}
	if err := t.write(c.out); err != nil {
		return err
	}
	c.printf("%s; the means of %s; look at %s", plural(len(o.Points), "point"), plural(o.Runs, "run"), page)
	return nil
}

// shardFlag is "i/n", counted from 0.
type shardFlag struct{ report.Shard }

// UnmarshalText reads it.
func (s *shardFlag) UnmarshalText(text []byte) error {
	index, of, ok := strings.Cut(string(text), "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || n < 1 || i < 0 || i >= n {
		return fmt.Errorf("shard %q is not like 0/8, 1/8 to 7/8", text)
	}
	s.Index, s.Of = i, n
	return nil
}

// eventsPerSecond is what one processor handles, roughly; more in small nets.
const eventsPerSecond = 200_000

// patient is how long a run may take before it wants to be confirmed.
const patient = 10 * time.Minute

// wouldTake guesses how long runs take on so many workers.
func wouldTake(cost scenario.Cost, workers int) time.Duration {
	seconds := float64(cost.Events) / eventsPerSecond / float64(max(1, min(workers, cost.Jobs)))
	return time.Duration(min(seconds, math.MaxInt64/2e9) * float64(time.Second))
}

// about gives a length of time for people.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(math.Ceil(d.Seconds()))))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(math.Ceil(d.Minutes())))
	case d < 72*time.Hour:
		return fmt.Sprintf("%.1f hours", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}
