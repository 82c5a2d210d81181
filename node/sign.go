package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
)

// This node's own documents. Each is signed under the number after the newest
// one in the books (and above any that others remember), and is in the books before anybody is told of it: if we die
// between, the number is used up and nothing was promised.

// resignAge is how old a document gets before the node signs it again.
const resignAge = 7 * 24 * time.Hour

// opened gives the newest document of an identity, opened; found tells whether
// there is one.
func opened[T any](ctx context.Context, b *ledger.Book, k signed.Kind, issuer, other peer.ID, open func(signed.Document) (T, error)) (x T, found bool, err error) {
	row, err := b.Document(ctx, k, issuer, other)
	if errors.Is(err, ledger.ErrNotFound) {
		return x, false, nil
	}
	if err != nil {
		return x, false, err
	}
	x, err = open(row.Document)
	return x, err == nil, err
}

// ownOrder gives this node's standing order; without one an empty order of
// number 0.
func (n *Node) ownOrder(ctx context.Context) (signed.Order, error) {
	o, _, err := opened(ctx, n.book, signed.KindOrder, n.self, "", signed.Document.Order)
	return o, n.checked(err)
}

// ownRepay gives this node's repay order; without one an empty one of number 0.
func (n *Node) ownRepay(ctx context.Context) (signed.Repay, error) {
	r, _, err := opened(ctx, n.book, signed.KindRepay, n.self, "", signed.Document.Repay)
	return r, n.checked(err)
}

// nextOrder is the order that follows one, with the same pointers as far as
// their time isn't over.
func (n *Node) nextOrder(o signed.Order) (signed.Order, error) {
	now := n.config.Clock().Unix()
	next := signed.Order{Issuer: n.self, Number: o.Number + 1, NotBefore: now, Expires: now + int64(signed.DefaultLifetime/time.Second),
		Pointers: slices.DeleteFunc(slices.Clone(o.Pointers), func(p signed.Pointer) bool { return p.Until != 0 && p.Until <= now }),
		Declined: slices.Clone(o.Declined)}
	if o.Number == 0 {
		return next, nil
	}
	var err error
	next.Previous, err = o.Digest()
	return next, err
}

// signNew signs what next gives, and takes it into the books. Nothing else is signed
// meanwhile, so next may number it after the newest one there.
func signNew[T interface{ Validate() error }](ctx context.Context, n *Node, kind signed.Kind, seal func(crypto.PrivKey, T) ([]byte, error),
	next func() (T, error)) (T, error) {
	n.signing.Lock()
	defer n.signing.Unlock()
	x, err := next()
	if err != nil {
		return x, err
	}
	if err := x.Validate(); err != nil {
		return x, usagef("this can't be signed: %v", err)
	}
	sealed, err := seal(n.keep.key, x)
	if err != nil {
		return x, err
	}
	return x, n.takeOwn(ctx, signed.Single(kind, sealed))
}

// signOrder changes this node's standing order and takes it into the books.
func (n *Node) signOrder(ctx context.Context, above uint64, change func(*signed.Order) error) (signed.Order, error) {
	return signNew(ctx, n, signed.KindOrder, signed.SealOrder, func() (signed.Order, error) {
		old, err := n.ownOrder(ctx)
		if err != nil {
			return old, err
		}
		next, err := n.nextOrder(old)
		if err != nil {
			return next, err
		}
		next.Number = max(next.Number, above+1)
		err = change(&next)
		return next.Sorted(), err
	})
}

// signRepay changes this node's repay order and takes it into the books.
func (n *Node) signRepay(ctx context.Context, above uint64, change func(*signed.Repay) error) (signed.Repay, error) {
	return signNew(ctx, n, signed.KindRepay, signed.SealRepay, func() (signed.Repay, error) {
		old, err := n.ownRepay(ctx)
		if err != nil {
			return old, err
		}
		next, err := n.nextRepay(old)
		if err != nil {
			return next, err
		}
		next.Number = max(next.Number, above+1)
		err = change(&next)
		return next.Sorted(), err
	})
}

func (n *Node) nextRepay(r signed.Repay) (signed.Repay, error) {
	now := n.config.Clock().Unix()
	next := signed.Repay{Principal: n.self, Number: r.Number + 1, NotBefore: now,
		Expires: now + int64(signed.DefaultLifetime/time.Second), Allotments: slices.Clone(r.Allotments)}
	if r.Number == 0 {
		return next, nil
	}
	var err error
	next.Previous, err = r.Digest()
	return next, err
}

// signConsent says that this node works for a principal, or no longer.
func (n *Node) signConsent(ctx context.Context, above uint64, principal peer.ID, works bool) (signed.Consent, error) {
	return signNew(ctx, n, signed.KindConsent, signed.SealConsent, func() (signed.Consent, error) {
		old, _, err := opened(ctx, n.book, signed.KindConsent, n.self, principal, signed.Document.Consent)
		now := n.config.Clock().Unix()
		return signed.Consent{Server: n.self, Principal: principal, Number: max(old.Number, above) + 1, NotBefore: now,
			Expires: now + int64(signed.DefaultLifetime/time.Second), Works: works}, n.checked(err)
	})
}

// signHousehold says of which household this node is.
func (n *Node) signHousehold(ctx context.Context, above uint64, label string, members []peer.ID) (signed.Household, error) {
	return signNew(ctx, n, signed.KindHousehold, signed.SealHousehold, func() (signed.Household, error) {
		old, _, err := opened(ctx, n.book, signed.KindHousehold, n.self, "", signed.Document.Household)
		return signed.Household{Member: n.self, Number: max(old.Number, above) + 1, Time: n.config.Clock().Unix(), Label: label, Members: members}.Sorted(),
			n.checked(err)
	})
}

// takeOwn takes a document of this node into the books; from then on it is its
// word.
func (n *Node) takeOwn(ctx context.Context, d signed.Document) error {
	if err := n.writable(); err != nil {
		return err
	}
	outcome, err := n.book.Accept(ctx, d)
	if err != nil {
		return n.checked(err)
	}
	if outcome != ledger.OutcomeNew {
		return fmt.Errorf("take an own %v: the books call it %v", d.Kind, outcome)
	}
	return n.regate(ctx)
}

// resign signs again what gets old, so that it goes on while this node lives.
// It returns whether anything was signed.
func (n *Node) resign(ctx context.Context) (bool, error) {
	old := n.config.Clock().Add(signed.DefaultLifetime - resignAge).Unix() // what ends before this was signed a week ago
	any := false
	o, err := n.ownOrder(ctx)
	if err != nil {
		return false, err
	}
	if o.Number > 0 && (o.Expires <= old || n.overdue(o)) {
		if _, err := n.signOrder(ctx, 0, func(*signed.Order) error { return nil }); err != nil {
			return any, err
		}
		any = true
	}
	r, err := n.ownRepay(ctx)
	if err != nil {
		return any, err
	}
	if r.Number > 0 && r.Expires <= old {
		if _, err := n.signRepay(ctx, 0, func(*signed.Repay) error { return nil }); err != nil {
			return any, err
		}
		any = true
	}
	consents, err := n.ownConsents(ctx)
	if err != nil {
		return any, err
	}
	for _, c := range consents {
		if !c.Works || c.Expires > old {
			continue
		}
		if _, err := n.signConsent(ctx, 0, c.Principal, true); err != nil {
			return any, err
		}
		any = true
	}
	return any, nil
}

// outdo signs what this node says now under a number above one that others
// remember from before its books were lost.
func (n *Node) outdo(ctx context.Context, p paper) error {
	id := p.id
	var err error
	switch id.Kind {
	case signed.KindOrder:
		_, err = n.signOrder(ctx, id.Number, func(*signed.Order) error { return nil })
	case signed.KindRepay:
		_, err = n.signRepay(ctx, id.Number, func(*signed.Repay) error { return nil })
	case signed.KindConsent:
		c, _, open := opened(ctx, n.book, signed.KindConsent, n.self, id.Other, signed.Document.Consent)
		if err = open; err == nil {
			_, err = n.signConsent(ctx, id.Number, id.Other, c.Works)
		}
	case signed.KindHousehold:
		h, _, open := opened(ctx, n.book, signed.KindHousehold, n.self, "", signed.Document.Household)
		if err = open; err == nil {
			_, err = n.signHousehold(ctx, id.Number, h.Label, h.Members)
		}
	case signed.KindRevocation:
		err = n.outdoRevocation(ctx, p.document)
	case signed.KindKeepsake:
		c, read := n.memory(ctx)
		if err = read; err == nil {
			err = n.signKeepsake(ctx, id.Number, c)
		}
	}
	return err
}

// overdue tells whether an order has a pointer whose time is over.
func (n *Node) overdue(o signed.Order) bool {
	now := n.config.Clock().Unix()
	return slices.ContainsFunc(o.Pointers, func(p signed.Pointer) bool { return p.Until != 0 && p.Until <= now })
}

// ownConsents lists whom this node said that it works for, or no longer.
func (n *Node) ownConsents(ctx context.Context) ([]signed.Consent, error) {
	var all []signed.Consent
	err := n.book.Documents(ctx, signed.KindConsent, func(row ledger.DocumentRow) error {
		if row.Issuer != n.self {
			return nil
		}
		c, err := row.Document.Consent()
		all = append(all, c)
		return err
	})
	return all, n.checked(err)
}
