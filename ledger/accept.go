package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck/ledger/signed"
)

// Accept takes a document into the books, if it is the newest of its kind. It
// may come from anybody: what counts is who signed it. Documents of this node's
// own are taken the same way, before they are sent to anyone. A proof of conflict
// is taken as its two documents, whatever their dates.
//
// Errors: signed.ErrDocument; ErrNotFound when its issuer has no account and
// isn't this node; ErrInvalid when it has expired or hasn't begun (then also
// signed.ErrExpired or signed.ErrNotYet), when a server's consent is missing, or
// when this node's own order points to a peer that is unknown or denied;
// *potluck.Refusal when a loan of this node's own order isn't covered; ErrFull.
func (b *Book) Accept(ctx context.Context, d signed.Document) (out Outcome, err error) {
	a, rival, err := openAny(d) // signatures are verified outside of the batcher
	if err != nil {
		return 0, fmt.Errorf("accept a document: %w", err)
	}
	err = b.do(ctx, "accept "+a.id.Kind.String(), true, func(t *tx) (err error) {
		out, err = t.accept(a, rival)
		return err
	})
	if err != nil {
		return 0, err
	}
	return out, nil
}

// openAny opens a document; of a proof of conflict both sides.
func openAny(d signed.Document) (p, rival *paper, err error) {
	if d.Kind == signed.KindConflict {
		return openPair(d)
	}
	p, err = openPaper(d)
	return p, nil, err
}

// accept decides on a paper; with a rival, on a proof that both have one number.
func (t *tx) accept(p, rival *paper) (Outcome, error) {
	if err := t.concerned(p); err != nil {
		return 0, err
	}
	if p.id.Kind == signed.KindStatement {
		if rival == nil {
			return t.acceptStatement(p)
		}
		return t.acceptStatements(p, rival)
	}
	old := t.entry(p.key())
	switch {
	case old.number() > p.id.Number:
		return OutcomeStale, nil
	case old.number() < p.id.Number && rival == nil:
		if err := t.allowed(old, p); err != nil {
			return 0, err
		}
		return OutcomeNew, t.file(old, &entry{key: p.key(), paper: p}, p)
	case old.number() < p.id.Number:
		return OutcomeConflict, t.conflict(old, p, rival)
	case rival != nil:
		if old.has(p) && old.has(rival) {
			return OutcomeKnown, nil
		}
		return OutcomeConflict, t.conflict(old, p, rival, old.paper, old.rival)
	case old.has(p):
		return OutcomeKnown, nil
	}
	return OutcomeConflict, t.conflict(old, p, old.paper, old.rival)
}

func (e *entry) has(p *paper) bool {
	return e.paper.same(p) || (e.rival != nil && e.rival.same(p))
}

// concerned refuses documents of strangers: they'd fill the books.
func (t *tx) concerned(p *paper) error {
	peers := []peer.ID{p.id.Issuer}
	if p.id.Other != "" {
		peers = append(peers, p.id.Other)
	}
	for _, id := range peers {
		if id == t.graph.self {
			continue
		}
		if a, _, err := t.known(id); err != nil {
			return err
		} else if a == nil {
			return fmt.Errorf("account of %v: %w", id, ErrNotFound)
		}
	}
	return nil
}

// allowed tells whether a paper with a higher number may be taken now.
func (t *tx) allowed(old *entry, p *paper) error {
	if err := p.validAt(t.now); err != nil {
		return fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	switch {
	case p.id.Kind == signed.KindRepay:
		return t.consented(p.repay)
	case p.id.Kind == signed.KindOrder && p.id.Issuer == t.graph.self:
		return t.mayPoint(old, p)
	}
	return nil
}

// consented wants the word of the servers that a repay order names: of all of
// them when it is this node's own, of this node when it is another's.
func (t *tx) consented(r signed.Repay) error {
	d := t.desk()
	for _, a := range r.Allotments {
		if r.Principal != t.graph.self && a.Node != t.graph.self {
			continue
		}
		if !d.heard(a.Node, r.Principal) {
			return fmt.Errorf("%v has not consented to work for %v: %w", a.Node, r.Principal, ErrInvalid)
		}
	}
	return nil
}

// mayPoint looks at this node's own order: whom it points to anew, and what it lends.
func (t *tx) mayPoint(old *entry, p *paper) error {
	for _, q := range p.order.Pointers {
		if old != nil && slices.ContainsFunc(old.paper.order.Pointers, func(o signed.Pointer) bool { return o.To == q.To }) {
			continue
		}
		a, _, err := t.known(q.To)
		switch {
		case err != nil:
			return err
		case a == nil:
			return fmt.Errorf("pointer to %v, who is not known here: %w", q.To, ErrNotFound)
		case a.Denied:
			return fmt.Errorf("pointer to %v, who is denied here; accept its bytes first: %w", q.To, ErrInvalid)
		}
	}
	return t.graph.mayLend(t.desk().lends(&entry{key: p.key(), paper: p, asOf: t.now}))
}

// conflict files the two least papers of one number, whatever came first, and
// keeps the proof.
func (t *tx) conflict(old *entry, papers ...*paper) error {
	newest := papers[0]
	papers = slices.DeleteFunc(papers, func(p *paper) bool { return p == nil })
	slices.SortFunc(papers, func(a, b *paper) int { return bytes.Compare(a.payload, b.payload) })
	papers = slices.CompactFunc(papers, (*paper).same)
	if err := t.prove(papers[0], papers[1], newest.id.Issuer); err != nil {
		return err
	}
	return t.file(old, &entry{key: newest.key(), paper: papers[0], rival: papers[1]}, nil)
}

// prove keeps the proof that one signer signed both, and tells of it once for each
// number: a signer can make any number of proofs. What an owner signed twice counts,
// so it is told beside what the host did.
func (t *tx) prove(a, b *paper, signer peer.ID) error {
	key := docRowKey(keyProof, a.key())
	old, found, err := load(t, key, func(b []byte) (signed.Document, error) { return decodeProof(a.key(), b) })
	if err != nil {
		return err
	}
	if found {
		c, err := signed.VerifyConflict(old)
		if err != nil {
			return err
		}
		if n := c.About.Number; n > a.id.Number || n == a.id.Number && (c.Signer == signer || c.Signer != a.id.Issuer) {
			return nil
		}
	}
	d, err := signed.Prove(a.doc, b.doc)
	if err != nil {
		return err
	}
	encoded, err := d.Marshal()
	if err != nil {
		return err
	}
	t.set(key, marshal(proofWire{encoded}))
	t.note(Event{Kind: KindConflict, Peer: signer, Evidence: encoded,
		Reason: fmt.Sprintf("signed two different %vs with number %d", a.id.Kind, a.id.Number)})
	return nil
}

// eventKinds are those of the events that take documents.
var eventKinds = map[signed.Kind]string{signed.KindOrder: KindOrder, signed.KindRepay: KindRepay, signed.KindConsent: KindConsent,
	signed.KindHousehold: KindHousehold, signed.KindStatement: KindStatement, signed.KindKeepsake: KindKeepsake, signed.KindRevocation: KindRevocation}

// file writes an entry over the old one, with all that follows from it. taken is
// the paper that the event tells of.
func (t *tx) file(old, e *entry, taken *paper) error {
	if taken != nil && !taken.attempt(t.graph.self) {
		sum := blake3.Sum256(taken.encoded) // the document itself is in the row
		t.note(Event{Kind: eventKinds[e.key.kind], Peer: e.key.issuer, Bytes: taken.statement.Bytes, Evidence: sum[:],
			Reason: fmt.Sprintf("number %d", taken.id.Number)})
	}
	switch e.key.kind {
	case signed.KindOrder:
		e.asOf = t.now
		return t.fileOrder(old, e)
	case signed.KindHousehold:
		return t.fileHousehold(e)
	}
	t.putEntry(e)
	return nil
}

func (t *tx) putEntry(e *entry) {
	row := encodeEntry(e)
	t.set(docRowKey(keyDocument, e.key), row)
	t.laid += len(row)
	t.lay(e)
}

// lay makes the network look at an entry again.
func (t *tx) lay(e *entry) {
	if t.entries == nil {
		t.entries = make(map[docKey]*entry)
	}
	t.entries[e.key] = e
	t.look = true
}

// entry gives a document as the operation sees it; nil: there is none.
func (t *tx) entry(k docKey) *entry {
	if e, ok := t.entries[k]; ok {
		return e
	}
	return t.graph.entries[k]
}

// desk has the documents as the operation sees them.
func (t *tx) desk() desk { return desk{self: t.graph.self, entry: t.entry} }
