package sim

import (
	"context"
	"math/rand/v2"

	"potluck"
	"potluck/ledger/credit"
)

// world is one run.
type world struct {
	s      Scenario
	policy Policy // what holds now
	stride int    // shares per batch: Policy.N
	rng    *rand.Rand
	o      Observer
	err    error // the first that the observer or a check gave

	now    int64
	queue  queue
	events int64

	members int // nodes[:members] are members; after them come second servers and new keys
	nodes   []node
	names   []credit.ID // by node
	links   []link      // those of one node side by side, see arrange; then those that came later
	asides  []aside     // by link
	absent  []int64     // by node: since when it can't be reached; 0: it can
	rotten  []bool      // by node: it dropped something that it acknowledged
	odd     []uint64    // a bit for each node that is absent or rotten
	batches []batch
	shares  []share // batch b has shares[b*stride:][:stride]
	routes  []route
	free    struct{ batches, routes []int32 }

	providers int32
	homes     int32
	tally     tally
	scratch   scratch
	touched   []int32 // nodes whose books changed since the last check
}

func newWorld(s Scenario, replicate int, o Observer) *world {
	w := &world{s: s, policy: defaults(s.Policy), o: o}
	w.stride = w.policy.N
	// Who the people are, who of them has two keys, who knows whom, and what
	// happens to them are drawn apart: a sweep over the one leaves the others.
	w.rng = stream(s, replicate, 1)
	w.people()
	w.rng = stream(s, replicate, 2)
	w.splits()
	life := stream(s, replicate, 0)
	w.rng = life
	for i := range w.nodes {
		w.begin(int32(i))
	}
	w.rng = stream(s, replicate, 3)
	w.acquaint()
	w.rng = life
	for i, e := range s.Events {
		w.queue.add(e.At, planned, int32(i))
	}
	w.queue.add(0, sampleDue, 0)
	return w
}

func stream(s Scenario, replicate int, k uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.Seed, uint64(replicate)<<2|k))
}

func defaults(p Policy) Policy {
	if p.RatioPPM == 0 {
		p.RatioPPM = million
	}
	p.K, p.N = max(1, p.K), max(1, p.N)
	if p.RepairBelow == 0 {
		p.RepairBelow = p.N
	}
	if p.AuditDays == 0 {
		p.AuditDays = 7
	}
	if p.Ladder == (credit.Policy{}) {
		p.Ladder = credit.DefaultPolicy()
	}
	return p
}

// run handles all events of the scenario's days.
func (w *world) run(ctx context.Context) error {
	end, glance := int64(w.s.Days)*day, w.glance
	for w.err == nil {
		if w.events%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e, ok := w.queue.next(end, glance)
		if !ok {
			break
		}
		w.now = e.at
		w.events++
		w.handle(e)
		if w.s.Check && w.err == nil {
			w.err = w.checkTouched()
		}
	}
	w.now = end
	w.accounts()
	return w.err
}

// glance looks at the nodes that are due soon, at all of them at once: a processor
// waits for many lines of memory as long as for one.
func (w *world) glance(due []event) {
	var sum int64
	for i := range due {
		if due[i].kind == tendDue {
			n := &w.nodes[due[i].node]
			sum += int64(n.away) + int64(n.placed) + n.up
		}
	}
	w.scratch.glance = sum // so that the looks aren't optimized away
}

func (w *world) handle(e event) {
	switch e.kind {
	case tendDue:
		w.tend(e.node)
	case lateDue:
		w.work(e.node)
	case comes, goes:
		w.flip(e.node, e.kind)
	case dusk, dawn:
		w.night(e.node, e.kind)
	case back:
		w.arrive(e.node)
	case deathDue:
		w.die(e.node, newDisk)
		w.again(w.group(e.node).DiskDeath, deathDue, e.node)
	case diskBack:
		w.nodes[e.node].alive = true
	case leaveDue:
		w.leave(e.node)
	case askDue:
		w.ask(e.node)
	case planned:
		w.happen(w.s.Events[e.node])
	case sampleDue:
		w.sample()
		w.queue.add(w.now+w.step(), sampleDue, 0)
	}
}

func (w *world) step() int64 {
	if w.s.Step == 0 {
		return day
	}
	return w.s.Step
}

func (w *world) group(i int32) *Group { return &w.s.Groups[w.nodes[i].group] }

func (w *world) strategy(i int32) Strategy { return w.group(i).Strategy }

func (w *world) record(kind string, node, peer int32, bytes potluck.Size, reason string) {
	if w.err == nil {
		w.err = w.o.Record(Record{Time: w.now, Kind: kind, Node: int(node), Peer: int(peer), Bytes: bytes, Reason: reason})
	}
}

func (w *world) measure(metric, group string, v float64) {
	if w.err == nil {
		w.err = w.o.Sample(Sample{Time: w.now, Metric: metric, Group: group, Value: v})
	}
}
