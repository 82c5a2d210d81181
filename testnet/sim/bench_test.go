package sim

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"potluck"
)

// silent observes nothing.
type silent struct{}

func (silent) Sample(Sample) error { return nil }
func (silent) Record(Record) error { return nil }

// crowd is n homes with churn for so many days, in the shape of a year of 400
// events each.
func crowd(n, days int) Scenario {
	s := home(n, days)
	s.Check = false
	s.Step = 7 * day
	s.Groups[0].Uptime = Uptime{Session: 18 * day, Absence: 2 * day, Shape: 0.7}
	s.Topology.Degree = 10
	s.Policy.Opening = 16 * potluck.GiB
	return s
}

// cost is what runs of one size took.
type cost struct {
	nodes   int
	events  int64         // of one run
	event   time.Duration // of CPU time, its setting up included; the median of runs
	perNode uint64        // bytes in use at the end
}

// BenchmarkScale prints what an event costs by the number of nodes, on one
// processor, in CPU time: go test ./testnet/sim -run '^$' -bench Scale -benchtime
// 1x. POTLUCK_DAYS says how long the runs are, in place of 60 days: in short ones
// more of the events are the first placing of everything, which costs the most.
// POTLUCK_RUNS says of how many runs the median is taken, in place of 3.
func BenchmarkScale(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	days, runs := fromEnv(b, "POTLUCK_DAYS", 60), fromEnv(b, "POTLUCK_RUNS", 3)
	for b.Loop() {
		var costs []cost
		for _, nodes := range []int{100, 1_000, 10_000, 100_000} {
			costs = append(costs, measure(b, nodes, days, runs))
		}
		b.Log(table(costs))
		first, last := costs[0], costs[len(costs)-1]
		b.ReportMetric(float64(last.event), "cpu-ns/event")
		b.ReportMetric(float64(last.event)/float64(first.event), "ratio")
	}
}

// measure takes the median of so many measurements, each of as many runs as it
// takes to come to half a million events.
func measure(b *testing.B, nodes, days, runs int) cost {
	c := cost{nodes: nodes}
	var each []time.Duration
	for range runs {
		var spent time.Duration
		var events int64
		before := inUse()
		for events < 500_000 {
			began := processorTime()
			w := newWorld(crowd(nodes, days), 0, silent{})
			if err := w.run(context.Background()); err != nil {
				b.Fatal(err)
			}
			spent += processorTime() - began
			events, c.events = events+w.events, w.events
			if events >= 500_000 {
				c.perNode = (max(before, inUse()) - before) / uint64(nodes)
				runtime.KeepAlive(w)
			}
		}
		each = append(each, spent/time.Duration(events))
	}
	slices.Sort(each)
	c.event = each[len(each)/2]
	return c
}

// inUse is how many bytes of the heap are reachable.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// table sets what events cost beside how the logarithm of the size grows.
func table(costs []cost) string {
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nnodes\tevents\tns/event\tevents/s\tbytes/node\tof the first\tlogarithms\t")
	for _, c := range costs {
		first := costs[0]
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%d\t%.2f\t%.2f\t\n", c.nodes, c.events, c.event.Nanoseconds(), time.Second/c.event, c.perNode,
			float64(c.event)/float64(first.event), math.Log(float64(c.nodes))/math.Log(float64(first.nodes)))
	}
	t.Flush()
	return text.String()
}

// fromEnv is a number of the environment, or what it is without.
func fromEnv(b *testing.B, name string, without int) int {
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("%s=%q is no number above 0", name, text)
	}
	return n
}
