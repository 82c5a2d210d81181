package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// Outcome tells what the books did with a document.
type Outcome uint8

// Outcomes of Accept.
const (
	OutcomeNew      Outcome = 1 // it counts from now on
	OutcomeKnown    Outcome = 2 // it is in the books already
	OutcomeStale    Outcome = 3 // a higher number is in the books
	OutcomeConflict Outcome = 4 // its signer signed another one with this number; the proof is kept
)

// String gives the outcome's one word.
func (o Outcome) String() string {
	switch o {
	case OutcomeNew:
		return "new"
	case OutcomeKnown:
		return "known"
	case OutcomeStale:
		return "stale"
	case OutcomeConflict:
		return "conflict"
	}
	return "none"
}

// Frozen is what is left of the pointers from an issuer to one peer that ended
// while they carried (CREDIT.md section 5). It only shrinks.
type Frozen struct {
	To    peer.ID      `json:"to"`
	Limit potluck.Size `json:"limit"` // what it carries still
	Since int64        `json:"since"` // the pointer's age for ties, unix seconds
}

// DocumentRow is the newest document of one kind, issuer and other peer.
type DocumentRow struct {
	Kind     signed.Kind
	Issuer   peer.ID // order: issuer; repay: principal; consent: server; household: member; statement: host; keepsake: owner. Conflict: as what it is about
	Other    peer.ID // consent: principal; statement: owner. Conflict: as what it is about
	Number   uint64
	Document signed.Document  // a statement's is signed by both; the zero value if there is none such
	Expires  int64            // unix seconds; 0: doesn't expire. Statements count for StatementLife
	Live     bool             // it counts now; for a statement: signed by both and young enough
	Frozen   []Frozen         // orders: by beneficiary
	Declined []peer.ID        // orders: issuers whose pointers this peer doesn't take
	ByHost   *signed.Document // statements: a newer number, signed by the host alone
	ByOwner  *signed.Document // statements: a newer number, signed by the owner alone
	Conflict *signed.Document // the newest proof that a signer signed two with one number, this one or one before it
}

// Document gives the newest document of a kind. For KindConflict it is the first
// proof about a document of issuer and other. Errors: ErrNotFound.
func (b *Book) Document(ctx context.Context, kind signed.Kind, issuer, other peer.ID) (row DocumentRow, err error) {
	err = b.view(ctx, func(v view) error {
		if kind == signed.KindConflict {
			row, err = v.proofOf(issuer, other)
			return err
		}
		k := docKey{kind, issuer, other}
		e, found, err := load(v, docRowKey(keyDocument, k), func(row []byte) (*entry, error) { return decodeEntry(k, row, &b.opened) })
		if err == nil && !found {
			err = fmt.Errorf("%v of %v: %w", kind, issuer, ErrNotFound)
		}
		if err != nil {
			return err
		}
		row, err = v.documentRow(e, b.clock().Unix(), true)
		return err
	})
	return row, err
}

// Stated gives the newest statement between a host and an owner that both signed,
// or the owner alone, and the highest number that either signed; zeros when there
// is none.
func (b *Book) Stated(ctx context.Context, host, owner peer.ID) (newest signed.Statement, number uint64, err error) {
	err = b.view(ctx, func(v view) error {
		k := docKey{signed.KindStatement, host, owner}
		e, found, err := load(v, docRowKey(keyDocument, k), func(row []byte) (*entry, error) { return decodeEntry(k, row, &b.opened) })
		if err != nil || !found {
			return err
		}
		for _, p := range []*paper{e.paper, e.byHost, e.byOwner} {
			if p == nil {
				continue
			}
			if p != e.byHost && p.statement.Number >= newest.Number {
				newest = p.statement
			}
			number = max(number, p.statement.Number)
		}
		return nil
	})
	return newest, number, err
}

// Documents visits the newest documents of a kind (0: of all kinds but proofs of
// conflict), by kind, issuer and other. visit may call methods of the book.
func (b *Book) Documents(ctx context.Context, kind signed.Kind, visit func(DocumentRow) error) error {
	if kind == signed.KindConflict {
		return b.scan(ctx, span{prefix: []byte{keyProof}}, func(key, value []byte) error {
			r := parts(key)
			k := r.document()
			if err := r.end(key); err != nil {
				return err
			}
			row, err := proofRow(k, value)
			if err != nil {
				return err
			}
			return visit(row)
		})
	}
	prefix := []byte{keyDocument}
	if kind != 0 {
		prefix = append(prefix, byte(kind))
	}
	return b.view(ctx, func(v view) error {
		proven, err := v.proven(ctx)
		if err != nil {
			return err
		}
		return v.scan(ctx, span{prefix: prefix}, func(key, value []byte) error {
			e, err := readEntry(key, value, &b.opened)
			if err != nil {
				return err
			}
			row, err := v.documentRow(e, b.clock().Unix(), proven)
			if err != nil {
				return err
			}
			return visit(row)
		})
	})
}

// proven tells whether there is any proof of conflict.
func (v view) proven(ctx context.Context) (any bool, err error) {
	err = v.scan(ctx, span{prefix: []byte{keyProof}, keysOnly: true}, func([]byte, []byte) error {
		any = true
		return ErrStop
	})
	return any, err
}

// documentRow gives an entry's public form; a proof that it conflicts is looked
// for where any is proven.
func (v view) documentRow(e *entry, now int64, proven bool) (DocumentRow, error) {
	r := DocumentRow{Kind: e.key.kind, Issuer: e.key.issuer, Other: e.key.other, Number: e.number(), Frozen: e.frozen}
	if e.paper != nil {
		r.Document, r.Expires = e.paper.doc, e.paper.expires()
		r.Live = e.rival == nil && e.paper.validAt(now) == nil
	}
	switch e.key.kind {
	case signed.KindOrder:
		r.Declined = e.paper.order.Declined
	case signed.KindStatement:
		r.Live = r.Live && now < e.paper.statement.Time+statementLife
		r.ByHost, r.ByOwner = e.byHost.document(), e.byOwner.document()
	}
	if !proven {
		return r, nil
	}
	d, found, err := load(v, docRowKey(keyProof, e.key), func(b []byte) (signed.Document, error) { return decodeProof(e.key, b) })
	if found {
		r.Conflict = &d
	}
	return r, err
}

func (p *paper) document() *signed.Document {
	if p == nil {
		return nil
	}
	return &p.doc
}

func proofRow(k docKey, value []byte) (DocumentRow, error) {
	d, err := decodeProof(k, value)
	if err != nil {
		return DocumentRow{}, err
	}
	id, err := signed.Identify(d)
	return DocumentRow{Kind: signed.KindConflict, Issuer: k.issuer, Other: k.other, Number: id.Number, Document: d, Conflict: &d}, err
}

func (v view) proofOf(issuer, other peer.ID) (DocumentRow, error) {
	for kind := signed.KindOrder; kind.Valid(); kind++ {
		k := docKey{kind, issuer, other}
		value, found, err := v.get(docRowKey(keyProof, k))
		if err != nil {
			return DocumentRow{}, err
		}
		if found {
			return proofRow(k, value)
		}
	}
	return DocumentRow{}, fmt.Errorf("proof of a conflict against %v: %w", issuer, ErrNotFound)
}

// Refresh looks at all that ends with time: paid terms, orders, pointers, repay
// orders, consents and statements. Operations do that by themselves when
// something is due; call it now and then so that an idle node's figures fall too.
func (b *Book) Refresh(ctx context.Context) error {
	return b.do(ctx, "refresh", false, func(*tx) error { return nil })
}

// current makes sure that the network's figures are of now.
func (b *Book) current(ctx context.Context) error {
	b.graph.mu.Lock()
	stale := b.graph.stale(b.clock().Unix())
	b.graph.mu.Unlock()
	if !stale {
		return nil
	}
	return b.Refresh(ctx)
}
