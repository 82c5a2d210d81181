package sim

import "potluck"

// summary sums a run up. The names are the same for every replicate.
func (w *world) summary() Summary {
	var s Summary
	add := func(name string, v float64) { s.Figures = append(s.Figures, Figure{name, v}) }
	groups := make([]census, len(w.s.Groups))
	for i := range w.nodes {
		w.survey(int32(i), groups)
	}
	var all census
	for g := range groups {
		all.add(groups[g])
	}
	t := &w.tally
	served := w.served()
	add("events", float64(w.events))
	add("served", w.servedOf(all))
	add("jain", jain(served))
	add("gini", gini(served))
	add("available", ratio(t.readable, t.looked))
	add("lost_bytes", float64(t.lost+w.latent()))
	add("placed_bytes", float64(all.placed))
	add("moved_bytes", float64(t.moved))
	add("repair_bytes", float64(t.repair))
	add("repairs", float64(t.repairs))
	add("evicted_bytes", float64(t.evicted))
	add("refused", float64(t.refused))
	add("audits", float64(t.audits))
	add("audits_failed", float64(t.failed))
	add("disk_deaths", float64(t.deaths))
	add("left", float64(t.left))
	for h, name := range []string{"own_credit_bytes", "one_hop_bytes", "two_hop_bytes", "more_hop_bytes"} {
		add(name, float64(t.hops[h]))
	}
	for step, c := range w.steps() {
		add("standing_"+[]string{"good", "reminded", "slowed", "frozen", "notice", "evicting"}[step], float64(c))
	}
	for g := range groups {
		name := ":" + w.s.Groups[g].Name
		add("served"+name, w.servedOf(groups[g]))
		add("lost_bytes"+name, float64(groups[g].lost))
		add("evicted_bytes"+name, float64(groups[g].evicted))
		gain, bound := w.exposure(int32(g))
		add("gain_bytes"+name, float64(gain))
		add("bound_bytes"+name, float64(bound))
		add("gain_of_bound"+name, float64(gain)/float64(max(1, bound)))
	}
	return s
}

// servedOf is the part of the demand that is placed; of workload pairs, the part of
// all asks that was taken.
func (w *world) servedOf(c census) float64 {
	if w.s.Workload.Kind == "pairs" {
		return ratio(w.tally.placed, w.tally.asks)
	}
	return min(1, ratio(int64(c.placed), int64(c.target)))
}

// latent is the data that is lost, though its owners don't know yet.
func (w *world) latent() (sum potluck.Size) {
	for b := range w.batches {
		if x := &w.batches[b]; x.owner >= 0 {
			if _, good, _ := w.count(int32(b)); good < w.policy.K {
				sum += x.data
			}
		}
	}
	return sum
}

// exposure is what a group gained and what it could gain at most (CREDIT.md,
// section 10, 10): the bytes that honest nodes of other groups hold for it less
// those that it really holds for them; gifts, openings, and what was gone before
// an audit found it.
func (w *world) exposure(group int32) (gain, bound potluck.Size) {
	for l := range w.links {
		k := &w.links[l]
		mine, theirs := w.nodes[k.peer].group == group, w.nodes[k.node].group == group
		switch {
		case mine && !theirs && honest(w.strategy(k.node)):
			gain += k.held
			if p := w.peer(k); k.friend {
				bound += p.Gift + p.Opening
			}
		case theirs && !mine && honest(w.strategy(k.peer)):
			gain -= k.held - w.asides[l].gone
			bound += w.asides[l].peak
		}
	}
	return gain, bound
}
