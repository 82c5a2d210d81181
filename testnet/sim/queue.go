package sim

import (
	"cmp"
	"slices"
)

// kind is what an event is about.
type kind uint8

const (
	tendDue   kind = iota // a node's daily work
	lateDue               // the same, when it was away at the time
	comes                 // a server comes back from its own absence
	goes                  // and goes
	dusk                  // it is switched off for the night
	dawn                  // and on
	back                  // an outage, holiday or journey is over
	deathDue              // its disk dies by itself
	diskBack              // it has a new disk
	leaveDue              // a member leaves for good, by itself
	askDue                // workload pairs: a member asks somebody
	planned               // Scenario.Events[node]
	sampleDue             // all is measured
)

// event is one entry of the queue: 24 bytes, kept by value.
type event struct {
	at   int64
	seq  uint64 // of equal times the event that was added first comes first
	node int32
	kind kind
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

const (
	slotSeconds = 64
	slots       = 2048 // of a calendar: 36 hours, so that what a day plans for the next has its slot
)

// queue is a calendar. The events of the slot that it has come to are a heap with
// four children to a node; those of each slot to come are a list, and so are those
// beyond the calendar. Whatever lies ahead isn't touched until its slot comes, and
// the heap is so small that it stays in the processor's cache.
type queue struct {
	heap  []event
	slot  int64          // that it has come to
	ring  [slots][]event // slot s is at s%slots
	later []event        // all are looked at each time that the ring is through
	count int            // of all events
	seq   uint64
}

func (q *queue) add(at int64, k kind, node int32) {
	q.count++
	q.sort(event{at: at, seq: q.seq, node: node, kind: k})
	q.seq++
}

// sort puts an event where it belongs.
func (q *queue) sort(e event) {
	switch s := e.at / slotSeconds; {
	case s <= q.slot:
		q.rise(e)
	case s < q.slot+slots:
		q.ring[s%slots] = append(q.ring[s%slots], e)
	default:
		q.later = append(q.later, e)
	}
}

// next takes the earliest event, if there is one until end. glance is shown
// those of each slot, in no order, before the first of them is taken.
func (q *queue) next(end int64, glance func([]event)) (first event, ok bool) {
	for len(q.heap) == 0 {
		if q.count == 0 || (q.slot+1)*slotSeconds > end {
			return event{}, false
		}
		q.turn()
		glance(q.heap)
	}
	if first = q.heap[0]; first.at > end {
		return event{}, false
	}
	q.count--
	last := q.heap[len(q.heap)-1]
	q.heap = q.heap[:len(q.heap)-1]
	if len(q.heap) > 0 {
		q.sink(last)
	}
	return first, true
}

// turn goes on to the next slot. Nothing that was too late for the ring is due
// before the ring is through.
func (q *queue) turn() {
	q.slot++
	if q.slot%slots == 0 {
		all := q.later
		q.later = q.later[:0]
		for _, e := range all {
			q.sort(e) // writes no farther than what was read
		}
	}
	due := &q.ring[q.slot%slots]
	for _, e := range *due {
		q.rise(e)
	}
	*due = (*due)[:0]
}

// nodes lists the nodes of all events of a kind, in the order of these.
func (q *queue) nodes(k kind) []int32 {
	var all []event
	lists := append(slices.Clone(q.ring[:]), q.heap, q.later)
	for _, list := range lists {
		for _, e := range list {
			if e.kind == k {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
	out := make([]int32, len(all))
	for i := range all {
		out[i] = all[i].node
	}
	return out
}

func (q *queue) rise(e event) {
	q.heap = append(q.heap, e)
	i := len(q.heap) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(&q.heap[up]) {
			break
		}
		q.heap[i] = q.heap[up]
		i = up
	}
	q.heap[i] = e
}

func (q *queue) sink(e event) {
	h := q.heap
	i := 0
	for {
		least := 4*i + 1
		if least >= len(h) {
			break
		}
		for c := least + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}
