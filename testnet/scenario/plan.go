package scenario

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"potluck"
	"potluck/testnet/sim"
)

// Plan is all that a file asks for: one point for each combination of swept
// values, and each point as often as there are replicates. It isn't changed
// after it was made.
type Plan struct {
	Name       string
	Seed       uint64
	Hash       string // SHA-256 of all that decides what comes out, in hex
	Axes       []Axis
	Points     []Point // the last axis varies fastest; without a sweep there is one
	Replicates int
	Output     Output
}

// Point is one combination of swept values.
type Point struct {
	Values   []string // one for each axis
	Scenario sim.Scenario
}

// Output is what is kept of a run.
type Output struct {
	Events int // records kept of each replicate, the first ones
}

// Override changes one key of a file before it is decoded.
type Override struct {
	Key   string // as in [sweep]; "sweep.KEY" changes the list of an axis
	Value any    // what the TOML decoder gives
}

// Load reads a file, and the graphs and traces that it names, which are looked
// for beside it. What is wrong with its contents is Errors.
func Load(path string, changes ...Override) (Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return Plan{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return Plan{}, fmt.Errorf("read %s: %w", path, err)
	}
	p, err := Parse(string(text), filepath.Dir(path), changes...)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// Parse is Load for the text of a file; other files are looked for in dir.
func Parse(text, dir string, changes ...Override) (Plan, error) {
	t, meta, lines, err := parseTree(text)
	if err != nil {
		return Plan{}, err
	}
	d := &decoder{lines: lines, shown: map[string]string{}, swept: map[string]int{}, files: newFiles(dir)}
	for _, c := range changes {
		if t, err = change(t, c); err != nil {
			return Plan{}, err
		}
	}
	base, out := d.scenario(t)
	axes := d.axes(t, meta.Keys())
	if len(d.errors) == 0 && len(axes) == 0 {
		d.validate(base)
	}
	if err := sorted(d.errors); err != nil {
		return Plan{}, err
	}
	p := Plan{Name: base.Name, Seed: base.Seed, Axes: axes, Replicates: base.Replicates, Output: out}
	if p.Points, err = points(d, t, axes); err != nil {
		return Plan{}, err
	}
	if jobs := len(p.Points) * p.Replicates; jobs > maxJobs {
		return Plan{}, Errors{{Line: lines.of("scenario.replicates"), Key: "scenario.replicates",
			Reason: fmt.Sprintf("%d points with %d replicates are %d runs; at most %d are allowed", len(p.Points), p.Replicates, jobs, maxJobs)}}
	}
	p.Hash, err = p.hash()
	return p, err
}

func change(t tree, c Override) (tree, error) {
	if key, ok := strings.CutPrefix(c.Key, "sweep."); ok {
		return t.withAxis(key, c.Value)
	}
	if c.Key == "scenario.replicates" {
		return t.with([]string{"scenario", "replicates"}, c.Value)
	}
	path, err := resolve(t, c.Key)
	if err != nil {
		return nil, fmt.Errorf("change %s: %w", c.Key, err)
	}
	return t.with(path, c.Value)
}

// points decodes the file once for each combination.
func points(d *decoder, t tree, axes []Axis) ([]Point, error) {
	count := 1
	for _, a := range axes {
		if count *= len(a.values); count > maxPoints {
			return nil, Errors{{Line: a.line, Key: "sweep." + a.Key, Reason: fmt.Sprintf("the lists make more than %d points", maxPoints)}}
		}
	}
	all := make([]Point, count)
	for i := range all {
		at, rest := t, i
		one := &decoder{lines: d.lines, shown: map[string]string{}, swept: map[string]int{}, files: d.files}
		values := make([]string, len(axes))
		for n := len(axes) - 1; n >= 0; n-- {
			a := axes[n]
			pick := rest % len(a.values)
			rest /= len(a.values)
			values[n] = a.Values[pick]
			changed, err := at.with(a.path, a.values[pick])
			if err != nil {
				return nil, Errors{{Line: a.line, Key: "sweep." + a.Key, Reason: err.Error()}}
			}
			at = changed
			one.swept[strings.Join(a.path, ".")] = a.line
		}
		s, _ := one.scenario(at)
		if len(one.errors) == 0 {
			one.validate(s)
		}
		if err := sorted(one.errors); err != nil {
			return nil, err
		}
		all[i] = Point{Values: values, Scenario: s}
	}
	return all, nil
}

// hash is over the decoded points, so remarks and layout of a file don't
// matter, and the graphs that it names do.
func (p Plan) hash() (string, error) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	if err := enc.Encode([]any{p.Name, p.Replicates, p.Output, p.Axes}); err != nil {
		return "", fmt.Errorf("hash of the scenario: %w", err)
	}
	var edges [][2]int // of the point before: most often the same
	for _, point := range p.Points {
		own := point.Scenario.Topology.Edges
		if len(own) > 0 && len(own) == len(edges) && &own[0] == &edges[0] {
			point.Scenario.Topology.Edges = nil
		}
		edges = own
		if err := enc.Encode(point); err != nil {
			return "", fmt.Errorf("hash of the scenario: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Job is one run of one point.
type Job struct {
	Index     int // in the plan, from 0: by point, then by replicate
	Point     int
	Replicate int
}

// Jobs gives the jobs of shard i of n, counted from 0: each n-th. All of them
// are shard 0 of 1.
func (p Plan) Jobs(i, n int) (all []Job) {
	for j := i; j < len(p.Points)*p.Replicates; j += n {
		all = append(all, Job{Index: j, Point: j / p.Replicates, Replicate: j % p.Replicates})
	}
	return all
}

// Cost is what runs are expected to take.
type Cost struct {
	Jobs   int
	Events int64        // of all jobs
	Memory potluck.Size // of the largest job
}

// Cost estimates the jobs.
func (p Plan) Cost(jobs []Job) Cost {
	c := Cost{Jobs: len(jobs)}
	point, events := -1, int64(0)
	for _, j := range jobs {
		if j.Point != point {
			var memory potluck.Size
			point = j.Point
			events, memory = sim.Estimate(p.Points[point].Scenario)
			c.Memory = max(c.Memory, memory)
		}
		c.Events += events
	}
	return c
}

// Weight is the estimated share of a job in the whole work, at least 1.
func (p Plan) Weight(j Job) int64 {
	events, _ := sim.Estimate(p.Points[j.Point].Scenario)
	return max(events, 1)
}

// Title names a point: "policy.max_hops=2, group.homes.split_keys=0.3".
func (p Plan) Title(point int) string {
	title := ""
	for i, a := range p.Axes {
		if i > 0 {
			title += ", "
		}
		title += a.Key + "=" + p.Points[point].Values[i]
	}
	return cmp.Or(title, p.Name)
}
