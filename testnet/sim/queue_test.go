package sim

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue against a list that is sorted anew each time. What is added is never
// before what was taken.
func TestQueueInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var list []event
		now := int64(0)
		spans := []int64{0, 3, slotSeconds, day, slots * slotSeconds, 40 * day}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "add") {
				at := now + rapid.Int64Range(0, rapid.SampledFrom(spans).Draw(t, "span")).Draw(t, "at")
				list = append(list, event{at: at, seq: q.seq, kind: comes, node: int32(at)})
				q.add(at, comes, int32(at))
				continue
			}
			slices.SortFunc(list, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
			end := now + rapid.SampledFrom(spans).Draw(t, "until")
			got, ok := q.next(end, func([]event) {})
			switch due := len(list) > 0 && list[0].at <= end; {
			case ok != due:
				t.Fatalf("until %d there is %v, want %v of %v", end, ok, due, list)
			case ok && got != list[0]:
				t.Fatalf("next is %v, want %v", got, list[0])
			case ok:
				now, list = got.at, list[1:]
			}
		}
	})
}

func TestQueueAllocatesNothing(t *testing.T) {
	var q queue
	for i := range int64(1000) {
		q.add(i*7919%1000, tendDue, 0)
	}
	if n := testing.AllocsPerRun(10_000, func() { e, _ := q.next(1000*year, func([]event) {}); q.add(e.at+day, tendDue, e.node) }); n != 0 {
		t.Errorf("an event allocates %v times", n)
	}
}
