package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// take judges one document that a peer brought, and takes it into the books if
// it is of use there: it names this node, or its issuer is known here. The result
// is one of p2p.Delivered….
func (n *Node) take(ctx context.Context, from peer.ID, raw []byte, hints []p2p.HostHint) (uint8, error) {
	d, err := signed.ParseDocument(raw)
	if err != nil {
		return p2p.DeliveredInvalid, nil
	}
	if d.Kind == signed.KindAuthority {
		return n.takeAuthority(ctx, d)
	}
	p, err := newPaper(d)
	if err != nil {
		return p2p.DeliveredInvalid, nil
	}
	if p.id.Issuer == n.self && d.Kind != signed.KindStatement && d.Kind != signed.KindConflict {
		return n.returned(ctx, p)
	}
	if ok, err := n.concerned(ctx, p); err != nil {
		return 0, err
	} else if !ok {
		return n.notice(ctx, from, p)
	}
	if p.id.Issuer != n.self { // a statement is filed under its host
		if err := n.meet(ctx, p.id.Issuer, hints, maxStrange); errors.Is(err, errManyKnown) {
			return p2p.DeliveredUnknownIssuer, nil
		} else if err != nil {
			return 0, err
		}
	}
	if ok, err := n.paces(ctx, p); err != nil || !ok {
		n.log.Debug("a document must wait", "kind", d.Kind, "issuer", p.id.Issuer, "number", p.id.Number, "from", from, "err", err)
		return p2p.DeliveredNotConcerned, err // of no use now: who has it tries again
	}
	outcome, err := n.book.Accept(ctx, d)
	result, err := judged(outcome, err)
	if err == nil && result == p2p.DeliveredKnown && p.id.Kind == signed.KindOrder && len(hints) > 0 {
		// It came before by somebody who didn't know where those are whom it names.
		return result, n.hinted(ctx, p, hints)
	}
	if err != nil || result != p2p.DeliveredNew {
		return result, n.checked(err)
	}
	n.log.Info("took a document", "kind", d.Kind, "issuer", p.id.Issuer, "number", p.id.Number, "from", from)
	n.post.note(from, p)
	return result, n.taken(ctx, p, hints)
}

// judged turns an outcome of the books into a result.
func judged(outcome ledger.Outcome, err error) (uint8, error) {
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return p2p.DeliveredUnknownIssuer, nil
	case errors.Is(err, ledger.ErrInvalid), errors.Is(err, signed.ErrDocument), errors.Is(err, signed.ErrExpired), errors.Is(err, signed.ErrNotYet):
		return p2p.DeliveredInvalid, nil
	case err != nil:
		return 0, err
	}
	switch outcome {
	case ledger.OutcomeNew:
		return p2p.DeliveredNew, nil
	case ledger.OutcomeKnown:
		return p2p.DeliveredKnown, nil
	case ledger.OutcomeStale:
		return p2p.DeliveredStale, nil
	case ledger.OutcomeConflict:
		return p2p.DeliveredConflict, nil
	}
	return 0, fmt.Errorf("the books gave outcome %v", outcome)
}

// concerned tells whether a document is of use here.
func (n *Node) concerned(ctx context.Context, p paper) (bool, error) {
	if p.concerns(n.self) {
		return true, nil
	}
	if p.id.Kind == signed.KindKeepsake { // to keep one is a favour among friends
		return n.gate.isFriend(p.id.Issuer), nil
	}
	if p.id.Kind == signed.KindStatement { // of use only to who repays for the owner
		c, _, err := opened(ctx, n.book, signed.KindConsent, n.self, p.id.Other, signed.Document.Consent)
		return c.Works, n.checked(err)
	}
	return n.knows(ctx, p.id.Issuer)
}

// knows tells whether a peer has an account here.
func (n *Node) knows(ctx context.Context, p peer.ID) (bool, error) {
	_, err := n.book.Account(ctx, p)
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return err == nil, n.checked(err)
}

// hinted heeds the hints that came with an order that is here already.
func (n *Node) hinted(ctx context.Context, p paper, hints []p2p.HostHint) error {
	if err := n.introduce(ctx, p, hints); err != nil {
		return err
	}
	if err := n.regate(ctx); err != nil {
		return err
	}
	n.tend.dialling.Trigger()
	return nil
}

// taken does what follows from a document of another peer that is new here.
func (n *Node) taken(ctx context.Context, p paper, hints []p2p.HostHint) error {
	if p.id.Kind == signed.KindRevocation {
		if err := n.dropRevoked(ctx); err != nil {
			return err
		}
	}
	if p.id.Kind == signed.KindOrder {
		if err := n.introduce(ctx, p, hints); err != nil {
			return err
		}
	}
	if err := n.regate(ctx); err != nil {
		return err
	}
	n.post.changed()
	n.shrunk()                // statements and standings may follow from it
	n.tend.dialling.Trigger() // it may lead to a host that wasn't known before
	return nil
}

// returned takes a document of this node's own that somebody else kept. It is
// news only when the books were lost: then what was said before counts again,
// or, when something else was said since, that is signed again above it.
func (n *Node) returned(ctx context.Context, p paper) (uint8, error) {
	if n.recovering { // nothing was said since
		outcome, err := n.book.Accept(ctx, p.document)
		result, err := judged(outcome, err)
		return result, n.checked(err)
	}
	if p.id.Kind == signed.KindKeepsake {
		if older, err := n.remembered(ctx, p); older || err != nil {
			return p2p.DeliveredKnown, err
		}
	}
	if n.writable() != nil {
		return p2p.DeliveredKnown, nil
	}
	row, err := n.book.Document(ctx, p.id.Kind, n.self, p.id.Other)
	if errors.Is(err, ledger.ErrNotFound) {
		outcome, err := n.book.Accept(ctx, p.document)
		result, err := judged(outcome, err)
		if err == nil && result == p2p.DeliveredNew {
			n.log.Warn("took up a document that this node signed before its books were lost", "kind", p.id.Kind, "number", p.id.Number)
			err = n.regate(ctx)
		}
		return result, n.checked(err)
	}
	if err != nil {
		return 0, n.checked(err)
	}
	if p.id.Number < row.Number || p.id.Number == row.Number && sameDocument(p.document, row.Document) {
		return p2p.DeliveredKnown, nil
	}
	n.log.Warn("others remember a newer document of this node than its books; signing above it", "kind", p.id.Kind,
		"number", p.id.Number, "here", row.Number)
	if err := n.outdo(ctx, p); err != nil {
		return 0, err
	}
	n.post.changed()
	return p2p.DeliveredStale, nil
}

func sameDocument(a, b signed.Document) bool {
	x, err := a.Marshal()
	y, other := b.Marshal()
	return err == nil && other == nil && string(x) == string(y)
}
