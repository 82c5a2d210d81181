package ledger

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// Times of documents, in seconds.
const (
	tolerance     = int64(signed.Tolerance / 1e9)
	statementLife = 14 * 24 * 3600 // a statement counts for so long
)

// StatementLife is for how many seconds after its time a statement counts.
const StatementLife = statementLife

// desk is where documents lie and are read together. It decides nothing by
// itself: all it says follows from them.
type desk struct {
	self  peer.ID
	entry func(docKey) *entry // nil: none
}

// times names the seconds at which an entry begins or ceases to count.
func (e *entry) times(self peer.ID, name func(int64)) {
	switch e.key.kind {
	case signed.KindOrder:
		for _, p := range e.paper.order.Pointers {
			if end := pointerEnd(p); end != 0 {
				name(end)
			}
		}
		name(e.paper.order.Expires + tolerance)
	case signed.KindRepay:
		name(e.paper.repay.NotBefore - tolerance)
		name(e.paper.repay.Expires + tolerance)
		if e.key.issuer == self {
			name(e.paper.repay.Expires + 2*tolerance)
		}
	case signed.KindConsent:
		name(e.paper.consent.NotBefore - tolerance)
		name(e.paper.consent.Expires + tolerance)
	case signed.KindStatement:
		if e.paper != nil {
			name(e.paper.statement.Time + statementLife)
		}
	}
}

// pointerEnd is the first second in which a pointer with an end of its own is
// over; 0: it ends with its order.
func pointerEnd(p signed.Pointer) int64 {
	if p.Until == 0 {
		return 0
	}
	return p.Until + tolerance
}

// running tells whether an order's pointers counted when it was looked at. That
// it was taken means that it had begun.
func (e *entry) running() bool {
	return e != nil && e.rival == nil && e.asOf < e.paper.order.Expires+tolerance
}

func (e *entry) live(p signed.Pointer) bool {
	end := pointerEnd(p)
	return end == 0 || e.asOf < end
}

// pointers gives the live pointers of an order for this host, by beneficiary. A
// pointer that names the host beats one for any host.
func (d desk) pointers(e *entry) map[peer.ID]signed.Pointer {
	if !e.running() || e.key.issuer == d.self {
		return nil
	}
	here := make(map[peer.ID]signed.Pointer)
	for _, p := range e.paper.order.Pointers {
		if p.To == d.self || (p.Host != "" && p.Host != d.self) || !e.live(p) {
			continue
		}
		if old, ok := here[p.To]; ok && old.Host != "" {
			continue
		}
		if !d.declines(p.To, e.key.issuer) && !d.void(e.key.issuer, p.To) {
			here[p.To] = p
		}
	}
	return here
}

// declines tells whether a peer doesn't take an issuer's pointers. Its newest
// order says so for good, until the next.
func (d desk) declines(p, issuer peer.ID) bool {
	e := d.entry(orderKey(p))
	if e == nil {
		return false
	}
	_, found := slices.BinarySearch(e.paper.order.Declined, issuer)
	return found
}

// void tells whether issuer, beneficiary and host are of one household.
func (d desk) void(issuer, to peer.ID) bool {
	return d.together(issuer, d.self) && d.together(to, d.self) && d.together(issuer, to)
}

// together tells whether two nodes are one household: each one's newest document
// names the other under the same label.
func (d desk) together(a, b peer.ID) bool {
	if a == b {
		return true
	}
	x, y := d.household(a), d.household(b)
	return x.Names(b, x.Label) && y.Names(a, x.Label)
}

func (d desk) household(p peer.ID) (h signed.Household) {
	if e := d.entry(docKey{kind: signed.KindHousehold, issuer: p}); e != nil && e.rival == nil {
		h = e.paper.household
	}
	return h
}

// arcs gives an issuer's arcs here: live and frozen.
func (d desk) arcs(e *entry) (arcs []credit.Arc) {
	from := credit.ID(e.key.issuer)
	here := d.pointers(e)
	for _, to := range slices.Sorted(maps.Keys(here)) {
		p := here[to]
		arcs = append(arcs, credit.Arc{From: from, To: credit.ID(to), Limit: p.Limit, SharePPM: p.SharePPM, Order: p.Since})
	}
	for _, f := range e.frozen {
		if !d.void(e.key.issuer, f.To) {
			arcs = append(arcs, credit.Arc{From: from, To: credit.ID(f.To), Limit: f.Limit, SharePPM: credit.NoShare, Frozen: true, Order: f.Since})
		}
	}
	return arcs
}

// loans gives what this node's own order lends, wherever.
func (d desk) loans() map[peer.ID]potluck.Size {
	return d.lends(d.entry(orderKey(d.self)))
}

func (d desk) lends(e *entry) map[peer.ID]potluck.Size {
	all := make(map[peer.ID]potluck.Size)
	if !e.running() {
		return all
	}
	for _, p := range e.paper.order.Pointers {
		if p.Loan && e.live(p) {
			all[p.To] = min(all[p.To]+p.Limit, potluck.MaxSize)
		}
	}
	return all
}

// ownPPM is the part of this node's own debts that no other node repays. It goes
// on without what was allotted until no clock may still think the allotment good.
func (d desk) ownPPM(now int64) int64 {
	e := d.entry(docKey{kind: signed.KindRepay, issuer: d.self})
	if e == nil || now >= e.paper.repay.Expires+2*tolerance {
		return signed.WholePPM
	}
	left := int64(signed.WholePPM)
	for _, a := range e.paper.repay.Allotments {
		left -= a.SharePPM
	}
	return left
}

// works tells which part of a principal's debts this node repays now: its repay
// order names this node, and this node consented.
func (d desk) works(principal peer.ID, now int64) (sharePPM int64) {
	r := d.entry(docKey{kind: signed.KindRepay, issuer: principal})
	if r == nil || r.rival != nil || r.paper.repay.ValidAt(now) != nil || !d.consents(d.self, principal, now) {
		return 0
	}
	return r.paper.repay.Share(d.self)
}

func (d desk) consents(server, principal peer.ID, now int64) bool {
	c := d.entry(docKey{signed.KindConsent, server, principal})
	return c != nil && c.rival == nil && c.paper.consent.Works && c.paper.consent.ValidAt(now) == nil
}

// heard tells whether a server ever spoke of working for a principal, whatever
// it says now. So it doesn't matter whether a repay order came before the word
// was taken back or after it: what it gives counts only while the word stands.
func (d desk) heard(server, principal peer.ID) bool {
	return d.entry(docKey{signed.KindConsent, server, principal}) != nil
}

// via gives what each host earns here for the principals that this node works
// for (CREDIT.md section 3). Nobody earns by its own household.
func (d desk) via(entries map[docKey]*entry, now int64) map[peer.ID][]EarnedFor {
	shares := make(map[peer.ID]int64)
	for k := range entries {
		if k.kind == signed.KindRepay && k.issuer != d.self {
			if s := d.works(k.issuer, now); s > 0 {
				shares[k.issuer] = s
			}
		}
	}
	all := make(map[peer.ID][]EarnedFor)
	for k, e := range entries {
		if k.kind != signed.KindStatement || shares[k.other] == 0 || k.issuer == d.self ||
			d.together(k.issuer, k.other) || d.together(k.issuer, d.self) {
			continue
		}
		if n := millionths(e.bytes(now), shares[k.other]); n > 0 {
			all[k.issuer] = append(all[k.issuer], EarnedFor{k.other, n})
		}
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b EarnedFor) int { return cmp.Compare(a.Principal, b.Principal) })
	}
	return all
}

// millionths is floor(n × ppm ÷ million) for at most a million of them.
func millionths(n potluck.Size, ppm int64) potluck.Size {
	hi, lo := bits.Mul64(uint64(n), uint64(ppm))
	q, _ := bits.Div64(hi, lo, signed.WholePPM) // hi < 2^20/2, for n < 2^63
	return potluck.Size(q)
}
