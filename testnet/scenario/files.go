package scenario

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// files reads what a scenario names, each file once.
type files struct {
	dir    string
	graphs map[string]loaded[[][2]int]
	traces map[string]loaded[Trace]
}

// loaded is what came of reading one file.
type loaded[T any] struct {
	value T
	err   error
}

func newFiles(dir string) *files {
	return &files{dir: dir, graphs: map[string]loaded[[][2]int]{}, traces: map[string]loaded[Trace]{}}
}

func (f *files) edges(name string) ([][2]int, error) {
	return once(f.graphs, f.dir, name, func(r io.Reader) ([][2]int, error) {
		read := ReadEdgeList
		if graphMLFile(name) {
			read = ReadGraphML
		}
		g, err := read(r)
		return g.Edges, err
	})
}

func (f *files) trace(name string) (Trace, error) { return once(f.traces, f.dir, name, ReadTrace) }

func once[T any](seen map[string]loaded[T], dir, name string, read func(io.Reader) (T, error)) (T, error) {
	if known, ok := seen[name]; ok {
		return known.value, known.err
	}
	var l loaded[T]
	l.value, l.err = open(dir, name, read)
	seen[name] = l
	return l.value, l.err
}

// open reads a file that lies beside the scenario or below, so that a folder
// is whole by itself wherever its shards run.
func open[T any](dir, name string, read func(io.Reader) (T, error)) (v T, err error) {
	if !filepath.IsLocal(name) {
		return v, fmt.Errorf("%s isn't beside the scenario file: copy it there and give its name alone", show(name))
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return v, err
	}
	defer f.Close()
	if v, err = read(f); err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}
