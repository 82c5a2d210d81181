package node

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/ledger/signed"
)

// known finds the account that a text means; a whole peer ID that is nobody's
// here gets one.
func (n *Node) known(ctx context.Context, text string, dry bool) (ledger.Account, error) {
	a, err := n.Resolve(ctx, text)
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		return a, err
	}
	p, bad := peer.Decode(text)
	switch {
	case bad != nil:
		return a, err
	case p == n.self:
		return a, usagef("that is this node itself")
	case dry:
		return ledger.Account{Peer: p, Terms: ledger.StrangerTerms()}, nil
	}
	if err := n.know(ctx, p, nil); err != nil {
		return a, err
	}
	a, err = n.book.Account(ctx, p)
	return a, n.checked(err)
}

// CreditTo points credit to a peer, in place of an earlier pointer to it at the
// same host. It previews, and signs unless it is a dry run.
func (n *Node) CreditTo(ctx context.Context, r CreditToRequest) (CreditPreview, error) {
	if r.To == n.self.String() {
		return CreditPreview{}, usagef("a pointer to oneself does nothing")
	}
	to, err := n.known(ctx, r.To, r.DryRun)
	if err != nil {
		return CreditPreview{}, err
	}
	now := n.config.Clock().Unix()
	p := signed.Pointer{To: to.Peer, Limit: signed.NoLimit, SharePPM: signed.NoShare, Loan: r.Loan, Until: r.Until, Since: now}
	if r.Host != "" {
		h, err := n.known(ctx, r.Host, r.DryRun)
		if err != nil {
			return CreditPreview{}, err
		}
		p.Host = h.Peer
	}
	if r.Limit != nil {
		p.Limit = *r.Limit
	}
	if r.SharePPM != nil {
		p.SharePPM = *r.SharePPM
	}
	switch {
	case to.Denied:
		return CreditPreview{}, usagef("%s is denied here; \"potluck accept %s\" ends that", to.Name, to.Name)
	case p.Limit < 0 && r.Limit != nil:
		return CreditPreview{}, usagef("a limit of %d bytes is below 0", *r.Limit)
	case p.SharePPM < 0 && r.SharePPM != nil, p.SharePPM > signed.WholePPM:
		return CreditPreview{}, usagef("a share of %g %% is not between 0 and 100", float64(*r.SharePPM)/1e4)
	case r.Until != 0 && r.Until <= now:
		return CreditPreview{}, usagef("until %s is in the past", moment(r.Until))
	}
	return n.point(ctx, r.DryRun, func(o *signed.Order) error {
		o.Pointers = slices.DeleteFunc(o.Pointers, func(x signed.Pointer) bool {
			if x.To == p.To && x.Host == p.Host {
				p.Since = x.Since // the same pointer, changed: it keeps its age
				return true
			}
			return false
		})
		o.Pointers = append(o.Pointers, p)
		return nil
	})
}

// CreditRevoke takes pointers back.
func (n *Node) CreditRevoke(ctx context.Context, r CreditRevokeRequest) (CreditPreview, error) {
	to, err := n.Resolve(ctx, r.To)
	if err != nil {
		return CreditPreview{}, err
	}
	var host peer.ID
	if r.Host != "" {
		h, err := n.Resolve(ctx, r.Host)
		if err != nil {
			return CreditPreview{}, err
		}
		host = h.Peer
	}
	return n.point(ctx, r.DryRun, func(o *signed.Order) error {
		before := len(o.Pointers)
		o.Pointers = slices.DeleteFunc(o.Pointers, func(x signed.Pointer) bool {
			return x.To == to.Peer && (r.Host == "" || x.Host == host)
		})
		if len(o.Pointers) == before {
			return &NotFoundError{What: "pointer to " + to.Name}
		}
		return nil
	})
}

// CreditDecline refuses the pointers of a peer, or takes them again.
func (n *Node) CreditDecline(ctx context.Context, r CreditDeclineRequest) (CreditPreview, error) {
	a, err := n.Resolve(ctx, r.Issuer)
	if err != nil {
		return CreditPreview{}, err
	}
	return n.point(ctx, false, func(o *signed.Order) error {
		o.Declined = slices.DeleteFunc(o.Declined, func(p peer.ID) bool { return p == a.Peer })
		if !r.Undo {
			o.Declined = append(o.Declined, a.Peer)
		}
		return nil
	})
}

// point changes the standing order and tells what that changes: in a dry run
// without signing it, else after it was delivered to whom can be reached.
func (n *Node) point(ctx context.Context, dry bool, change func(*signed.Order) error) (CreditPreview, error) {
	old, err := n.ownOrder(ctx)
	if err != nil {
		return CreditPreview{}, err
	}
	next, err := n.nextOrder(old)
	if err == nil {
		err = change(&next)
	}
	if err != nil {
		return CreditPreview{}, err
	}
	next = next.Sorted()
	if err := next.Validate(); err != nil {
		return CreditPreview{}, usagef("this can't be signed: %v", err)
	}
	if err := n.lend(ctx, old, next); err != nil {
		return CreditPreview{}, err
	}
	ns, err := n.names(ctx)
	if err != nil {
		return CreditPreview{}, err
	}
	v := CreditPreview{Number: next.Number, Expires: next.Expires, Lines: n.previewLines(ctx, old, next, ns),
		Pointers: []PointerView{}, Delivered: []Party{}, Waiting: []Party{}}
	if !dry {
		signedOrder, err := n.signOrder(ctx, 0, change)
		if err != nil {
			return v, orderError(err)
		}
		next, v.Signed, v.Number, v.Expires = signedOrder, true, signedOrder.Number, signedOrder.Expires
		v.Delivered, v.Waiting = n.deliverNow(ctx, signed.Identity{Kind: signed.KindOrder, Issuer: n.self}, next.Number, ns)
	}
	for _, p := range next.Pointers {
		v.Pointers = append(v.Pointers, n.pointerView(next, p, ns))
	}
	v.Sentence = previewSentence(v)
	return v, nil
}

// orderError says what to do about an order that the books don't take.
func orderError(err error) error {
	if errors.Is(err, ledger.ErrInvalid) {
		return &files.UsageError{Text: err.Error()}
	}
	return err
}

// lend refuses loans that this node's own book doesn't cover: while a loan
// lives, it counts as what the borrower has here.
func (n *Node) lend(ctx context.Context, old, next signed.Order) error {
	more := make(map[peer.ID]potluck.Size)
	for _, p := range next.Pointers {
		if p.Loan {
			more[p.To] += p.Limit
		}
	}
	for _, p := range old.Pointers {
		if p.Loan && more[p.To] > 0 {
			more[p.To] -= p.Limit
		}
	}
	for p, bytes := range more {
		if bytes <= 0 {
			continue
		}
		v, err := n.book.Credit(ctx, p)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return n.checked(err)
		}
		if short := bytes - v.Free; short > 0 {
			return &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: bytes, Free: v.Free, Short: short,
				Cures: []potluck.Cure{{Kind: potluck.CureHold, Bytes: short}}}
		}
	}
	return nil
}

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
	charged := "" // CREDIT.md section 5
	for p, b := range before {
		if after[p] < b {
			charged = "; what is in use stays charged until it is gone"
		}
	}
	line := func(p Party, b, a potluck.Size) PreviewLine {
		l := PreviewLine{Host: h, Known: s.at != 0, Party: p, Before: b, After: a}
		switch {
		case !l.Known:
			l.Sentence = h.Name + " can't be asked what it counts for you now"
		case p.Peer == n.self:
			l.Sentence = fmt.Sprintf("%s counts %v for you; %v of it for you alone before, %v after this%s", h.Name, supply, b, a, charged)
		default:
			l.Sentence = fmt.Sprintf("%s: up to %v of your credit for %s before, up to %v after this", h.Name, b, p.Name, a)
			if a < b {
				l.Sentence += ", and what it uses until it is gone"
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
	lines := []PreviewLine{line(Party{n.self, "me"}, rest(before), rest(after))}
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

// previewSentence says all lines in one.
func previewSentence(v CreditPreview) string {
	var parts []string
	for _, l := range v.Lines {
		parts = append(parts, l.Sentence)
	}
	if len(parts) == 0 {
		parts = append(parts, "no host is known at which this changes anything now")
	}
	text := strings.Join(parts, "; ")
	if !v.Signed {
		return text
	}
	text += fmt.Sprintf(" (order %d, good until %s", v.Number, day(v.Expires))
	if len(v.Waiting) > 0 {
		var who []string
		for _, p := range v.Waiting {
			who = append(who, p.Name)
		}
		text += "; " + listing(who) + " will be told when met"
	}
	return text + ")"
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
	for _, p := range n.admitted() {
		wanted[p] = n.host.Connected(p)
	}
	if papers, err := n.papers(ctx); err == nil {
		for _, x := range papers {
			if x.key() == key {
				for p := range x.names {
					wanted[p] = wanted[p] || n.host.Connected(p)
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
