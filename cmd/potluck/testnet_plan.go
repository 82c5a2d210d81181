package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"potluck"
	"potluck/internal/durable"
	"potluck/testnet/report"
	"potluck/testnet/scenario"
)

type testnetPlanCmd struct {
	File   string `arg:"" help:"The scenario, a TOML file."`
	Shards int    `placeholder:"COUNT" help:"Into how many parts it is cut. Default: one for each run, at most 100."`
	Out    string `placeholder:"DIR" default:"." help:"Where kubernetes.yaml and slurm.sh are written."`
	Image  string `placeholder:"IMAGE" default:"potluck" help:"Kubernetes: the container image that has the program."`
	Claim  string `placeholder:"NAME" default:"potluck" help:"Kubernetes: the volume claim that holds the scenario and takes the shards."`
}

// Help says more than one line.
func (t *testnetPlanCmd) Help() string {
	return `Writes an indexed Job for Kubernetes and an array script for Slurm. Both run "potluck testnet run" once for each shard; "potluck testnet merge" joins the shards to the bytes that one run would have. A shard that was lost is started again by the cluster, and goes on.`
}

// planReport is the JSON of "testnet plan".
type planReport struct {
	Name       string       `json:"name"`
	Points     int          `json:"points"`
	Replicates int          `json:"replicates"`
	Runs       int          `json:"runs"`
	Shards     int          `json:"shards"`
	Events     int64        `json:"events"`  // estimated, of all runs
	Seconds    int64        `json:"seconds"` // estimated, of the longest shard on one processor
	Memory     potluck.Size `json:"memory"`  // estimated, of the largest run
	Files      []string     `json:"files"`
}

// maxShards bounds what a cluster is asked for.
const maxShards = 100_000

// Run writes the scripts.
func (t *testnetPlanCmd) Run(c *cli) error {
	plan, err := scenario.Load(t.File)
	if err != nil {
		return ofRun(err)
	}
	jobs := plan.Jobs(0, 1)
	shards := t.Shards
	if shards == 0 {
		shards = min(len(jobs), 100)
	}
	if shards < 1 || shards > min(maxShards, len(jobs)) {
		return usagef("--shards %d is not between 1 and the scenario's %s", t.Shards, plural(min(maxShards, len(jobs)), "run"))
	}
	file, err := filepath.Abs(t.File)
	if err != nil {
		return err
	}
	all, first := plan.Cost(jobs), plan.Cost(plan.Jobs(0, shards))
	b := report.Batch{Name: plan.Name, File: filepath.Base(file), Shards: shards, Memory: all.Memory, Time: wouldTake(first, 1), Image: t.Image, Claim: t.Claim}
	r := planReport{Name: plan.Name, Points: len(plan.Points), Replicates: plan.Replicates, Runs: len(jobs), Shards: shards,
		Events: all.Events, Seconds: int64(b.Time.Seconds()), Memory: all.Memory}
	slurm := b
	slurm.File, slurm.Out = file, "shards"
	for _, script := range []struct{ name, text string }{{"kubernetes.yaml", b.Kubernetes()}, {"slurm.sh", slurm.Slurm()}} {
		path := filepath.Join(t.Out, script.name)
		if err := os.MkdirAll(t.Out, 0o755); err != nil {
			return fmt.Errorf("make %s: %w", t.Out, err)
		}
		if err := durable.WriteFile(path, []byte(script.text), 0o644); err != nil {
			return err
		}
		r.Files = append(r.Files, path)
	}
	if c.JSON {
		return c.emit(r)
	}
	c.printf("%s: %s with %s, %s", plan.Name, plural(r.Points, "point"), plural(r.Replicates, "replicate"), plural(r.Runs, "run"))
	c.printf("%s of about %s each on one processor, with up to %v of memory", plural(shards, "shard"), about(b.Time), all.Memory)
	c.printf("wrote %s", strings.Join(r.Files, " and "))
	return nil
}
