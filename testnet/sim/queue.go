package sim

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

// queue is a heap with four children to a node: half as deep as one with two,
// and the four lie side by side in memory.
type queue struct {
	heap []event
	seq  uint64
}

func (q *queue) add(at int64, k kind, node int32) {
	e := event{at: at, seq: q.seq, node: node, kind: k}
	q.seq++
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

// next takes the earliest event; the queue must not be empty.
func (q *queue) next() event {
	first := q.heap[0]
	last := q.heap[len(q.heap)-1]
	q.heap = q.heap[:len(q.heap)-1]
	if len(q.heap) > 0 {
		q.sink(last)
	}
	return first
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
