package sim

import (
	"context"
	"fmt"
	"testing"

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

// BenchmarkRun tells what an event costs, by the number of nodes. In short spans
// most is the first placing of everything, which costs more than later days.
func BenchmarkRun(b *testing.B) {
	for _, size := range []struct{ nodes, days int }{{100, 365}, {1_000, 365}, {10_000, 60}, {100_000, 8}} {
		b.Run(fmt.Sprint(size.nodes), func(b *testing.B) {
			b.ReportAllocs()
			var events float64
			for b.Loop() {
				sum, err := Run(context.Background(), crowd(size.nodes, size.days), 0, silent{})
				if err != nil {
					b.Fatal(err)
				}
				n, _ := sum.Get("events")
				events += n
			}
			b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(events/float64(b.N), "events/op")
		})
	}
}
