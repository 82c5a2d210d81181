package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// judge lets a node evaluate the standing of each of its accounts. An account that
// stands well, of which nothing is short and no audit failed of late, would come
// out as it went in but for its days of service; those are counted together
// later, so that a quiet day doesn't touch it.
func (w *world) judge(i int32) {
	n := &w.nodes[i]
	if n.litter {
		n.litter = false
		for k := range n.refs {
			w.sweep(n.refs[k].link)
		}
	}
	if n.moved {
		w.shortfalls(i)
	}
	all := w.policy.MinUptime > 0
	grace := int64(w.policy.Ladder.OfflineGrace.Seconds())
	for k := 0; k < len(w.nodes[i].refs); k++ {
		r := &w.nodes[i].refs[k]
		if !r.watch && !all && (!w.isOdd(r.peer) || w.absent[r.peer] == 0 || w.now-w.absent[r.peer] <= grace) {
			continue
		}
		l := r.link
		v := &w.links[l]
		if !v.friend && v.held == 0 && v.earned == 0 && v.step == credit.StepGood {
			r.watch = false
			continue
		}
		if v.earned == 0 && !r.watch && !all {
			continue // it is away, and has no duty that absence breaks
		}
		w.evaluate(l)
		x := &w.asides[l]
		w.nodes[i].refs[k].watch = w.links[l].step != credit.StepGood || x.short > 0 || x.failed > 0
	}
}

// watch lets a node look at an account every day, until it stands well.
func (w *world) watch(i, peer int32) {
	refs := w.nodes[i].refs
	if k, ok := search(refs, peer); ok {
		refs[k].watch = true
	}
}

// serve counts the days of service since the last look, but for today's.
func (w *world) serve(l int32) {
	x := &w.asides[l]
	if elapsed := w.now - x.served - day; elapsed > 0 && w.links[l].earned > 0 && w.links[l].step == credit.StepGood {
		x.standing, _ = credit.Evaluate(x.standing, credit.Facts{Holding: w.policy.Goodwill, Elapsed: elapsed}, w.policy.Ladder, w.now)
		x.served += elapsed
	}
}

// shortfalls asks the book whose bytes nothing funds.
func (w *world) shortfalls(i int32) {
	n := &w.nodes[i]
	n.moved = false
	if n.short > 0 {
		for _, r := range n.refs {
			w.asides[r.link].short = 0
		}
	}
	n.short = 0
	for _, s := range n.book.Shortfalls() {
		if l := w.find(i, number(s.ID)); l >= 0 {
			w.asides[l].short = s.Bytes
			n.short += s.Bytes
			w.watch(i, w.links[l].peer)
		}
	}
}

// evaluate moves one account on the ladder, tells the peer, and evicts a day's
// part from one that is there.
func (w *world) evaluate(l int32) {
	v, x := &w.links[l], &w.asides[l]
	w.serve(l)
	f := credit.Facts{Short: x.short, Holding: v.earned > 0 && w.policy.Goodwill, Elapsed: w.now - x.served}
	x.served = w.now
	if v.earned > 0 {
		f.AbsentSince = w.absent[v.peer]
	}
	if x.failed > 0 {
		if w.now-x.failedAt < int64(w.policy.AuditDays)*day {
			f.FailedAudits = int(x.failed)
		} else {
			x.failed = 0
		}
	}
	before := v.step
	next, changed := credit.Evaluate(x.standing, f, w.policy.Ladder, w.now)
	if next.Told != next.Step {
		next.Told, next.ToldAt = next.Step, w.now
	}
	x.standing, v.step = next, next.Step
	if changed {
		w.checkStep(l, before)
		w.record("standing", v.node, v.peer, x.short, next.Step.String())
		w.put(l)
	}
	if next.Step == credit.StepEvicting && w.now-next.Evicted >= day {
		x.standing.Evicted = w.now
		w.evict(l, credit.DailyEviction(v.held, x.short))
	}
	w.uptimeRule(l)
}

// uptimeRule denies those who are too seldom there, once they had a month.
func (w *world) uptimeRule(l int32) {
	if w.policy.MinUptime == 0 {
		return
	}
	v := &w.links[l]
	peer := &w.nodes[w.nodes[v.peer].server]
	denied := w.now-peer.born >= 30*day && w.up(peer) < w.policy.MinUptime
	if denied != v.denied {
		v.denied = denied
		w.put(l)
		reason := "admitted"
		if denied {
			reason = "denied"
		}
		w.record("uptime", v.node, v.peer, 0, reason)
	}
}

// up is the part of its time that a node could be reached.
func (w *world) up(n *node) float64 {
	up := n.up
	if n.away == 0 && n.present {
		up += w.now - n.since
	}
	return float64(up) / float64(max(1, w.now-n.born))
}

// evict drops whole shares of an account, newest first, until so many bytes are
// gone, and at least one.
func (w *world) evict(l int32, most potluck.Size) {
	v := &w.links[l]
	node, peer := v.node, v.peer
	owner := &w.nodes[peer]
	var dropped potluck.Size
	for at := len(owner.batches) - 1; at >= 0; at-- {
		b := owner.batches[at]
		size := w.batches[b].size
		if dropped > 0 && dropped+size > most || most == 0 {
			break
		}
		for k := range w.places(b) {
			if s := &w.places(b)[k]; s.link == l {
				w.writeOff(s, size)
				dropped += size
			}
		}
	}
	if dropped > 0 {
		owner.hurt = true
		owner.evicted += dropped
		w.tally.evicted += dropped
		w.record("evicted", node, peer, dropped, "")
	}
}
