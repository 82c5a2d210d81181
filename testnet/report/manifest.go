package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"potluck"
	"potluck/internal/durable"
	"potluck/testnet/scenario"
)

// Names in the folder of a run.
const (
	manifestName = "manifest.json"
	eventsName   = "events.jsonl"
	seriesName   = "timeseries.csv"
	summaryName  = "summary.csv"
	htmlName     = "report.html"
	partsName    = "parts"
)

// format is the version of the files' form.
const format = 1

// maxManifest is the greatest length of a manifest in bytes: a shard's names
// each of its jobs.
const maxManifest = 512 << 20

// Manifest says what a folder has.
type Manifest struct {
	Identity
	Shard   *Shard `json:"shard,omitempty"` // nil: all jobs
	Done    bool   `json:"done"`
	LeftOut int64  `json:"events_left_out"` // records beyond what the scenario keeps
	Files   []File `json:"files"`           // empty until the run is done
}

// Identity is what decides the bytes. Only runs with one identity are joined.
type Identity struct {
	Format     int    `json:"format"`
	Version    string `json:"version"`
	Revision   string `json:"revision,omitempty"` // of the source, where the build knows it
	Go         string `json:"go"`
	Arch       string `json:"arch"` // floating point differs between kinds of processors
	Name       string `json:"name"`
	Hash       string `json:"scenario_sha256"`
	Seed       uint64 `json:"seed"`
	Points     int    `json:"points"`
	Replicates int    `json:"replicates"`
	Axes       []Axis `json:"axes"`
}

// Axis is one key that was varied, with the values that it took.
type Axis struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

// Shard is which part of the jobs a folder has: each Of-th, from Index on.
type Shard struct {
	Index int `json:"index"` // from 0
	Of    int `json:"of"`
}

// File is one file of a folder.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// identify gives the identity of runs of a plan by this program.
func identify(p scenario.Plan) Identity {
	id := Identity{
		Format: format, Version: potluck.Version, Go: runtime.Version(), Arch: runtime.GOARCH,
		Name: p.Name, Hash: p.Hash, Seed: p.Seed, Points: len(p.Points), Replicates: p.Replicates,
		Axes: []Axis{},
	}
	for _, a := range p.Axes {
		id.Axes = append(id.Axes, Axis{Key: a.Key, Values: a.Values})
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" {
				id.Revision = s.Value + id.Revision
			}
			if s.Key == "vcs.modified" && s.Value == "true" {
				id.Revision += "+"
			}
		}
	}
	return id
}

// jobs is how many runs there are in all.
func (id Identity) jobs() int { return id.Points * id.Replicates }

// values gives the values of the axes at a point: the last varies fastest.
func (id Identity) values(point int) []string {
	all := make([]string, len(id.Axes))
	for i := len(all) - 1; i >= 0; i-- {
		all[i] = id.Axes[i].Values[point%len(id.Axes[i].Values)]
		point /= len(id.Axes[i].Values)
	}
	return all
}

// title names a point.
func (id Identity) title(point int) string {
	title := ""
	for i, v := range id.values(point) {
		if i > 0 {
			title += ", "
		}
		title += id.Axes[i].Key + "=" + v
	}
	if title == "" {
		return id.Name
	}
	return title
}

// check tells whether the numbers fit together.
func (m Manifest) check() error {
	points := 1
	for _, a := range m.Axes {
		if len(a.Values) == 0 || points > 1<<30 {
			return fmt.Errorf("axis %q has %d values", a.Key, len(a.Values))
		}
		points *= len(a.Values)
	}
	switch {
	case m.Format != format:
		return fmt.Errorf("its format is %d, this program knows %d", m.Format, format)
	case points != m.Points || m.Replicates < 1 || m.Replicates > 1<<30:
		return fmt.Errorf("its axes make %d points, it says %d with %d replicates", points, m.Points, m.Replicates)
	case m.Shard != nil && (m.Shard.Of < 1 || m.Shard.Index < 0 || m.Shard.Index >= m.Shard.Of):
		return fmt.Errorf("it says that it is shard %d of %d", m.Shard.Index, m.Shard.Of)
	}
	return nil
}

// differs says in which key two identities differ first; "" if in none.
func (id Identity) differs(other Identity) string {
	for _, d := range []struct {
		what string
		a, b any
	}{
		{"scenario", id.Name, other.Name}, {"SHA-256 of the scenario", id.Hash, other.Hash}, {"version", id.Version, other.Version},
		{"revision", id.Revision, other.Revision}, {"Go version", id.Go, other.Go}, {"kind of processor", id.Arch, other.Arch},
	} {
		if d.a != d.b {
			return fmt.Sprintf("%s %v, not %v", d.what, d.a, d.b)
		}
	}
	mine, _ := json.Marshal(id) // plain data
	theirs, _ := json.Marshal(other)
	if !bytes.Equal(mine, theirs) {
		return "other seeds, replicates or swept values"
	}
	return ""
}

// ErrDamaged is in every error about a folder whose files aren't as they were
// written: cut short, changed or missing.
var ErrDamaged = errors.New("damaged")

// readManifest reads the manifest of a folder. One that isn't there is an
// error with os.ErrNotExist.
func readManifest(dir string) (m Manifest, err error) {
	path := filepath.Join(dir, manifestName)
	if err := readJSON(path, maxManifest, &m); err != nil {
		return m, err
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("%s is %w: %w", path, ErrDamaged, err)
	}
	return m, nil
}

// readJSON reads a file that is one JSON object with the keys of v.
func readJSON(path string, most int64, v any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(text)) > most {
		return fmt.Errorf("%s is %w: it has more than %d bytes", path, ErrDamaged, most)
	}
	if err := decode(text, v); err != nil {
		return fmt.Errorf("%s is %w, perhaps cut short (%d bytes): %w", path, ErrDamaged, len(text), err)
	}
	return nil
}

// decode reads one JSON object with the keys of v, and nothing behind it.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return fmt.Errorf("%d bytes stand behind it", len(rest))
	}
	return nil
}

// writeJSON writes v, indented, durably.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return durable.WriteFile(path, append(text, '\n'), 0o644)
}
