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

// node is one process with one key. A member whose server has another key is
// two: the member's own node only asks, the server only holds. It is three lines
// of a processor's cache: what others look at who want to place something, what
// its own day begins with, the rest.
type node struct {
	book           *credit.Book // nil: holds for nobody
	capacity, held potluck.Size // offered; charged of it
	room           potluck.Size // what there is in truth, of a liar less than capacity
	server         int32        // the node that holds in this member's stead: itself, or another
	owner          int32        // the member that this server works for: itself, or another
	home           int32        // household
	isp            int32
	group          int32
	away           int32 // reasons why it can't be reached now; 0: it can
	present        bool  // joined, and not left
	alive          bool  // its disk works
	moved          bool  // the book changed since its shortfalls were computed
	hurt           bool  // a batch may miss shares
	late           bool  // its day's work is to be done when it is back
	litter         bool  // owners wrote off what it held while it was away

	refs         []ref        // ascending by peer
	batches      []int32      // its own data, oldest first
	placed, unit potluck.Size // data placed now; what is placed at once

	demand      potluck.Size // at the start, in bytes of data
	hosts       int32        // peers that hold for it
	turn        int32        // how often a strategy made its move
	lost        potluck.Size // data of which too few shares were left
	evicted     potluck.Size // shares that hosts dropped by the ladder
	short       potluck.Size // of all accounts at this node, at the last look
	born, since int64        // when it joined; when it last came or went
	up          int64        // seconds reachable until since
}

// ref finds a node's view of a peer.
type ref struct {
	peer, link int32
	watch      bool // its standing is looked at every day
}

// link is what a node keeps of a peer, as far as asks need it: one line of a
// processor's cache.
type link struct {
	row        credit.Row // the peer's in node's book; the zero Row until it is needed
	node, peer int32
	twin       int32  // the peer's view of node
	newest     uint32 // when peer's newest share came
	slowDay    uint16 // the day to which slowed belongs
	fails      uint8  // audits that peer failed, ever; no more are counted than doubt grows with
	friend     bool
	member     bool // the peer is a member, not a server with a key of its own
	denied     bool
	step       credit.Step
	held       potluck.Size // node holds for peer: what peer is charged for
	earned     potluck.Size // peer holds for node's principal, as far as that knows
	loans      potluck.Size
	slowed     potluck.Size
}

// aside is what else a node keeps of a peer.
type aside struct {
	standing credit.Standing
	failed   int32        // audits in the window
	failedAt int64        // the last
	short    potluck.Size // of held: what nothing funds, at the last look
	orphan   potluck.Size // of held: written off by peer, which couldn't cancel it yet
	gone     potluck.Size // of held: not there in truth, and peer doesn't know
	peak     potluck.Size // the most that was ever gone
	served   int64        // until when service was counted
	arcs     []credit.Arc // the peer's standing order at node
}

// batch is some data of one owner, in equal shares.
type batch struct {
	owner int32 // -1: free for use
	size  potluck.Size
	data  potluck.Size
}

// share is one place of a batch.
type share struct {
	link  int32 // the host's view of the owner; -1: nowhere
	route int32 // how its credit came here; -1: by the account's own
	gone  bool
}

// route is a chain of pointers, made for one share: each of hops is a lender's
// view of its borrower, the first borrower being the owner.
type route struct {
	hops [16]int32
	n    int32
	host int32
	size potluck.Size
}

type scratch struct {
	hosts  []candidate
	chosen []candidate
	have   []candidate
	front  []step
	seen   []uint64 // by node: the search that saw it
	stamp  uint64
	values []float64
	glance int64
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
