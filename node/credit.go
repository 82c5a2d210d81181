package node

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// askTime is how long a person waits for other nodes' figures.
const askTime = 5 * time.Second

// names gives every peer its name here.
type names map[peer.ID]string

func (n *Node) names(ctx context.Context) (names, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, n.checked(err)
	}
	return namesOf(accounts, n.self), nil
}

func namesOf(accounts []ledger.Account, self peer.ID) names {
	all := make(names, len(accounts)+1)
	for _, a := range accounts {
		if a.Name != "" {
			all[a.Peer] = a.Name
		}
	}
	all[self], all[ledger.Anonymous] = "you", "anonymous"
	return all
}

// party names a peer; one without a name is called by the end of its ID.
func (ns names) party(p peer.ID) Party {
	name, ok := ns[p]
	if !ok {
		name = "peer-" + brief(p)
	}
	return Party{Peer: p, Name: name}
}

func byName(a, b Party) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Peer), string(b.Peer)))
}

// Credit is CreditHeard after those hosts that are connected were asked.
func (n *Node) Credit(ctx context.Context) (CreditOverview, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return CreditOverview{}, n.checked(err)
	}
	n.askAll(ctx, n.creditHosts(accounts))
	return n.CreditHeard(ctx)
}

// creditHosts takes out of accounts those where this node may have credit.
func (n *Node) creditHosts(accounts []ledger.Account) []ledger.Account {
	return slices.DeleteFunc(accounts, func(a ledger.Account) bool { return !a.Friend && !n.gate.isReached(a.Peer) })
}

// CreditHeard tells what this node has where, as the hosts said last, and what
// points to it and away from it. Nobody is asked.
func (n *Node) CreditHeard(ctx context.Context) (CreditOverview, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return CreditOverview{}, n.checked(err)
	}
	ns := namesOf(accounts, n.self)
	o := CreditOverview{AsOf: n.config.Clock().Unix(), Mine: []CreditAt{}}
	mine := n.creditHosts(accounts)
	for _, a := range mine {
		o.Mine = append(o.Mine, n.creditAt(a, ns))
	}
	slices.SortFunc(o.Mine, func(a, b CreditAt) int { return byName(a.Party, b.Party) })
	if o.In, o.Out, err = n.pointers(ctx, ns); err != nil {
		return o, err
	}
	order, err := n.ownOrder(ctx)
	if err != nil {
		return o, err
	}
	o.Order = OrderView{Number: order.Number, Expires: order.Expires, Declined: []Party{}}
	for _, p := range order.Declined {
		o.Order.Declined = append(o.Order.Declined, ns.party(p))
	}
	if o.Repay, _, err = n.repayViews(ctx, ns); err != nil {
		return o, err
	}
	o.WorksFor, err = n.workViews(ctx, ns)
	return o, err
}

// askAll asks those that are connected how this node stands with them.
func (n *Node) askAll(ctx context.Context, accounts []ledger.Account) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(4 * atOnce)
	for _, a := range accounts {
		if n.host.Connected(a.Peer) {
			g.Go(func() error {
				if _, err := n.ask(ctx, a.Peer, 1); err != nil {
					n.log.Debug("a host doesn't tell how this node stands with it", "peer", a.Peer, "err", err)
				}
				return nil
			})
		}
	}
	_ = g.Wait() // none returns an error
}

// creditAt is what a host said last of this node.
func (n *Node) creditAt(a ledger.Account, ns names) CreditAt {
	s := n.heard.of(a.Peer)
	c := CreditAt{Party: ns.party(a.Peer), Friend: a.Friend, Connected: n.host.Connected(a.Peer), Known: s.at != 0, AsOf: s.at,
		Terms: a.Theirs, Sponsors: []SponsorView{}}
	if c.Known {
		x := s.account
		c.Terms, c.Earned, c.Held, c.Reserved, c.Loans = ledger.Terms(x.Terms), x.Earned, x.Held, x.Reserved, x.Loans
		c.Supply, c.Free, c.Short, c.Distance, c.Refusal = x.Supply, x.Free, x.Short, x.Distance, x.Refusal
		c.Step = credit.Step(x.Step).String()
		for _, p := range x.Sponsors {
			c.Sponsors = append(c.Sponsors, SponsorView{ns.party(p.Peer), p.Limit, p.Used})
		}
	}
	c.Sentence = c.served()
	return c
}

// pointers lists the pointers to this node and those of it.
func (n *Node) pointers(ctx context.Context, ns names) (in, out []PointerView, err error) {
	mine, err := n.ownOrder(ctx)
	if err != nil {
		return nil, nil, err
	}
	in, out = []PointerView{}, []PointerView{}
	err = n.book.Documents(ctx, signed.KindOrder, func(row ledger.DocumentRow) error {
		o, err := row.Document.Order()
		if err != nil {
			return err
		}
		for _, p := range o.Pointers {
			if row.Issuer != n.self && p.To != n.self {
				continue
			}
			v := n.pointerView(o, p, ns)
			switch {
			case row.Conflict != nil && !row.Live:
				v.State = "frozen"
			case slices.Contains(mine.Declined, row.Issuer):
				v.State = "declined"
			}
			if row.Issuer == n.self {
				out = append(out, v)
			} else {
				in = append(in, v)
			}
		}
		return nil
	})
	return in, out, n.checked(err)
}

// pointerView shows a pointer of an order. What it carries at other hosts is
// known to them.
func (n *Node) pointerView(o signed.Order, p signed.Pointer, ns names) PointerView {
	v := PointerView{From: ns.party(o.Issuer), To: ns.party(p.To), Loan: p.Loan, Since: p.Since, Expires: o.Expires, State: "live"}
	if p.Until != 0 {
		v.Expires = min(p.Until, o.Expires)
	}
	if p.Host != "" {
		h := ns.party(p.Host)
		v.Host = &h
	}
	if p.Limit != signed.NoLimit {
		v.Limit = &p.Limit
	}
	if p.SharePPM != signed.NoShare {
		v.SharePPM = &p.SharePPM
	}
	if now := n.config.Clock().Unix(); p.Over(now) || o.ValidAt(now) != nil {
		v.State = "expired"
	}
	switch {
	case p.To == n.self:
		v.Used = n.heard.used(o.Issuer, p.Host)
	case o.Issuer == n.self && p.Loan:
		v.Used = p.Limit
	}
	return v
}

// used is what a sponsor's pointer carries for this node at one host, or at all.
func (h *heard) used(sponsor, host peer.ID) (sum potluck.Size) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p, s := range h.by {
		if host != "" && p != host {
			continue
		}
		for _, x := range s.account.Sponsors {
			if x.Peer == sponsor {
				sum += x.Used
			}
		}
	}
	return sum
}
