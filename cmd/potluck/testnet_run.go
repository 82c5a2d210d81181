package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"potluck"
	"potluck/testnet/report"
	"potluck/testnet/scenario"
)

type testnetSimCmd struct {
	File string `arg:"" help:"The scenario, a TOML file."`
	Out  string `placeholder:"DIR" help:"The run's folder. Default: the scenario's name and .run, here."`
	Jobs int    `short:"j" placeholder:"COUNT" help:"Runs at once; each has its own memory. Default: one a processor."`
	Yes  bool   `short:"y" help:"Run it, however long it takes."`

	Check  bool   `help:"Prove the books of each point's first replicate after every event; slower."`
	Expect string `placeholder:"FILE" help:"Compare the figures with what this file expects; exit code 8 if one is out of its range."`
	Small  bool   `help:"With --expect: the small size that the file says."`
}

// Help says more than one line.
func (t *testnetSimCmd) Help() string {
	return `Runs every point of the scenario's sweep as often as it has replicates, with nodes that are modelled and decisions of credit that are real. The folder then has manifest.json, summary.csv, timeseries.csv, events.jsonl and report.html, which needs no network. The same scenario, seed and version give the same bytes. An interrupted run goes on by the same command. What would take over 10 minutes is only told, unless --yes is said. The form of scenarios is in docs/spec/scenario.md.`
}

// Run runs a scenario.
func (t *testnetSimCmd) Run(ctx context.Context, c *cli) error {
	plan, expected, err := t.load()
	if err != nil {
		return ofRun(err)
	}
	workers, err := workersOf(t.Jobs)
	if err != nil {
		return err
	}
	cost := plan.Cost(plan.Jobs(0, 1))
	estimate := showCost(cost, workers)
	if time := wouldTake(cost, workers); time > patient && !t.Yes {
		return usagef("%s: say --yes to run it all the same, make the sweep smaller, or cut it into shards for a cluster with \"potluck testnet plan\"", estimate)
	}
	c.remark("%s", estimate)
	dir := t.Out
	if dir == "" {
		dir = plan.Name + ".run"
	}
	if err := c.simulate(ctx, report.Config{Dir: dir, Plan: plan, Workers: workers, Check: t.Check}); err != nil {
		return err
	}
	if err := c.showRun(dir, true); err != nil {
		return err
	}
	return judge(dir, plan, expected)
}

// load reads the scenario and what is expected of it.
func (t *testnetSimCmd) load() (plan scenario.Plan, e scenario.Expected, err error) {
	if t.Small && t.Expect == "" {
		return plan, e, usagef("--small takes its size from the file of --expect: say that too")
	}
	if t.Expect != "" {
		if e, err = scenario.LoadExpected(t.Expect); err != nil {
			return plan, e, err
		}
	}
	if t.Small {
		plan, err = scenario.Load(t.File, e.Small...)
	} else {
		plan, err = scenario.Load(t.File)
	}
	return plan, e, err
}

// judge compares a run with what is expected.
func judge(dir string, plan scenario.Plan, e scenario.Expected) error {
	o, err := report.Look(dir)
	if err != nil {
		return ofRun(err)
	}
	if wrong := e.Judge(plan, o.Means); len(wrong) > 0 {
		return &exitErr{exitDamage, fmt.Errorf("%s as expected:\n%s", pick(len(wrong) == 1, "one figure isn't", fmt.Sprintf("%d figures aren't", len(wrong))), strings.Join(wrong, "\n"))}
	}
	return nil
}

func showCost(cost scenario.Cost, workers int) string {
	at := max(1, min(workers, cost.Jobs))
	return fmt.Sprintf("%s, %d at once: about %.3g events, %s, %v of memory", plural(cost.Jobs, "run"), at, float64(cost.Events), about(wouldTake(cost, workers)), cost.Memory*potluck.Size(at))
}

func workersOf(jobs int) (int, error) {
	if jobs < 0 || jobs > 1024 {
		return 0, usagef("--jobs %d is not between 1 and 1024", jobs)
	}
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	return jobs, nil
}

type testnetRunCmd struct {
	File  string    `arg:"" help:"The scenario, a TOML file."`
	Shard shardFlag `required:"" placeholder:"I/N" help:"Which part: 0/8 to 7/8 are all of eight."`
	Out   string    `required:"" placeholder:"DIR" help:"The shard's own folder."`
	Jobs  int       `short:"j" placeholder:"COUNT" help:"Runs at once; each has its own memory. Default: one a processor."`
}

// shardReport is the JSON of a shard that is done.
type shardReport struct {
	Dir   string       `json:"dir"`
	Shard report.Shard `json:"shard"`
	Runs  int          `json:"runs"`
}

// Run runs one shard.
func (t *testnetRunCmd) Run(ctx context.Context, c *cli) error {
	plan, err := scenario.Load(t.File)
	if err != nil {
		return ofRun(err)
	}
	workers, err := workersOf(t.Jobs)
	if err != nil {
		return err
	}
	jobs := plan.Jobs(t.Shard.Index, t.Shard.Of)
	c.remark("shard %d of %d: %s", t.Shard.Index, t.Shard.Of, showCost(plan.Cost(jobs), workers))
	if err := c.simulate(ctx, report.Config{Dir: t.Out, Plan: plan, Shard: &t.Shard.Shard, Workers: workers}); err != nil {
		return err
	}
	if c.JSON {
		return c.emit(resultLine[shardReport]{shardReport{Dir: t.Out, Shard: t.Shard.Shard, Runs: len(jobs)}})
	}
	c.printf("shard %d of %d is done: %s in %s", t.Shard.Index, t.Shard.Of, plural(len(jobs), "run"), t.Out)
	return nil
}

// simulate runs with progress, and says how to go on when it is interrupted.
func (c *cli) simulate(ctx context.Context, r report.Config) error {
	gauge := &gauge{c: c, start: time.Now()}
	r.Progress = gauge.show
	err := report.Run(ctx, r)
	gauge.end()
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted with %d of %s done; the same command goes on from there", gauge.last.Done, plural(gauge.last.Jobs, "run"))
	}
	return ofRun(err)
}

// gauge shows how far a simulation is: a line that changes on a terminal, lines
// of JSON with --json, else a remark now and then.
type gauge struct {
	c     *cli
	start time.Time
	told  time.Time
	last  report.Progress
	width int // of what stands on the terminal
}

// simProgress is one line of progress with --json.
type simProgress struct {
	Progress struct {
		Runs int     `json:"runs"`
		Done int     `json:"done"`
		Part float64 `json:"part"`         // of the work, 0 to 1
		Left int64   `json:"left_seconds"` // -1: not known yet
	} `json:"progress"`
}

// show takes one report; Run calls it from one goroutine at a time.
func (g *gauge) show(p report.Progress) {
	first := g.last.Jobs == 0
	g.last = p
	pause := time.Minute
	if g.c.errTerminal || g.c.JSON {
		pause = 200 * time.Millisecond
	}
	now := time.Now()
	if g.c.Quiet || !first && now.Sub(g.told) < pause {
		return
	}
	g.told = now
	left := g.left(now)
	switch {
	case g.c.JSON:
		var line simProgress
		line.Progress.Runs, line.Progress.Done, line.Progress.Part, line.Progress.Left = p.Jobs, p.Done, p.Part, -1
		if left >= 0 {
			line.Progress.Left = int64(left.Seconds())
		}
		g.c.emit(line) // a reader that has gone is found out with the result
	case g.c.errTerminal:
		g.draw(g.line(left))
	case !first:
		g.c.remark("%s", g.line(left))
	}
}

// left guesses the time that is left from what was done since the start; -1:
// too little was.
func (g *gauge) left(now time.Time) time.Duration {
	own := g.last.Part - g.last.Resumed
	if own < 0.001 {
		return -1
	}
	return time.Duration(float64(now.Sub(g.start)) * (1 - g.last.Part) / own)
}

func (g *gauge) line(left time.Duration) string {
	text := fmt.Sprintf("%3.0f %%  %d of %s", g.last.Part*100, g.last.Done, plural(g.last.Jobs, "run"))
	if left >= 0 {
		text += ", " + about(left) + " left"
	}
	return text
}

func (g *gauge) draw(text string) {
	fmt.Fprint(g.c.err, "\r"+text+strings.Repeat(" ", max(0, g.width-len(text))))
	g.width = len(text)
}

// end leaves the last line as it stands.
func (g *gauge) end() {
	if g.width > 0 {
		g.draw(g.line(-1))
		fmt.Fprintln(g.c.err)
	}
}
