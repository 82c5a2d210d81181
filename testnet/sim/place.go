package sim

import "potluck"

// candidate is a host that may take a share.
type candidate struct {
	link  int32 // its view of the owner
	route int32 // the pointers made for it; -1: none
	hops  int32 // pointers between the account and who pays: 0 its own credit
	gone  bool  // it dropped what it took
}

// place puts so much data of an owner on N hosts, or on none. At least
// RepairBelow of them must take it; the rest is added by repair.
func (w *world) place(i int32, data potluck.Size) bool {
	size := (data + potluck.Size(w.policy.K) - 1) / potluck.Size(w.policy.K)
	chosen := w.choose(i, size, w.policy.N, nil)
	if len(chosen) < min(w.policy.RepairBelow, w.policy.N) {
		for k := len(chosen) - 1; k >= 0; k-- {
			w.takeBack(chosen[k], size)
		}
		w.tally.refused++
		return false
	}
	b := w.newBatch(i, size, data)
	for k, c := range chosen {
		w.settle(b, k, c)
	}
	n := &w.nodes[i]
	n.batches = append(n.batches, b)
	n.placed += data
	w.tally.placed++
	return true
}

// settle notes that a host has share k of a batch.
func (w *world) settle(b int32, k int, c candidate) {
	size := w.batches[b].size
	w.shares[int(b)*w.stride+k] = share{link: c.link, route: c.route, gone: c.gone}
	w.tally.hops[min(int(c.hops), len(w.tally.hops)-1)] += size
	w.tally.moved += size
}

// takeBack undoes what a chosen host took.
func (w *world) takeBack(c candidate, size potluck.Size) {
	w.links[c.link].slowed -= size
	w.writeOff(&share{link: c.link, route: c.route, gone: c.gone}, size)
}

func (w *world) newBatch(owner int32, size, data potluck.Size) int32 {
	b := int32(len(w.batches))
	if k := len(w.free.batches); k > 0 {
		b, w.free.batches = w.free.batches[k-1], w.free.batches[:k-1]
	} else {
		w.batches = append(w.batches, batch{})
		for range w.stride {
			w.shares = append(w.shares, share{})
		}
	}
	w.batches[b] = batch{owner, size, data}
	for k := range w.places(b) {
		w.places(b)[k] = share{link: -1, route: -1}
	}
	return b
}

// places is where a batch lies.
func (w *world) places(b int32) []share {
	return w.shares[int(b)*w.stride : (int(b)+1)*w.stride]
}

// choose lets up to want hosts take a share of so many bytes each, none of them
// near those that have one already: those with credit for it are asked first,
// in a random order, then the others, then, where friends lend, friends of
// friends.
func (w *world) choose(i int32, size potluck.Size, want int, have []candidate) []candidate {
	chosen := append(w.scratch.chosen[:0], have...)
	for _, c := range w.candidates(i, size) {
		if len(chosen) == want {
			break
		}
		if !w.near(i, chosen, w.links[c.link].node) && w.accepts(c.link, size) {
			c.gone = w.hold(c.link, size, c.route)
			chosen = append(chosen, c)
		}
	}
	for len(chosen) < want && w.lending() {
		c, ok := w.seek(i, size, -1, chosen)
		if !ok {
			break
		}
		c.gone = w.hold(c.link, size, c.route)
		chosen = append(chosen, c)
	}
	w.scratch.chosen = chosen
	return chosen
}

// candidates lists the hosts that an owner knows and that may have room, in a
// random order, but first those that owe it enough by themselves, as files does
// (docs/decisions/placement.md).
func (w *world) candidates(i int32, size potluck.Size) []candidate {
	out := w.scratch.hosts[:0]
	refs := w.nodes[i].refs
	rich := 0
	for k := range refs {
		own := refs[k].link
		p := refs[k].peer
		host := &w.nodes[p]
		if w.absent[p] > 0 || host.book == nil || host.capacity-host.held < size || w.doubted(own) {
			continue
		}
		c := candidate{link: w.links[own].twin, route: -1}
		out = append(out, c)
		if w.owes(c.link) >= size {
			out[rich], out[len(out)-1] = out[len(out)-1], out[rich]
			rich++
		} else {
			out[len(out)-1].hops = 1
		}
	}
	w.shuffle(out[:rich])
	w.shuffle(out[rich:])
	w.scratch.hosts = out
	return out
}

// doubted tells whether an owner trusts a host with nothing new because it failed
// an audit: for a window, and each time for twice as long, up to 1024 windows.
func (w *world) doubted(own int32) bool {
	k := &w.links[own]
	return k.fails > 0 && w.now-w.asides[own].failedAt < int64(w.policy.AuditDays)*day<<(k.fails-1)
}

// owes is what a host would take from an account by the account's own credit. It
// orders the asks and decides nothing.
func (w *world) owes(l int32) potluck.Size {
	k := &w.links[l]
	p := w.peer(k)
	return p.Earned + p.Gift + p.Opening - p.Held - p.Loans
}

func (w *world) shuffle(c []candidate) {
	for i := len(c) - 1; i > 0; i-- {
		j := w.rng.IntN(i + 1)
		c[i], c[j] = c[j], c[i]
	}
}

// near tells whether a host is one of those chosen, or too close to one, or to
// the owner.
func (w *world) near(owner int32, chosen []candidate, host int32) bool {
	if host == w.nodes[owner].server {
		return true
	}
	h := &w.nodes[host]
	if w.policy.HouseholdAware && h.home == w.nodes[owner].home {
		return true
	}
	for _, c := range chosen {
		o := w.links[c.link].node
		if o == host || w.policy.HouseholdAware && (w.nodes[o].home == h.home || w.nodes[o].isp == h.isp) {
			return true
		}
	}
	return false
}
