package node

import (
	"context"
	"errors"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
)

func isRefusal(err error) bool {
	var r *potluck.Refusal
	return errors.As(err, &r)
}

// Terms gives the terms with a friend, both ways.
func (n *Node) Terms(a ledger.Account) PeerTerms {
	return PeerTerms{Peer: a.Peer, Name: a.Name, Terms: a.Terms, Theirs: a.Theirs}
}

// SetTerms changes what a friend may have here. Nothing that is held is
// deleted by it.
func (n *Node) SetTerms(ctx context.Context, a ledger.Account, c TermsChange) (PeerTerms, error) {
	if err := n.writable(); err != nil {
		return PeerTerms{}, err
	}
	a, err := n.book.Update(ctx, a.Peer, "terms", c.on(n.config.Clock().Unix()))
	var usage *files.UsageError
	if errors.As(err, &usage) {
		return PeerTerms{}, usage // what was said is wrong, not the update
	}
	n.judge.cycle.Trigger()
	return n.Terms(a), n.checked(err)
}

// on gives the change of an account that this change of terms makes now.
func (c TermsChange) on(now int64) func(*ledger.Account) error {
	return func(a *ledger.Account) error {
		c.apply(&a.Terms)
		if c.PaidUntil != nil && a.Terms.Paid > 0 && a.Terms.PaidUntil != 0 && a.Terms.PaidUntil <= now {
			return usagef("paid until %s is in the past; to end what is paid, say --paid 0", moment(a.Terms.PaidUntil))
		}
		return checkTerms(a.Terms)
	}
}

// checkTerms tells whether terms can be given, and give what they say.
func checkTerms(t ledger.Terms) error {
	if err := p2p.Terms(t).Validate(); err != nil {
		return &files.UsageError{Text: err.Error()}
	}
	if t.Paid > 0 && t.PaidUntil == 0 {
		return usagef("paid %v gives nothing without an end; say until when with --paid-until DATE", t.Paid)
	}
	return nil
}

func (c TermsChange) apply(t *ledger.Terms) {
	if c.RatioPPM != nil {
		t.RatioPPM = *c.RatioPPM
	}
	for _, f := range []struct{ from, to *potluck.Size }{
		{c.Gift, &t.Gift}, {c.Opening, &t.Opening}, {c.Paid, &t.Paid},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if c.PaidUntil != nil {
		t.PaidUntil = *c.PaidUntil
	}
}

// SetDenied begins or ends a denial: no new bytes are taken from a denied
// friend. What is held stays, and can be read and cancelled.
func (n *Node) SetDenied(ctx context.Context, a ledger.Account, denied bool) (Friend, error) {
	if err := n.writable(); err != nil {
		return Friend{}, err
	}
	reason := "accepted"
	if denied {
		reason = "denied"
	}
	a, err := n.book.Update(ctx, a.Peer, reason, func(a *ledger.Account) error {
		a.Denied = denied
		return nil
	})
	if err != nil {
		return Friend{}, n.checked(err)
	}
	n.judge.cycle.Trigger()
	ns, err := n.names(ctx)
	if err != nil {
		return Friend{}, err
	}
	l, err := n.line(ctx, a.Peer)
	if err != nil {
		return Friend{}, err
	}
	r, err := n.row(ctx, l, ns, credits{})
	return r.Friend, err
}

// Evict drops all that is held or reserved for a friend. With dryRun it only
// tells what would be freed.
func (n *Node) Evict(ctx context.Context, a ledger.Account, dryRun bool) (Eviction, error) {
	u, err := n.book.Usage(ctx, a.Peer)
	if err != nil {
		return Eviction{}, n.checked(err)
	}
	e := Eviction{Peer: a.Peer, Name: a.Name, Freed: u.Held + u.Reserved, Shares: u.HeldShares + u.ReservedShares, DryRun: dryRun}
	if dryRun {
		return e, nil
	}
	if err := n.writable(); err != nil {
		return Eviction{}, err
	}
	freed, gone, err := n.book.Evict(ctx, a.Peer)
	defer n.shrunk()
	e.Freed = freed
	// If we die here: the rows are GOING, and the sweep deletes the bytes.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	return e, n.checked(errors.Join(err, n.keep.remove(ctx, gone)))
}

// Unfriend ends a friendship and hangs up. What each side holds for the other
// stays in the books.
func (n *Node) Unfriend(ctx context.Context, a ledger.Account) error {
	if err := n.writable(); err != nil {
		return err
	}
	return n.unfriend(ctx, a)
}

// unfriend is Unfriend also while the node is being recovered.
func (n *Node) unfriend(ctx context.Context, a ledger.Account) error {
	_, err := n.book.Update(ctx, a.Peer, "unfriended", func(a *ledger.Account) error {
		a.Friend = false
		return nil
	})
	if err != nil {
		return n.checked(err)
	}
	if err := n.regate(ctx); err != nil {
		return err
	}
	n.host.Disconnect(a.Peer)
	return nil
}
