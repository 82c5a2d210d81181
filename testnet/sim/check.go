package sim

import (
	"fmt"

	"potluck"
	"potluck/ledger/credit"
)

// shortBefore is what nothing funds at a host before it takes a share; only
// looked at when the scenario is checked.
func (w *world) shortBefore(l int32) potluck.Size {
	if !w.s.Check {
		return 0
	}
	k := &w.links[l]
	h := &w.nodes[k.node]
	return shortSum(h.book)
}

// checkAnswer asserts that what was only looked for is what the whole decision
// says.
func (w *world) checkAnswer(l int32, size potluck.Size, fits bool) {
	if !w.s.Check {
		return
	}
	k := &w.links[l]
	h := &w.nodes[k.node]
	if d := h.book.Ask(w.names[k.peer], h.capacity-h.held, size); (d.Refusal == nil) != fits {
		w.broken("node %d says %v to %d bytes of %d, its decision is %+v", k.node, fits, size, k.peer, d)
	}
}

func shortSum(b *credit.Book) (sum potluck.Size) {
	for _, s := range b.Shortfalls() {
		sum += s.Bytes
	}
	return sum
}

// checkAdmission asserts that taking a share left nothing unfunded that was funded
// before, and that the host has room (section 10, 1 and 9).
func (w *world) checkAdmission(l int32, before potluck.Size) {
	if !w.s.Check || w.err != nil {
		return
	}
	k := &w.links[l]
	h := &w.nodes[k.node]
	if after := shortSum(h.book); after > before {
		w.broken("node %d took bytes of %d that nothing funds: short by %d before, by %d after", k.node, k.peer, before, after)
	}
	if h.held > h.capacity {
		w.broken("node %d holds %d bytes and offers %d", k.node, h.held, h.capacity)
	}
}

// checkStep asserts that standing climbs one step at a time (section 10, 13).
func (w *world) checkStep(l int32, before credit.Step) {
	if v := &w.links[l]; w.s.Check && v.step > before+1 {
		w.broken("account %d at node %d went from %v to %v", v.peer, v.node, before, v.step)
	}
}

func (w *world) broken(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("second %d, event %d: %s", w.now, w.events, fmt.Sprintf(format, args...))
	}
}

// checkTouched asserts of each book that changed that its rows are those of the
// links, and that what isn't earned, given or trusted is a shortfall (section 10,
// 2 and 10).
func (w *world) checkTouched() error {
	for _, i := range w.touched {
		w.checkNode(i)
	}
	w.touched = w.touched[:0]
	return w.err
}

func (w *world) checkNode(i int32) {
	n := &w.nodes[i]
	if n.book == nil {
		return
	}
	var held, loans, supply potluck.Size
	for _, r := range n.refs {
		k, x := &w.links[r.link], &w.asides[r.link]
		held += k.held
		loans += k.loans
		p, ok := n.book.Peer(w.names[k.peer])
		if ok {
			supply += n.book.Supply(p.ID)
		}
		if k.held < 0 || k.earned < 0 || k.loans < 0 || x.gone < 0 || x.orphan < 0 || x.gone+x.orphan > k.held || k.step != x.standing.Step {
			w.broken("node %d counts %d held, %d gone, %d cancelled, %d earned, %d lent for %d", i, k.held, x.gone, x.orphan, k.earned, k.loans, k.peer)
		}
		if (ok || k.held+k.earned+k.loans > 0) && (p.Held != k.held || p.Earned != k.earned || p.Loans != k.loans) {
			w.broken("the book of node %d has %d held, %d earned, %d lent for %d; the rows have %d, %d, %d", i, p.Held, p.Earned, p.Loans, k.peer, k.held, k.earned, k.loans)
		}
	}
	if held != n.held {
		w.broken("node %d holds %d bytes, its accounts sum to %d", i, n.held, held)
	}
	if short := shortSum(n.book); w.policy.Reciprocity != "none" && held+loans-short > supply {
		w.broken("node %d holds %d and lends %d bytes, of which %d are short, against a supply of %d", i, held, loans, short, supply)
	}
}

// checkAll sums every counter anew from the shares (section 10, 4).
func (w *world) checkAll() {
	held := make([]potluck.Size, len(w.links))
	earned := make([]potluck.Size, len(w.links))
	loans := make([]potluck.Size, len(w.links))
	gone := make([]potluck.Size, len(w.links))
	for b := range w.batches {
		if w.batches[b].owner < 0 {
			continue
		}
		for _, s := range w.places(int32(b)) {
			if s.link < 0 {
				continue
			}
			size := w.batches[b].size
			held[s.link] += size
			if s.gone {
				gone[s.link] += size
			}
			if e := w.earner(s.link); e >= 0 && w.earns(s.route) {
				earned[e] += size
			}
			if s.route >= 0 {
				w.checkRoute(&w.routes[s.route], loans, earned)
			}
		}
	}
	for l := range w.links {
		k, x := &w.links[l], &w.asides[l]
		if k.held != held[l]+x.orphan || x.gone != gone[l] || k.earned != earned[l] || k.loans != loans[l] {
			w.broken("node %d counts %d held (%d cancelled), %d gone, %d earned, %d lent for %d; the shares sum to %d, %d, %d, %d",
				k.node, k.held, x.orphan, x.gone, k.earned, k.loans, k.peer, held[l], gone[l], earned[l], loans[l])
			return
		}
	}
}

// checkRoute sums what a route lends, and where lenders earn, what they do.
func (w *world) checkRoute(r *route, loans, earned []potluck.Size) {
	for _, l := range r.hops[:r.n] {
		loans[l] += r.size
		if e := w.earner(l); e >= 0 && w.policy.Reciprocity == "routed" {
			earned[e] += r.size
		}
	}
	if w.policy.Reciprocity == "routed" {
		if e := w.earner(w.find(r.host, w.links[r.hops[0]].node)); e >= 0 {
			earned[e] += r.size
		}
	}
}
