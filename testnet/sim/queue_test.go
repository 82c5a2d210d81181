package sim

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The queue against a list that is sorted anew each time.
func TestQueueInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var list []event
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if len(list) == 0 || rapid.Bool().Draw(t, "add") {
				at := rapid.Int64Range(0, 20).Draw(t, "at")
				list = append(list, event{at: at, seq: q.seq, kind: comes, node: int32(at)})
				q.add(at, comes, int32(at))
				continue
			}
			slices.SortFunc(list, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
			if got := q.next(); got != list[0] {
				t.Fatalf("next is %v, want %v", got, list[0])
			}
			list = list[1:]
		}
	})
}

func TestQueueAllocatesNothing(t *testing.T) {
	var q queue
	for i := range int64(1000) {
		q.add(i*7919%1000, tendDue, 0)
	}
	if n := testing.AllocsPerRun(1000, func() { e := q.next(); q.add(e.at+day, tendDue, e.node) }); n != 0 {
		t.Errorf("an event allocates %v times", n)
	}
}
