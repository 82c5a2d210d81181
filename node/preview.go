package node

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger/signed"
)

// previewLines tells, for each host that can be asked, what this node and those
// whom it points credit to have there before and after.
func (n *Node) previewLines(ctx context.Context, old, next signed.Order, ns names) []PreviewLine {
	hosts := make(map[peer.ID]bool)
	for _, o := range []signed.Order{old, next} {
		for _, p := range o.Pointers {
			if p.Host != "" {
				hosts[p.Host] = true
				continue
			}
			for _, h := range n.admitted() {
				hosts[h] = hosts[h] || n.host.Connected(h)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(4 * atOnce)
	for h, ok := range hosts {
		if ok && n.host.Connected(h) {
			g.Go(func() error { _, err := n.ask(ctx, h, 1); _ = err; return nil }) // what isn't heard is shown as unknown
		}
	}
	_ = g.Wait()
	lines := []PreviewLine{}
	for h, ok := range hosts {
		if ok {
			lines = append(lines, n.linesAt(h, old, next, ns)...)
		}
	}
	slices.SortStableFunc(lines, func(a, b PreviewLine) int { return byName(a.Host, b.Host) })
	return lines
}

// linesAt makes the lines of one host.
func (n *Node) linesAt(host peer.ID, old, next signed.Order, ns names) []PreviewLine {
	s := n.heard.of(host)
	h := ns.party(host)
	supply := s.account.Supply
	before, after := carried(old, host, supply), carried(next, host, supply)
	line := func(p Party, b, a potluck.Size) PreviewLine {
		l := PreviewLine{Host: h, Known: s.at != 0, Party: p, Before: b, After: a}
		switch {
		case !l.Known:
			l.Sentence = "what " + h.Name + " counts for you isn't known: it can't be asked now"
		case p.Peer == n.self:
			l.Sentence = fmt.Sprintf("of your %s of credit at %s, %s for you alone (before: %s)", amount(supply), h.Name, are(a), some(b))
		default:
			l.Sentence = fmt.Sprintf("of your credit at %s, %s may use %s (before: %s)", h.Name, p.Name, upTo(a), upTo(b))
			if a < b { // CREDIT.md section 5
				l.Sentence += "; what it uses already stays charged to you until it is gone"
			}
		}
		return l
	}
	rest := func(m map[peer.ID]potluck.Size) potluck.Size {
		left := supply
		for _, c := range m {
			left -= min(c, left)
		}
		return left
	}
	lines := []PreviewLine{line(ns.party(n.self), rest(before), rest(after))}
	if s.at == 0 {
		return lines
	}
	var who []peer.ID
	for _, o := range []signed.Order{next, old} {
		for _, p := range o.Pointers {
			if !slices.Contains(who, p.To) && p.To != host && (p.Host == "" || p.Host == host) {
				who = append(who, p.To)
			}
		}
	}
	for _, p := range who {
		if before[p] != after[p] {
			lines = append(lines, line(ns.party(p), before[p], after[p]))
		}
	}
	return lines
}

// some gives a size in a sentence, are one of which something is said, and upTo
// a bound.
func some(s potluck.Size) string {
	if s == 0 {
		return "nothing"
	}
	return amount(s)
}

func are(s potluck.Size) string {
	if s == 0 {
		return "nothing is"
	}
	return amount(s) + " are"
}

func upTo(s potluck.Size) string {
	if s == 0 || s >= plenty {
		return some(s)
	}
	return "up to " + s.String()
}

// carried is what an order's pointers carry at most at one host, by beneficiary:
// there, one that names the host beats one for any host.
func carried(o signed.Order, host peer.ID, supply potluck.Size) map[peer.ID]potluck.Size {
	all := make(map[peer.ID]potluck.Size)
	for _, exact := range []bool{false, true} {
		for _, p := range o.Pointers {
			if p.To == host || exact != (p.Host == host) || !exact && p.Host != "" {
				continue
			}
			c := supply
			if p.Limit != signed.NoLimit {
				c = min(c, p.Limit)
			}
			if p.SharePPM != signed.NoShare {
				high, low := bits.Mul64(uint64(supply), uint64(p.SharePPM))
				part, _ := bits.Div64(high, low, signed.WholePPM)
				c = min(c, potluck.Size(part))
			}
			all[p.To] = c
		}
	}
	return all
}

// previewSentence says in one all lines that change something or may.
func previewSentence(v CreditPreview) string {
	var parts []string
	for _, l := range v.Lines {
		if l.Before != l.After || !l.Known {
			parts = append(parts, l.Sentence)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "this changes nothing now at any host that is known")
	}
	text := strings.Join(parts, "; ")
	if !v.Signed {
		return text
	}
	text += fmt.Sprintf("; signed as order %d, good until %s", v.Number, day(v.Expires))
	if len(v.Waiting) > 0 {
		var who []string
		for _, p := range v.Waiting {
			who = append(who, p.Name)
		}
		text += "; " + listing(who) + " will be told when met"
	}
	return text
}

// deliverNow hands a new document to all that are connected and want it, and
// tells who has it and who of those it names hasn't.
func (n *Node) deliverNow(ctx context.Context, key signed.Identity, number uint64, ns names) (has, waiting []Party) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	defer n.post.changed() // goes on with who is slow
	defer n.judge.cycle.Trigger()
	has, waiting = []Party{}, []Party{}
	wanted := make(map[peer.ID]bool)
	if papers, err := n.papers(ctx); err == nil {
		for _, x := range papers {
			if x.key() != key {
				continue
			}
			for _, p := range slices.AppendSeq(n.admitted(), maps.Keys(x.names)) {
				if n.post.wants(p, x) {
					wanted[p] = n.host.Connected(p)
				}
			}
		}
	}
	var g errgroup.Group
	g.SetLimit(4 * atOnce)
	for p, here := range wanted {
		if here {
			g.Go(func() error { _ = n.post.push(ctx, p); return nil }) // who didn't get it is listed as waiting
		}
	}
	_ = g.Wait()
	for p := range wanted {
		if n.post.has(p, key) >= number {
			has = append(has, ns.party(p))
		} else {
			waiting = append(waiting, ns.party(p))
		}
	}
	slices.SortFunc(has, byName)
	slices.SortFunc(waiting, byName)
	return has, waiting
}
