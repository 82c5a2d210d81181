package ledger

import (
	"bytes"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// paper is a document that was opened: its signatures hold. It is never changed.
type paper struct {
	id      signed.Identity
	doc     signed.Document
	encoded []byte // doc
	payload []byte // what was signed

	// One of these, by kind.
	order      signed.Order
	repay      signed.Repay
	consent    signed.Consent
	household  signed.Household
	statement  signed.Statement
	keepsake   signed.Keepsake
	revocation signed.Revocation

	byHost, byOwner bool // statements: who signed
}

// openPaper opens a document of any kind but conflict. Errors wrap
// signed.ErrDocument.
func openPaper(d signed.Document) (*paper, error) {
	p := &paper{doc: d}
	var body interface{ MarshalCBOR() ([]byte, error) }
	var err error
	switch d.Kind {
	case signed.KindOrder:
		p.order, err = d.Order()
		body = p.order
	case signed.KindRepay:
		p.repay, err = d.Repay()
		body = p.repay
	case signed.KindConsent:
		p.consent, err = d.Consent()
		body = p.consent
	case signed.KindHousehold:
		p.household, err = d.Household()
		body = p.household
	case signed.KindStatement:
		p.statement, p.byHost, p.byOwner, err = d.Statement()
		body = p.statement
	case signed.KindKeepsake:
		p.keepsake, err = d.Keepsake()
		body = p.keepsake
	case signed.KindRevocation:
		p.revocation, err = d.Revocation()
		body = p.revocation
	default:
		err = fmt.Errorf("%v has no content of its own: %w", d.Kind, signed.ErrDocument)
	}
	if err != nil {
		return nil, err
	}
	if p.payload, err = body.MarshalCBOR(); err != nil {
		return nil, err
	}
	if p.encoded, err = d.Marshal(); err != nil {
		return nil, err
	}
	p.id = p.identity()
	return p, nil
}

func (p *paper) identity() signed.Identity {
	id := signed.Identity{Kind: p.doc.Kind}
	switch p.doc.Kind {
	case signed.KindOrder:
		id.Issuer, id.Number = p.order.Issuer, p.order.Number
	case signed.KindRepay:
		id.Issuer, id.Number = p.repay.Principal, p.repay.Number
	case signed.KindConsent:
		id.Issuer, id.Other, id.Number = p.consent.Server, p.consent.Principal, p.consent.Number
	case signed.KindHousehold:
		id.Issuer, id.Number = p.household.Member, p.household.Number
	case signed.KindStatement:
		id.Issuer, id.Other, id.Number = p.statement.Host, p.statement.Owner, p.statement.Number
	case signed.KindKeepsake:
		id.Issuer, id.Number = p.keepsake.Owner, p.keepsake.Number()
	case signed.KindRevocation:
		id.Issuer, id.Number = p.revocation.Owner, p.revocation.Number
	}
	return id
}

// openPair opens both sides of a proof of conflict.
func openPair(d signed.Document) (a, b *paper, err error) {
	c, err := signed.VerifyConflict(d)
	if err != nil {
		return nil, nil, err
	}
	side := func(sealed []byte) (*paper, error) {
		switch {
		case c.About.Kind != signed.KindStatement:
			return openPaper(signed.Single(c.About.Kind, sealed))
		case c.Signer == c.About.Issuer:
			return openPaper(signed.StatementOf(sealed, nil))
		}
		return openPaper(signed.StatementOf(nil, sealed))
	}
	if a, err = side(d.Sealed[0]); err != nil {
		return nil, nil, err
	}
	b, err = side(d.Sealed[1])
	return a, b, err
}

func (p *paper) key() docKey { return docKey{p.id.Kind, p.id.Issuer, p.id.Other} }

// same tells whether two papers say the same; signatures may differ.
func (p *paper) same(o *paper) bool { return bytes.Equal(p.payload, o.payload) }

// validAt tells whether the paper may be taken at a time. Errors wrap
// signed.ErrNotYet or signed.ErrExpired.
func (p *paper) validAt(now int64) error {
	switch p.id.Kind {
	case signed.KindOrder:
		return p.order.ValidAt(now)
	case signed.KindRepay:
		return p.repay.ValidAt(now)
	case signed.KindConsent:
		return p.consent.ValidAt(now)
	case signed.KindHousehold:
		return p.household.ValidAt(now)
	case signed.KindKeepsake:
		return p.keepsake.ValidAt(now)
	case signed.KindRevocation:
		return p.revocation.ValidAt(now)
	}
	return p.statement.ValidAt(now)
}

// expires is the first second that is too late; 0: none.
func (p *paper) expires() int64 {
	switch p.id.Kind {
	case signed.KindOrder:
		return p.order.Expires
	case signed.KindRepay:
		return p.repay.Expires
	case signed.KindConsent:
		return p.consent.Expires
	}
	return 0
}

// docKey is what a document's row is filed under.
type docKey struct {
	kind          signed.Kind
	issuer, other peer.ID
}

// entry is a document's row, opened. It is never changed, only replaced.
type entry struct {
	key        docKey
	paper      *paper   // the newest; a statement's is signed by both, nil: there is none yet
	rival      *paper   // the other one of its number, while the two are in conflict
	asOf       int64    // orders: when it was looked at which pointers have ended
	frozen     []Frozen // orders: by beneficiary
	byHost     *paper   // statements: a newer number, signed by the host alone
	byOwner    *paper   // statements: a newer number, signed by the owner alone
	disputed   uint64   // statements: the number under which the owner signed several; 0: none
	leastBytes potluck.Size
}

func (e *entry) number() uint64 {
	if e == nil || e.paper == nil {
		return 0
	}
	return e.paper.id.Number
}

// bytes is what a statement counts (CREDIT.md section 8): what both signed; less
// when its owner signed less since, or several under one number.
func (e *entry) bytes(now int64) potluck.Size {
	if e.paper == nil || now >= e.paper.statement.Time+statementLife {
		return 0
	}
	n := e.paper.statement.Bytes
	if e.byOwner != nil {
		n = min(n, e.byOwner.statement.Bytes)
	}
	if e.disputed != 0 {
		n = min(n, e.leastBytes)
	}
	return n
}
