package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
)

// RepayVia names a node that repays those who hold this node's data, or takes
// that back. That node must have said before that it works for this one.
func (n *Node) RepayVia(ctx context.Context, r RepayViaRequest) (RepayResult, error) {
	a, err := n.Resolve(ctx, r.Node)
	if err != nil {
		return RepayResult{}, err
	}
	change := func(x *signed.Repay) error {
		before := len(x.Allotments)
		x.Allotments = slices.DeleteFunc(x.Allotments, func(l signed.Allotment) bool { return l.Node == a.Peer })
		if r.Off {
			if len(x.Allotments) == before {
				return &NotFoundError{What: "repay order that names " + called(a)}
			}
			return nil
		}
		left := ownPart(*x)
		share := left
		if r.SharePPM != nil {
			share = *r.SharePPM
		}
		switch {
		case left == 0 && share > 0:
			return usagef("other nodes repay all of it already; take some of that back first")
		case share < 1 || share > left:
			return usagef("a share of %g %% is not between 0.0001 and the %g %% that no other node repays", float64(share)/1e4, float64(left)/1e4)
		}
		x.Allotments = append(x.Allotments, signed.Allotment{Node: a.Peer, SharePPM: share})
		return nil
	}
	old, err := n.ownRepay(ctx)
	if err != nil {
		return RepayResult{}, err
	}
	next, err := n.nextRepay(old)
	if err == nil {
		err = change(&next)
	}
	if err != nil {
		return RepayResult{}, err
	}
	if !r.Off {
		if ok, err := n.consents(ctx, a.Peer); err != nil || !ok {
			return RepayResult{}, errors.Join(err, usagef("%s didn't say that it works for your node; its operator runs \"potluck work-for\" with the name that your node has there, first", called(a)))
		}
	}
	if !r.DryRun {
		if next, err = n.signRepay(ctx, 0, change); err != nil {
			return RepayResult{}, orderError(err)
		}
	}
	ns, err := n.names(ctx)
	if err != nil {
		return RepayResult{}, err
	}
	v := RepayResult{Own: ownPart(next), Signed: !r.DryRun, Number: next.Number, Expires: next.Expires}
	if v.Repay, err = n.allotted(ctx, next, ns); err != nil {
		return v, err
	}
	v.Sentence = fmt.Sprintf("of what others hold for you, %s repays %g %%, and you %g %%", called(a), float64(next.Share(a.Peer))/1e4, float64(v.Own)/1e4)
	if v.Signed {
		n.deliverNow(ctx, signed.Identity{Kind: signed.KindRepay, Issuer: n.self}, next.Number, ns)
	}
	return v, nil
}

// ownPart is what no other node repays, in millionths.
func ownPart(r signed.Repay) int64 {
	left := int64(signed.WholePPM)
	for _, a := range r.Allotments {
		left -= a.SharePPM
	}
	return left
}

// consents tells whether a node says that it works for this one, and still does.
func (n *Node) consents(ctx context.Context, server peer.ID) (bool, error) {
	c, found, err := opened(ctx, n.book, signed.KindConsent, server, n.self, signed.Document.Consent)
	return found && c.Works && c.ValidAt(n.config.Clock().Unix()) == nil, n.checked(err)
}

// repayViews lists who repays this node's debts.
func (n *Node) repayViews(ctx context.Context, ns names) ([]RepayView, signed.Repay, error) {
	r, err := n.ownRepay(ctx)
	if err != nil {
		return nil, r, err
	}
	all, err := n.allotted(ctx, r, ns)
	return all, r, err
}

func (n *Node) allotted(ctx context.Context, r signed.Repay, ns names) ([]RepayView, error) {
	all := []RepayView{}
	for _, a := range r.Allotments {
		ok, err := n.consents(ctx, a.Node)
		if err != nil {
			return all, err
		}
		all = append(all, RepayView{Party: ns.party(a.Node), SharePPM: a.SharePPM, Consent: ok, Expires: r.Expires})
	}
	return all, nil
}

// WorkFor consents to repay the debts of a peer, or no longer.
func (n *Node) WorkFor(ctx context.Context, r WorkForRequest) (WorkResult, error) {
	a, err := n.known(ctx, r.Peer, r.Off)
	if err != nil {
		return WorkResult{}, err
	}
	if r.Off {
		if works, err := n.worksFor(ctx, a.Peer); err != nil {
			return WorkResult{}, err
		} else if !works {
			return WorkResult{}, &NotFoundError{What: "consent to work for " + called(a)}
		}
	}
	c, err := n.signConsent(ctx, 0, a.Peer, !r.Off)
	if err != nil {
		return WorkResult{}, orderError(err)
	}
	ns, err := n.names(ctx)
	if err != nil {
		return WorkResult{}, err
	}
	n.deliverNow(ctx, signed.Identity{Kind: signed.KindConsent, Issuer: n.self, Other: a.Peer}, c.Number, ns)
	v := WorkResult{Number: c.Number, Expires: c.Expires}
	if v.WorksFor, err = n.workViews(ctx, ns); err != nil {
		return v, err
	}
	v.Sentence = fmt.Sprintf("your node works for %s: who holds data for it gets credit here, as far as %s names your node with \"potluck repay via\"", called(a), called(a))
	if r.Off {
		v.Sentence = fmt.Sprintf("your node works for %s no longer", called(a))
	}
	return v, nil
}

// worksFor tells whether this node consented to work for a peer, and didn't
// end that. One that ran out by time can be ended too.
func (n *Node) worksFor(ctx context.Context, principal peer.ID) (bool, error) {
	c, found, err := opened(ctx, n.book, signed.KindConsent, n.self, principal, signed.Document.Consent)
	return found && c.Works, n.checked(err)
}

// workViews lists the principals that this node works for.
func (n *Node) workViews(ctx context.Context, ns names) ([]WorkView, error) {
	all := []WorkView{}
	consents, err := n.ownConsents(ctx)
	if err != nil {
		return all, err
	}
	now := n.config.Clock().Unix()
	for _, c := range consents {
		if !c.Works || c.ValidAt(now) != nil {
			continue
		}
		v := WorkView{Party: ns.party(c.Principal), Expires: c.Expires}
		r, found, err := opened(ctx, n.book, signed.KindRepay, c.Principal, "", signed.Document.Repay)
		if err != nil {
			return all, n.checked(err)
		}
		if found && r.ValidAt(now) == nil {
			v.SharePPM = r.Share(n.self)
			v.Allotted = v.SharePPM > 0
		}
		if v.Bytes, err = n.earnedFor(ctx, c.Principal); err != nil {
			return all, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b WorkView) int { return byName(a.Party, b.Party) })
	return all, nil
}

// earnedFor sums what counts here as held by others for a principal.
func (n *Node) earnedFor(ctx context.Context, principal peer.ID) (sum potluck.Size, err error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return 0, n.checked(err)
	}
	for _, a := range accounts {
		v, err := n.book.Credit(ctx, a.Peer)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return 0, n.checked(err)
		}
		for _, e := range v.EarnedFor {
			if e.Principal == principal {
				sum += e.Bytes
			}
		}
	}
	return sum, nil
}
