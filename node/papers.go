package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

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
	raw      []byte           // of one in the books: its encoding
	pointers []signed.Pointer // of an order
	declined []peer.ID        // of an order
	spread   bool             // this node's friends should have it
	word     bool             // of a disputed statement: what the host signed alone, for friends to see
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
	return slices.Index([]signed.Kind{signed.KindHousehold, signed.KindRevocation, signed.KindConsent, signed.KindRepay, signed.KindOrder,
		signed.KindStatement, signed.KindConflict, signed.KindKeepsake}, p.id.Kind)
}

// papers lists the documents in the books, in the order of their ranks. Whom a
// document names may have it, and so may whoever knows its issuer (it may be a
// debtor of the issuer's, or meet one before the issuer does), except for
// statements: those are between host, owner and who repays for the owner.
//
// Whom an earlier one of the same kind named is named still, as far as this life
// knows: it has to hear that it is named no longer. What a paper points to is
// borrowed.
func (n *Node) papers(ctx context.Context) ([]paper, error) {
	n.shelf.mu.Lock()
	defer n.shelf.mu.Unlock()
	newest := n.book.Newest()
	if newest > 0 && n.shelf.newest == newest {
		return slices.Clone(n.shelf.all), nil
	}
	var all []paper
	disputes, err := n.book.Disputes(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	err = n.book.Documents(ctx, 0, func(row ledger.DocumentRow) error {
		for _, d := range []*signed.Document{&row.Document, row.ByOwner, row.Conflict} {
			if d == nil || len(d.Sealed) == 0 {
				continue
			}
			p, err := n.shelf.open(*d)
			if err != nil {
				return fmt.Errorf("%v of %v in the books: %w", row.Kind, row.Issuer, err)
			}
			all = append(all, p)
		}
		if d := row.ByHost; d != nil && slices.ContainsFunc(disputes, func(x ledger.Dispute) bool { return x.Host == row.Issuer && x.Owner == row.Other }) {
			p, err := n.shelf.open(*d)
			if err != nil {
				return fmt.Errorf("%v of %v in the books: %w", row.Kind, row.Issuer, err)
			}
			p.word = true
			all = append(all, p)
		}
		return nil
	})
	if err != nil {
		return nil, n.checked(err)
	}
	n.shelf.relate(all, n.self)
	slices.SortStableFunc(all, func(a, b paper) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.id.Number, b.id.Number))
	})
	n.shelf.all, n.shelf.newest = all, newest
	return slices.Clone(all), nil
}

// shelf keeps what was opened before, because to verify a signature takes time,
// whom documents named, and the list of all while the books stay as they are.
type shelf struct {
	mu     sync.Mutex
	all    []paper
	newest uint64           // event of the books as of which all is; 0: it isn't there
	opened map[string]paper // by the bytes of the document
	named  map[signed.Identity]map[peer.ID]bool
}

// shelfMost is how many opened documents are kept before all are forgotten.
const shelfMost = 1 << 14

// open gives a document of the books, with names of its own.
func (s *shelf) open(d signed.Document) (paper, error) {
	raw, err := d.Marshal()
	if err != nil {
		return paper{}, err
	}
	p, ok := s.opened[string(raw)]
	if !ok {
		if p, err = newPaper(d); err != nil {
			return p, err
		}
		if s.opened == nil || len(s.opened) >= shelfMost {
			s.opened = make(map[string]paper)
		}
		s.opened[string(raw)] = p
	}
	p.raw, p.names = raw, maps.Clone(p.names)
	return p, nil
}

// relate adds whom papers concern by way of others: statements the servers that
// repay for the owner, a refusal of pointers the hosts that these name, or all
// friends of self when its own pointer names none; and whom earlier ones named.
func (s *shelf) relate(all []paper, self peer.ID) {
	anywhere := make(map[peer.ID]bool)
	servers, at := make(map[peer.ID][]peer.ID), make(map[[2]peer.ID][]peer.ID)
	for _, p := range all {
		if p.id.Kind == signed.KindRepay {
			servers[p.id.Issuer] = slices.Collect(maps.Keys(p.names))
		}
		for _, x := range p.pointers {
			at[[2]peer.ID{p.id.Issuer, x.To}] = append(at[[2]peer.ID{p.id.Issuer, x.To}], x.Host)
			if x.Host == "" && p.id.Issuer == self {
				anywhere[x.To] = true
			}
		}
	}
	if s.named == nil || len(s.named) >= shelfMost {
		s.named = make(map[signed.Identity]map[peer.ID]bool)
	}
	for i, p := range all {
		all[i].spread = p.id.Kind == signed.KindOrder && anywhere[p.id.Issuer]
		if p.id.Kind == signed.KindStatement {
			p.name(servers[p.id.Other]...)
		}
		for _, issuer := range p.declined {
			p.name(at[[2]peer.ID{issuer, p.id.Issuer}]...)
		}
		if p.open {
			maps.Copy(p.names, s.named[p.key()])
			s.named[p.key()] = maps.Clone(p.names)
		}
	}
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
		p.pointers, p.declined = o.Pointers, o.Declined
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
	case signed.KindKeepsake: // of no use to others
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
