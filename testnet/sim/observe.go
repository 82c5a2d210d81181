package sim

import (
	"slices"
	"strconv"

	"potluck"
	"potluck/ledger/credit"
)

// tally is what is summed over a run.
type tally struct {
	asks, placed, refused int64
	audits, failed        int64
	repairs, deaths, left int64
	moved, repair         potluck.Size // share bytes sent; of repair, those read too
	lost, evicted         potluck.Size
	hops                  [4]potluck.Size // bytes by pointers between the account and who pays; 3 and more
	readable, looked      int64           // batches, over all samples
}

// looked is how many batches one sample of availability looks at, at most.
const looked = 20_000

// standing of members, by group.
type census struct {
	members, online     int64
	target, placed      potluck.Size
	lost, evicted, held potluck.Size
	readable, batches   int64
}

// sample measures everything.
func (w *world) sample() {
	if w.s.Check {
		w.checkAll()
	}
	groups := make([]census, len(w.s.Groups))
	for i := range w.nodes {
		w.survey(int32(i), groups)
	}
	w.look(groups)
	var all census
	for g := range groups {
		w.tell(w.s.Groups[g].Name, groups[g])
		all.add(groups[g])
	}
	w.tell("", all)
	w.tally.readable += all.readable
	w.tally.looked += all.batches
	w.measure("repair", "", float64(w.tally.repair))
	w.measure("moved", "", float64(w.tally.moved))
	for h, b := range w.tally.hops {
		w.measure("hops-"+strconv.Itoa(h), "", float64(b))
	}
	w.standings()
	served := w.served()
	w.measure("jain", "", jain(served))
	w.measure("gini", "", gini(served))
}

func (c *census) add(o census) {
	c.members += o.members
	c.online += o.online
	c.target += o.target
	c.placed += o.placed
	c.lost += o.lost
	c.evicted += o.evicted
	c.held += o.held
	c.readable += o.readable
	c.batches += o.batches
}

func (w *world) survey(i int32, groups []census) {
	n := &w.nodes[i]
	c := &groups[n.group]
	c.held += n.held
	if n.owner != i {
		return
	}
	c.lost += n.lost
	c.evicted += n.evicted
	if !n.present {
		return
	}
	c.members++
	c.target += w.need(i)
	c.placed += n.placed
	if w.nodes[n.server].away == 0 {
		c.online++
	}
}

// need is what a member needs to have placed: of a hoarder less than it wants.
func (w *world) need(i int32) potluck.Size {
	if w.strategy(i) == Hoarder {
		return w.target(i) / hoard
	}
	return w.target(i)
}

// look counts which batches can be read now. Of many it takes each so-manieth,
// others every time.
func (w *world) look(groups []census) {
	step := len(w.batches)/looked + 1
	for b := int(w.now/max(1, w.step())) % step; b < len(w.batches); b += step {
		x := &w.batches[b]
		if x.owner < 0 {
			continue
		}
		c := &groups[w.nodes[x.owner].group]
		c.batches++
		if _, _, reachable := w.count(int32(b)); reachable >= w.policy.K {
			c.readable++
		}
	}
}

func (w *world) tell(group string, c census) {
	w.measure("members", group, float64(c.members))
	w.measure("online", group, ratio(c.online, c.members))
	w.measure("demand", group, float64(c.target))
	w.measure("placed", group, float64(c.placed))
	w.measure("served", group, min(1, ratio(int64(c.placed), int64(c.target))))
	w.measure("held", group, float64(c.held))
	w.measure("readable", group, ratio(c.readable, c.batches))
	w.measure("lost", group, float64(c.lost))
	w.measure("evicted", group, float64(c.evicted))
}

// ratio is 1 of nothing: nobody is short of it.
func ratio(a, b int64) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// standings tells how many accounts stand on each step, and what is short.
func (w *world) standings() {
	counts := w.steps()
	for step, c := range counts {
		w.measure("standing-"+credit.Step(step).String(), "", float64(c))
	}
	var short potluck.Size
	for i := range w.nodes {
		short += w.nodes[i].short
	}
	w.measure("short", "", float64(short))
}

func (w *world) steps() (counts [int(credit.StepEvicting) + 1]int64) {
	for l := range w.links {
		if k := &w.links[l]; k.friend || k.held > 0 {
			counts[k.step]++
		}
	}
	return counts
}

// served lists which part of its need each honest member has placed.
func (w *world) served() []float64 {
	out := w.scratch.values[:0]
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.owner == int32(i) && n.present && honest(w.strategy(int32(i))) && n.demand > 0 {
			out = append(out, min(1, ratio(int64(n.placed), int64(w.need(int32(i))))))
		}
	}
	w.scratch.values = out
	return out
}

func honest(s Strategy) bool {
	return s == "" || s == Honest || s == Flaky || s == Nightly || s == Hoarder
}

// jain is Jain's index of fairness: 1 when all have the same, 1/n when one has all.
func jain(x []float64) float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(x)) * squares)
}

// gini is 0 when all have the same. It sorts x.
func gini(x []float64) float64 {
	slices.Sort(x)
	var sum, ranked float64
	for i, v := range x {
		sum += v
		ranked += float64(i+1) * v
	}
	if sum == 0 {
		return 0
	}
	n := float64(len(x))
	return 2*ranked/(n*sum) - (n+1)/n
}
