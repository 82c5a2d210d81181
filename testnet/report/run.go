package report

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"potluck/internal/durable"
	"potluck/testnet/scenario"
	"potluck/testnet/sim"
)

// Config is what to run, and where.
type Config struct {
	Dir      string // the run's folder; made if it isn't there
	Plan     scenario.Plan
	Shard    *Shard         // nil: all jobs, and the files that are joined from them
	Workers  int            // jobs at once; each takes a processor and its own memory
	Check    bool           // each point's first replicate proves its books after every event; the bytes are the same
	Progress func(Progress) // is called from one goroutine at a time, often; may be nil
}

// Progress is how far a run is.
type Progress struct {
	Jobs, Done int     // Done counts those that were found done, too
	Part       float64 // of the whole work, 0 to 1
	Resumed    float64 // the part that was found done
}

// Run runs the jobs that aren't done in a folder yet, and completes its files.
// When ctx ends, what is done stays, and Run of the same plan goes on from there,
// to the same bytes. A folder of another scenario or program is refused; so is
// one with damaged parts.
func Run(ctx context.Context, c Config) error {
	id := identify(c.Plan)
	done, err := prepare(c.Dir, Manifest{Identity: id, Shard: c.Shard, Files: []File{}})
	if err != nil {
		return err
	}
	if done {
		return finished(c.Dir, c.Shard)
	}
	jobs := c.Plan.Jobs(0, 1)
	if c.Shard != nil {
		jobs = c.Plan.Jobs(c.Shard.Index, c.Shard.Of)
	}
	if err := c.runJobs(ctx, jobs); err != nil {
		return err
	}
	if c.Shard != nil {
		return sealShard(c.Dir, Manifest{Identity: id, Shard: c.Shard}, jobs)
	}
	return gather(ctx, c.Dir, id, func(int) string { return c.Dir })
}

// prepare makes the folder a run of m, or finds that it is one. done says that
// its files are complete.
func prepare(dir string, m Manifest) (done bool, err error) {
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return false, fmt.Errorf("make %s: %w", dir, err)
	}
	old, err := readManifest(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, claim(dir, m)
	}
	if err != nil {
		return false, err
	}
	if d := old.differs(m.Identity); d != "" {
		return false, fmt.Errorf("%s has another run: %s; name a new folder, or remove that one", dir, d)
	}
	if a, b := showShard(old.Shard), showShard(m.Shard); a != b {
		return false, fmt.Errorf("%s has %s, not %s; name a new folder", dir, a, b)
	}
	if old.Done {
		return true, nil
	}
	return false, durable.MkdirAll(filepath.Join(dir, partsName), 0o755)
}

// claim writes the first manifest of a run, into an empty folder only.
func claim(dir string, m Manifest) error {
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !strings.HasPrefix(f.Name(), ".") { // a manifest that was never named
			return fmt.Errorf("%s has files and no %s (%s is one of %d): name a new folder", dir, manifestName, f.Name(), len(found))
		}
	}
	if err := durable.MkdirAll(filepath.Join(dir, partsName), 0o755); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, manifestName), m)
}

func showShard(s *Shard) string {
	if s == nil {
		return "a whole run"
	}
	return fmt.Sprintf("shard %d of %d", s.Index, s.Of)
}

// runJobs runs what isn't done yet.
func (c Config) runJobs(ctx context.Context, jobs []scenario.Job) error {
	t := newTracker(c.Plan, jobs, c.Progress)
	var open []scenario.Job
	for _, j := range jobs {
		p, err := readPart(c.Dir, j.Index)
		switch {
		case err == nil && whole(c.Dir, j.Index, p):
			t.found(j)
		case err == nil || errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrDamaged):
			open = append(open, j) // what a crash left is made anew: it can't differ
		default:
			return err
		}
	}
	t.tell()
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.Workers))
	for _, j := range open {
		if running.Err() != nil {
			break
		}
		group.Go(func() error { // ends with the job, or with ctx
			if err := c.runJob(running, j, t); err != nil {
				return fmt.Errorf("%s, replicate %d: %w", c.Plan.Title(j.Point), j.Replicate, err)
			}
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// whole tells from their lengths whether a job's files are there. Their hashes
// are looked at when they are joined.
func whole(dir string, job int, p part) bool {
	for _, f := range []File{p.Events, p.Series} {
		st, err := os.Stat(filepath.Join(dir, partsName, f.Name))
		if err != nil || st.Size() != f.Bytes {
			return false
		}
	}
	return true
}

func (c Config) runJob(ctx context.Context, j scenario.Job, t *tracker) error {
	s := c.Plan.Points[j.Point].Scenario
	s.Check = c.Check && j.Replicate == 0
	length := float64(s.Days) * 86400
	r, err := newRecorder(c.Dir, j, c.Plan.Output.Events, func(time int64) { t.at(j, float64(time)/length) })
	if err != nil {
		return err
	}
	defer r.drop()
	summary, err := sim.Run(ctx, s, j.Replicate, r)
	if err != nil {
		return err
	}
	if err := r.commit(c.Dir, j.Index, summary); err != nil {
		return err
	}
	t.done(j)
	return nil
}

// tracker sums the progress of jobs that run at once.
type tracker struct {
	plan scenario.Plan
	to   func(Progress)

	mu      sync.Mutex
	p       Progress        // under mu, as all below
	total   float64         // estimated events of all jobs
	ended   float64         // of those that are done
	running map[int]float64 // by job: events so far
	weights map[int]float64 // by point
}

func newTracker(p scenario.Plan, jobs []scenario.Job, to func(Progress)) *tracker {
	t := &tracker{plan: p, to: to, p: Progress{Jobs: len(jobs)}, running: map[int]float64{}, weights: map[int]float64{}}
	for _, j := range jobs {
		t.total += t.weight(j)
	}
	return t
}

func (t *tracker) weight(j scenario.Job) float64 {
	w, ok := t.weights[j.Point]
	if !ok {
		w = float64(t.plan.Weight(j))
		t.weights[j.Point] = w
	}
	return w
}

func (t *tracker) found(j scenario.Job) {
	t.ended += t.weight(j)
	t.p.Done++
	t.p.Resumed = t.ended / t.total
}

func (t *tracker) at(j scenario.Job, part float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running[j.Index] = t.weight(j) * min(part, 1)
	t.tell()
}

func (t *tracker) done(j scenario.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, j.Index)
	t.ended += t.weight(j)
	t.p.Done++
	t.tell()
}

// tell reports; under mu, or before any job runs.
func (t *tracker) tell() {
	if t.to == nil {
		return
	}
	sum := t.ended
	for _, w := range t.running {
		sum += w
	}
	t.p.Part = min(1, sum/max(t.total, 1))
	t.to(t.p)
}
