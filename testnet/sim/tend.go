package sim

import (
	"math"

	"potluck"
)

// tend is a node's day: as a host it releases what was cancelled, judges its
// accounts and evicts; as an owner it audits its hosts, repairs, and places what
// its demand has grown by. Whoever is away does it when it is back.
func (w *world) tend(i int32) {
	n := &w.nodes[i]
	if !n.present {
		return
	}
	w.queue.add(w.now+day, tendDue, i)
	w.work(i)
}

func (w *world) work(i int32) {
	n := &w.nodes[i]
	if n.late = n.away > 0; n.late || !n.present {
		return
	}
	if n.book != nil {
		w.judge(i)
	}
	if n.owner != i {
		return
	}
	w.audit(i)
	if w.nodes[i].hurt {
		w.mend(i)
	}
	if w.s.Workload.Kind != "pairs" {
		w.fill(i)
	}
	w.scheme(i)
}

// target is the data that a member wants to have placed now.
func (w *world) target(i int32) potluck.Size {
	n, g := &w.nodes[i], w.group(i)
	t := n.demand
	if g.Growth != 0 {
		t = potluck.Size(float64(t) * math.Pow(1+g.Growth, float64(w.now)/year))
	}
	if g.Strategy == Hoarder {
		t *= hoard
	}
	return t
}

const (
	hoard   = 64 // a hoarder's demand, in multiples of what it needs
	putsDay = 8  // units that a member places in a day at most, or
	partDay = 8  // such a part of its demand
)

// fill places what is wanted and not placed, a unit at a time, until a unit is
// refused; or takes back what is placed and not wanted.
func (w *world) fill(i int32) {
	n := &w.nodes[i]
	target := w.target(i)
	for range max(putsDay, n.demand/n.unit/partDay) {
		u := min(n.unit, target-n.placed)
		if u <= 0 || u < n.unit/2 || !w.place(i, u) {
			break
		}
	}
	for n.placed-n.unit >= target && len(n.batches) > 0 {
		last := len(n.batches) - 1
		w.drop(n.batches[last])
		n.batches = n.batches[:last]
	}
}

// samples is how many ranges of an account are challenged a day, so that 1 % that
// is gone is found with 99 % confidence within the window.
func (w *world) samples() int { return (459 + w.policy.AuditDays - 1) / w.policy.AuditDays }

// audit looks at each host: one that is away beyond the grace is written off, one
// that fails loses what is gone. Of those that never dropped anything the outcome is
// known.
func (w *world) audit(i int32) {
	grace := int64(w.policy.Ladder.OfflineGrace.Seconds())
	for k := 0; k < len(w.nodes[i].refs); k++ {
		r := w.nodes[i].refs[k]
		if !w.isOdd(r.peer) {
			continue
		}
		since := w.absent[r.peer]
		if since == 0 && !(w.policy.Audits && w.rotten[r.peer]) || since > 0 && w.now-since <= grace {
			continue
		}
		l := w.links[r.link].twin
		h := &w.links[l]
		if h.held == 0 {
			continue
		}
		gone := w.asides[l].gone
		switch {
		case h.held == w.asides[l].orphan:
		case since > 0:
			w.record("written-off", i, h.node, w.forsake(i, l, true), "away for too long")
		case gone > 0 && w.caught(h.held, gone):
			w.fail(i, l)
		}
	}
	if w.policy.Audits {
		w.tally.audits += int64(w.nodes[w.nodes[i].server].hosts)
	}
}

// caught draws the day's samples of what a host holds for an account, of which
// so much is gone.
func (w *world) caught(held, gone potluck.Size) bool {
	for range w.samples() {
		if potluck.Size(w.rng.Int64N(int64(held))) < gone {
			return true
		}
	}
	return false
}

const mostFails = 11 // that are counted: the doubt they cast grows no more then

// fail notes a failed audit in the book of who repays for the owner.
func (w *world) fail(i, l int32) {
	host := w.links[l].node
	w.meet(w.nodes[i].server, host)
	views := [2]int32{w.links[l].twin, w.find(w.nodes[i].server, host)}
	for k, view := range views {
		if k == 1 && views[0] == view {
			break
		}
		v, x := &w.links[view], &w.asides[view]
		x.failed, v.fails, x.failedAt = x.failed+1, min(v.fails+1, mostFails), w.now
		w.watch(v.node, v.peer)
	}
	w.tally.failed++
	w.record("audit-failed", i, host, w.forsake(i, l, false), "what was sampled is gone")
}

// mend repairs the owner's batches of which fewer shares are good than should
// be, reading K of them; one of which too few are left anywhere is lost.
func (w *world) mend(i int32) {
	n := &w.nodes[i]
	n.hurt = false
	kept := n.batches[:0]
	for _, b := range n.batches {
		listed, good, reachable := w.count(b)
		switch {
		case good < w.policy.K:
			w.lose(i, b)
			continue
		case listed >= w.policy.RepairBelow:
		case reachable >= w.policy.K:
			w.refill(i, b)
			fallthrough
		default:
			n.hurt = true
		}
		kept = append(kept, b)
	}
	n.batches = kept
}

// count says how many shares of a batch its owner counts on, how many of them
// there are, and how many of these can be read now.
func (w *world) count(b int32) (listed, good, reachable int) {
	for k := range w.places(b) {
		s := &w.places(b)[k]
		if s.link < 0 {
			continue
		}
		listed++
		host := w.links[s.link].node
		absent := w.isOdd(host) && w.absent[host] > 0
		if s.gone || absent && !w.nodes[host].present {
			continue
		}
		good++
		if !absent {
			reachable++
		}
	}
	return listed, good, reachable
}

// refill places the missing shares of a batch as far as hosts take them.
func (w *world) refill(i, b int32) {
	x := w.batches[b]
	have := w.scratch.have[:0]
	for k := range w.places(b) {
		if s := &w.places(b)[k]; s.link >= 0 {
			have = append(have, candidate{link: s.link, route: -1})
		}
	}
	w.scratch.have = have
	chosen := w.choose(i, x.size, w.stride, have)[len(have):]
	if len(chosen) == 0 {
		return
	}
	k := 0
	for _, c := range chosen {
		for w.places(b)[k].link >= 0 {
			k++
		}
		w.settle(b, k, c)
	}
	w.tally.repair += x.size * potluck.Size(w.policy.K+len(chosen))
	w.tally.repairs += int64(len(chosen))
}

// lose takes note of data of which too few shares are left.
func (w *world) lose(i, b int32) {
	data := w.batches[b].data
	w.nodes[i].lost += data
	w.tally.lost += data
	w.record("lost", i, -1, data, "too few shares are left")
	w.drop(b)
}
