package sim

import (
	"potluck"
	"potluck/ledger/credit"
)

// accepts asks a host whether it takes so many bytes from an account.
func (w *world) accepts(l int32, size potluck.Size) bool {
	k := &w.links[l]
	h := &w.nodes[k.node]
	if h.book == nil || w.absent[k.node] > 0 || !h.alive || h.capacity-h.held < size {
		return false
	}
	if k.step == credit.StepSlowed && w.today(k)+size > credit.SlowedPerDay {
		return false
	}
	fits := w.row(k).Fits(size)
	w.checkAnswer(l, size, fits)
	w.asked(l, size, fits)
	return fits
}

// today is what a slowed account added today.
func (w *world) today(k *link) potluck.Size {
	if int64(k.slowDay) != w.now/day {
		return 0
	}
	return k.slowed
}

// hold charges an account for bytes that a host took, and tells whether they are
// gone at once.
func (w *world) hold(l int32, size potluck.Size, route int32) (gone bool) {
	k := &w.links[l]
	h := &w.nodes[k.node]
	before := w.shortBefore(l)
	k.slowed, k.slowDay = w.today(k)+size, uint16(w.now/day)
	k.held += size
	k.newest = uint32(w.now)
	h.held += size
	if h.held > h.room {
		gone = true
		w.rotten[k.node] = true
		w.odd[k.node/64] |= 1 << (k.node % 64)
		x := &w.asides[l]
		x.gone += size
		x.peak = max(x.peak, x.gone)
	}
	w.put(l)
	if w.earns(route) {
		w.earn(l, size)
	}
	w.checkAdmission(l, before)
	return gone
}

// earn changes what a host has earned with those it holds for.
func (w *world) earn(l int32, size potluck.Size) {
	e := w.earner(l)
	if e < 0 {
		return
	}
	k := &w.links[e]
	switch {
	case k.earned == 0:
		w.asides[e].served = w.now
		w.nodes[k.node].hosts++
	case k.earned+size == 0:
		w.serve(e)
		w.nodes[k.node].hosts--
	}
	k.earned += size
	w.put(e)
}

// earns tells whether a host earns by holding a share. Where loans are repaid to
// those who lent, one that came over a route counts for the lenders instead.
func (w *world) earns(route int32) bool { return route < 0 || w.policy.Reciprocity != "routed" }

// earner is the view of the host that gains when it holds for an account: the
// account's own, or that of the server that repays for it; -1: none.
func (w *world) earner(l int32) int32 {
	k := &w.links[l]
	switch s := w.nodes[k.peer].server; {
	case s == k.peer:
		return k.twin
	case w.pointing() && s != k.node:
		return w.meet(s, k.node)
	}
	return -1
}

// writeOff lets an owner count no more on a share, and cancel it: at once if the
// host can be reached, else when it comes.
func (w *world) writeOff(s *share, size potluck.Size) {
	l := s.link
	if w.earns(s.route) {
		w.earn(l, -size)
	}
	w.unroute(s.route)
	k := &w.links[l]
	if s.gone {
		w.asides[l].gone -= size
	}
	if h := &w.nodes[k.node]; h.away > 0 {
		w.asides[l].orphan += size
		h.moved, h.litter = true, true
	} else {
		k.held -= size
		h.held -= size
		w.put(l)
	}
	*s = share{link: -1, route: -1}
}

// sweep releases what owners cancelled while the host was away.
func (w *world) sweep(l int32) {
	if orphan := w.asides[l].orphan; orphan > 0 {
		k := &w.links[l]
		k.held -= orphan
		w.nodes[k.node].held -= orphan
		w.asides[l].orphan = 0
		w.put(l)
	}
}

// drop cancels a whole batch.
func (w *world) drop(b int32) {
	x := &w.batches[b]
	for k := range w.places(b) {
		if s := &w.places(b)[k]; s.link >= 0 {
			w.writeOff(s, x.size)
		}
	}
	w.nodes[x.owner].placed -= x.data
	x.owner = -1
	w.free.batches = append(w.free.batches, b)
}

// forsake writes off what an owner has at a host: all, or what is gone. l is the
// host's view.
func (w *world) forsake(owner, l int32, all bool) (bytes potluck.Size) {
	for _, b := range w.nodes[owner].batches {
		for k := range w.places(b) {
			s := &w.places(b)[k]
			if s.link == l && (all || s.gone) {
				bytes += w.batches[b].size
				w.writeOff(s, w.batches[b].size)
				w.nodes[owner].hurt = true
			}
		}
	}
	return bytes
}
