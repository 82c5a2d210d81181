package node

import (
	"context"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

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
	case r.Loan && r.Limit == nil:
		return CreditPreview{}, usagef("a loan needs an amount: say how many bytes it is")
	case p.Host == to.Peer:
		return CreditPreview{}, usagef("%s needs no credit at its own node; say another host, or none for all", called(to))
	case to.Denied:
		return CreditPreview{}, usagef("%s is denied here; \"potluck accept %s\" ends that", called(to), called(to))
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
			return &NotFoundError{What: "pointer to " + called(to)}
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
