package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
)

// paper is one document as far as its handing on needs it.
type paper struct {
	id       signed.Identity
	document signed.Document
	names    map[peer.ID]bool // whom it names, besides its issuer
	open     bool             // it may be given to whoever knows its issuer
}

// key is the identity without the number.
func (p paper) key() signed.Identity {
	k := p.id
	k.Number = 0
	return k
}

// rank orders papers so that one that another needs comes before it: a repay
// order needs the consents, a statement needs the repay order.
func (p paper) rank() int {
	return slices.Index([]signed.Kind{signed.KindHousehold, signed.KindConsent, signed.KindRepay, signed.KindOrder,
		signed.KindStatement, signed.KindConflict}, p.id.Kind)
}

// papers lists the documents in the books, in the order of their ranks. Whom a
// document names may have it, and so may whoever knows its issuer (it may be a
// debtor of the issuer's, or meet one before the issuer does), except for
// statements: those are between host, owner and who repays for the owner.
func (n *Node) papers(ctx context.Context) ([]paper, error) {
	var all []paper
	servers := make(map[peer.ID][]peer.ID) // of owners
	err := n.book.Documents(ctx, 0, func(row ledger.DocumentRow) error {
		docs := []*signed.Document{&row.Document, row.ByOwner, row.Conflict}
		for _, d := range docs {
			if d == nil || len(d.Sealed) == 0 {
				continue
			}
			p, err := newPaper(*d)
			if err != nil {
				return fmt.Errorf("%v of %v in the books: %w", row.Kind, row.Issuer, err)
			}
			if p.id.Kind == signed.KindRepay {
				for s := range p.names {
					servers[p.id.Issuer] = append(servers[p.id.Issuer], s)
				}
			}
			all = append(all, p)
		}
		return nil
	})
	if err != nil {
		return nil, n.checked(err)
	}
	for _, p := range all {
		if p.id.Kind == signed.KindStatement {
			p.name(servers[p.id.Other]...)
		}
	}
	slices.SortStableFunc(all, func(a, b paper) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.id.Number, b.id.Number))
	})
	return all, nil
}

// newPaper opens a document, which verifies it, to see whom it names. Errors
// wrap signed.ErrDocument.
func newPaper(d signed.Document) (paper, error) {
	p := paper{document: d, names: make(map[peer.ID]bool), open: true}
	var err error
	if p.id, err = signed.Identify(d); err != nil {
		return p, err
	}
	switch d.Kind {
	case signed.KindOrder:
		o, err := d.Order()
		if err != nil {
			return p, err
		}
		for _, x := range o.Pointers {
			p.name(x.To, x.Host)
		}
		p.name(o.Declined...)
	case signed.KindRepay:
		r, err := d.Repay()
		if err != nil {
			return p, err
		}
		for _, a := range r.Allotments {
			p.name(a.Node)
		}
	case signed.KindHousehold:
		h, err := d.Household()
		if err != nil {
			return p, err
		}
		p.name(h.Members...)
	case signed.KindConsent:
		p.name(p.id.Other)
	case signed.KindStatement:
		p.name(p.id.Other)
		p.open = false
	}
	return p, nil
}

func (p paper) name(all ...peer.ID) {
	for _, x := range all {
		if x != "" && x != p.id.Issuer {
			p.names[x] = true
		}
	}
}

// concerns tells whether the document is for a peer that it names, or that
// signed it.
func (p paper) concerns(who peer.ID) bool { return p.id.Issuer == who || p.names[who] }
