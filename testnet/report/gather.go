package report

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"potluck/testnet/scenario"
)

// seriesHead are the columns of timeseries.csv.
const seriesHead = "point,replicate,time,metric,group,value\n"

// gather joins the parts of all jobs into the files of a whole run. from says
// in which folder the parts of a job are.
func gather(ctx context.Context, dir string, id Identity, from func(job int) string) error {
	g := gathering{dir: dir, id: id, from: from}
	if err := g.readParts(); err != nil {
		return err
	}
	m := Manifest{Identity: id, Done: true}
	for _, p := range g.parts {
		m.LeftOut += p.LeftOut
	}
	for _, one := range []struct {
		name string
		fill func(context.Context, io.Writer) error
	}{{eventsName, g.events}, {seriesName, g.series}, {summaryName, g.summary}} {
		f, err := write(ctx, filepath.Join(dir, one.name), one.fill)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}
	if err := writeJSON(filepath.Join(dir, manifestName), m); err != nil {
		return err
	}
	if err := writeHTML(dir, m); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, partsName))
}

// write makes one file, whole or not at all.
func write(ctx context.Context, path string, fill func(context.Context, io.Writer) error) (File, error) {
	s, err := newStream(path)
	if err != nil {
		return File{}, err
	}
	defer s.drop()
	if err := fill(ctx, s); err != nil {
		return File{}, err
	}
	return s.commit()
}

// gathering is the parts of a run while they are joined.
type gathering struct {
	dir   string
	id    Identity
	from  func(job int) string
	parts []part
}

func (g *gathering) readParts() error {
	for job := range g.id.jobs() {
		p, err := readPart(g.from(job), job)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is %w: run %d of %d isn't there", g.from(job), ErrDamaged, job, g.id.jobs())
		}
		if err != nil {
			return err
		}
		g.parts = append(g.parts, p)
	}
	return nil
}

func (g *gathering) events(ctx context.Context, w io.Writer) error {
	return g.join(ctx, w, func(p part) File { return p.Events })
}

func (g *gathering) series(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, seriesHead); err != nil {
		return err
	}
	return g.join(ctx, w, func(p part) File { return p.Series })
}

func (g *gathering) join(ctx context.Context, w io.Writer, which func(part) File) error {
	for job, p := range g.parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := which(p)
		if f.Name != filepath.Base(f.Name) {
			return fmt.Errorf("%s is %w: it names the file %q", partPath(g.from(job), job, "json"), ErrDamaged, f.Name)
		}
		if err := checkFile(filepath.Join(g.from(job), partsName, f.Name), f, w); err != nil {
			return err
		}
	}
	return nil
}

// summary writes a row for each job: point, what was varied, replicate, seed,
// then every figure that any job has. Figures come first, in their own order,
// then counts of records by name.
func (g *gathering) summary(_ context.Context, w io.Writer) error {
	columns := g.columns()
	place := map[string]int{}
	head := []string{"point"}
	for _, a := range g.id.Axes {
		head = append(head, a.Key)
	}
	head = append(head, "replicate", "seed")
	for _, c := range columns {
		place[c] = len(head)
		head = append(head, c)
	}
	out := csv.NewWriter(w)
	if err := out.Write(head); err != nil {
		return err
	}
	row := make([]string, len(head))
	for job, p := range g.parts {
		clear(row)
		point := job / g.id.Replicates
		copy(row, append([]string{strconv.Itoa(point)}, g.id.values(point)...))
		row[1+len(g.id.Axes)] = strconv.Itoa(job % g.id.Replicates)
		row[2+len(g.id.Axes)] = strconv.FormatUint(g.id.Seed, 10)
		for _, f := range p.Figures {
			row[place[f.Name]] = f.Value
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// columns gives the names of all figures.
func (g *gathering) columns() (all []string) {
	seen := map[string]bool{}
	for _, p := range g.parts {
		for _, f := range p.Figures {
			if !seen[f.Name] {
				seen[f.Name] = true
				all = append(all, f.Name)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		ra, rb := strings.HasPrefix(a, "record"), strings.HasPrefix(b, "record")
		switch {
		case ra && rb:
			return cmp.Compare(a, b)
		case ra:
			return 1
		case rb:
			return -1
		}
		return 0
	})
	return all
}

// sealShard writes a shard's manifest: with it the shard is done.
func sealShard(dir string, m Manifest, jobs []scenario.Job) error {
	m.Done, m.Files = true, []File{}
	for _, j := range jobs {
		p, err := readPart(dir, j.Index)
		if err != nil {
			return err
		}
		m.LeftOut += p.LeftOut
		for _, f := range []File{p.Events, p.Series} {
			f.Name = partsName + "/" + f.Name
			m.Files = append(m.Files, f)
		}
		own, err := hashFile(partPath(dir, j.Index, "json"))
		if err != nil {
			return err
		}
		m.Files = append(m.Files, own)
	}
	left, err := filepath.Glob(filepath.Join(dir, partsName, "*"+unfinished))
	if err != nil {
		return err
	}
	for _, path := range left { // of a run that was killed
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(dir, manifestName), m)
}
