package ledger

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// acceptStatement takes a statement by its signatures. Signed by both, the
// highest number counts. Signed by the owner alone, a higher number may lower the
// figure at once. Signed by the host alone, it is kept to be seen and counts
// nothing (CREDIT.md section 8).
func (t *tx) acceptStatement(p *paper) (Outcome, error) {
	if err := p.validAt(t.now); err != nil {
		return 0, fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	if err := t.remind(p); err != nil {
		return 0, err
	}
	old := t.entry(p.key())
	if old == nil {
		old = &entry{key: p.key()}
	}
	e, out, against := old.take(p)
	if out == OutcomeConflict {
		if err := t.prove(against, p, p.witness(against)); err != nil {
			return 0, err
		}
	}
	if e == nil {
		return out, nil
	}
	if out == OutcomeConflict {
		return out, t.file(old, e, nil)
	}
	return out, t.file(old, e, p)
}

// acceptStatements takes the two sides of a proof.
func (t *tx) acceptStatements(a, b *paper) (Outcome, error) {
	one, err := t.acceptStatement(a)
	if err != nil {
		return 0, err
	}
	other, err := t.acceptStatement(b)
	if one == OutcomeConflict {
		return one, err
	}
	return other, err
}

// attempt tells whether it is what this node says as host, alone: every try to
// agree with an owner makes one, and it counts nothing.
func (p *paper) attempt(self peer.ID) bool {
	return p.id.Kind == signed.KindStatement && p.byHost && !p.byOwner && p.id.Issuer == self
}

// witness is the one who signed both.
func (p *paper) witness(o *paper) peer.ID {
	if p.byOwner && o.byOwner {
		return p.id.Other
	}
	return p.id.Issuer
}

// take merges a statement into the entry. e is nil when nothing changes; against
// is what it is in conflict with. Whatever the order in which statements come,
// what counts is the same.
func (e *entry) take(p *paper) (next *entry, out Outcome, against *paper) {
	switch {
	case p.byHost && p.byOwner:
		return e.takeBoth(p)
	case p.byOwner:
		return e.takeOwners(p)
	}
	return e.takeHosts(p)
}

func (e *entry) takeBoth(p *paper) (next *entry, out Outcome, against *paper) {
	n := p.id.Number
	if n < e.number() {
		return nil, OutcomeStale, nil
	}
	c := *e
	if n == e.number() {
		// What the owner alone said may have lowered the figure so far already: the
		// lesser paper counts all the same once that is settled.
		if e.paper.same(p) || e.counted(p) && p.statement.Bytes >= e.paper.statement.Bytes {
			return nil, OutcomeKnown, nil
		}
		c.paper = lesser(e.paper, p)
		if e.byOwner == nil {
			c.dispute(p, e.paper)
		}
		return &c, OutcomeConflict, e.paper
	}
	out, c.paper = OutcomeNew, p
	if e.byHost != nil && e.byHost.id.Number <= n {
		c.byHost = nil
	}
	if e.byOwner != nil && e.byOwner.id.Number <= n {
		c.byOwner = nil
	}
	if e.byOwner != nil && e.byOwner.id.Number == n && !e.byOwner.same(p) {
		c.dispute(p, e.byOwner)
		return &c, OutcomeConflict, e.byOwner
	}
	if c.disputed == n {
		c.leastBytes = min(c.leastBytes, p.statement.Bytes)
	}
	c.settle()
	return &c, out, nil
}

func (e *entry) takeOwners(p *paper) (next *entry, out Outcome, against *paper) {
	n := p.id.Number
	c := *e
	switch {
	case n < e.owned():
		return nil, OutcomeStale, nil
	case n > e.owned():
		c.byOwner = p
		if c.byHost != nil && c.byHost.id.Number <= n {
			c.byHost = nil // the owner's word on it has come
		}
		c.settle()
		return &c, OutcomeNew, nil
	case e.byOwner == nil: // the number that both signed
		if e.paper.same(p) || e.counted(p) {
			return nil, OutcomeKnown, nil
		}
		c.dispute(p, e.paper)
		return &c, OutcomeConflict, e.paper
	case e.byOwner.same(p) || e.counted(p):
		return nil, OutcomeKnown, nil
	}
	c.byOwner = lesser(e.byOwner, p)
	c.dispute(p, e.byOwner)
	return &c, OutcomeConflict, e.byOwner
}

func (e *entry) takeHosts(p *paper) (next *entry, out Outcome, against *paper) {
	n := p.id.Number
	switch {
	case n < e.number(), e.byHost != nil && n < e.byHost.id.Number:
		return nil, OutcomeStale, nil
	case n == e.number() && e.paper.same(p), e.byHost != nil && e.byHost.same(p):
		return nil, OutcomeKnown, nil
	case n == e.number():
		return nil, OutcomeConflict, e.paper
	case e.byOwner != nil && n <= e.byOwner.id.Number:
		return nil, OutcomeStale, nil
	}
	c := *e
	if e.byHost != nil && n == e.byHost.id.Number {
		if c.byHost = lesser(e.byHost, p); c.byHost == e.byHost {
			return nil, OutcomeConflict, e.byHost
		}
		return &c, OutcomeConflict, e.byHost
	}
	c.byHost = p
	return &c, OutcomeNew, nil
}

// counted tells whether a disputed statement can't lower the figure any more.
func (e *entry) counted(p *paper) bool {
	return e.disputed == p.id.Number && p.statement.Bytes >= e.leastBytes && e.disputed == e.owned()
}

// dispute notes that the owner signed both.
func (e *entry) dispute(a, b *paper) {
	least := min(a.statement.Bytes, b.statement.Bytes)
	if e.disputed == a.id.Number {
		least = min(least, e.leastBytes)
	}
	e.disputed, e.leastBytes = a.id.Number, least
	e.settle()
}

// settle forgets a dispute that a higher number of the owner has settled.
func (e *entry) settle() {
	if e.disputed != e.owned() {
		e.disputed, e.leastBytes = 0, potluck.Size(0)
	}
}

// lesser gives the paper with the smaller figure, or whose payload comes first, so
// that the order of arrival doesn't matter.
func lesser(a, b *paper) *paper {
	if cmp.Or(cmp.Compare(a.statement.Bytes, b.statement.Bytes), bytes.Compare(a.payload, b.payload)) <= 0 {
		return a
	}
	return b
}
