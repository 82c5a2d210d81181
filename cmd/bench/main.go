// Command bench measures whole paths of a friendnet on this machine: real
// nodes in processes of their own, connected over loopback, writing to a disk.
// Beside each figure it prints the limit that the machine sets, measured in the
// same run, and how much of it is reached. docs/bench.md explains the figures.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"potluck"
)

// options is the command line.
type options struct {
	Names   []string `arg:"" optional:"" name:"NAME" help:"What to measure: limits, put (with get), small, idle, lists. Default: all but lists."`
	Size    size     `default:"1GiB" help:"Bytes of the file that is put and got (${default})."`
	Hosts   int      `default:"10" help:"Hosting nodes, each a process (${default})."`
	K       int      `default:"3" help:"Shares needed (${default})."`
	N       int      `default:"10" help:"Shares made (${default})."`
	Files   int      `default:"1000" help:"Files of 4 KiB that \"small\" puts (${default})."`
	Rows    int      `default:"1000000" help:"Shares that a node holds, and as many that are held for it, of which \"lists\" reads (${default})."`
	Seconds int      `default:"10" help:"How long \"idle\" watches (${default})."`
	Runs    int      `default:"1" help:"Runs of each; the median is printed (${default})."`
	Dir     string   `help:"Folder for data and shares; a new folder is made in it and removed after. Default: the system's temporary folder."`
	Program string   `help:"The potluck program to measure. Default: it is built from this source."`
	JSON    bool     `name:"json" help:"Print one JSON object a line: name, value, unit, limit, ratio."`
}

// size is a number of bytes as people write it.
type size potluck.Size

// UnmarshalText reads "500", "64K", "1.5GiB".
func (s *size) UnmarshalText(text []byte) error {
	v, err := potluck.ParseSize(string(text))
	*s = size(v)
	return err
}

// benchmarks lists what can be asked for, in the order in which it runs; the last
// one takes minutes, and is to be asked for.
var benchmarks = []string{"limits", "put", "small", "idle", "lists"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	kong.Parse(&o, kong.Name("bench"), kong.Description("Measures a friendnet on this machine against the machine's own limits."))
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func (o *options) check() error {
	if len(o.Names) == 0 {
		o.Names = benchmarks[:len(benchmarks)-1]
	}
	for i, name := range o.Names {
		if name == "get" {
			o.Names[i] = "put" // a get needs a put; both are measured
		} else if !slices.Contains(benchmarks, name) {
			return fmt.Errorf("%q is none of %s", name, strings.Join(benchmarks, ", "))
		}
	}
	switch {
	case o.K < 1 || o.N < o.K || o.N > potluck.MaxShares:
		return fmt.Errorf("%d-of-%d is not between 1-of-1 and %d-of-%[3]d", o.K, o.N, potluck.MaxShares)
	case o.Hosts < 1 || o.Files < 1 || o.Seconds < 1 || o.Runs < 1:
		return errors.New("hosts, files, seconds and runs must be at least 1")
	case o.Rows < 1000:
		return fmt.Errorf("%d rows are too few for a long list", o.Rows)
	case o.Size <= 128:
		return fmt.Errorf("%d bytes live in the cap itself; measure more than 128", o.Size)
	}
	return nil
}

func run(ctx context.Context, o options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Dir, "potluck-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	out := newPrinter(os.Stdout, o.JSON)
	out.remark("%s/%s, %d cores, %s; data in %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), dir)
	b := &bench{options: o, dir: dir, out: out, cores: runtime.NumCPU()}
	return b.run(ctx)
}
