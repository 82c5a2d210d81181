package node

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/credit"
)

// Why tells why this node serves a peer, and why that one serves it: asked live
// when it is connected, else as it said last.
func (n *Node) Why(ctx context.Context, a ledger.Account) (WhyView, error) {
	ns, err := n.names(ctx)
	if err != nil {
		return WhyView{}, err
	}
	n.askAll(ctx, []ledger.Account{a})
	l, err := n.line(ctx, a.Peer)
	if err != nil {
		return WhyView{}, err
	}
	s, err := n.serving(ctx, l, ns, credits{})
	if err != nil {
		return WhyView{}, err
	}
	c := n.creditAt(a, ns)
	return WhyView{Party: ns.party(a.Peer), AsOf: n.config.Clock().Unix(), Sentence: s.Sentence, Serve: s.ServeView, Served: c,
		More: []string{s.needs(), c.needs()}}, nil
}

// credits are views of peers' credit that were read already.
type credits map[peer.ID]ledger.CreditView

// serving gives what an account has here, and the sentence about it.
func (n *Node) serving(ctx context.Context, a ledger.Line, ns names, credits credits) (serving, error) {
	s := serving{Name: ns.party(a.Peer).Name, Friend: a.Friend, Denied: a.Denied, Step: a.Standing.Step.String()}
	var err error
	if s.ServeView, err = n.serveView(ctx, a.Credit, ns, credits); err != nil {
		return s, err
	}
	s.PaidUntil = a.Terms.PaidUntil
	home := n.gate.household(n.self)
	s.Household = home != "" && n.gate.household(a.Peer) == home
	s.Free, s.Refusal = a.Free, a.Refusal
	s.Sentence = s.reason()
	return s, nil
}

// serveView shows the credit of an account.
func (n *Node) serveView(ctx context.Context, v ledger.CreditView, ns names, credits credits) (ServeView, error) {
	s := ServeView{RatioPPM: v.RatioPPM, Earned: v.Earned, Gift: v.Gift, Opening: v.Opening, Paid: v.Paid, Supply: v.Supply,
		Held: v.Held, Reserved: v.Reserved, Loans: v.Loans, Demand: v.Held + v.Reserved + min(v.Loans, potluck.MaxSize), Free: v.Free,
		Short: v.Shortfall, Sponsored: v.Sponsored, Distance: v.Distance, EarnedFor: []EarnedFor{}, Funding: fundViews(v.Funding, ns),
		In: []FlowView{}, Out: []FlowView{}}
	for _, e := range v.EarnedFor {
		s.EarnedFor = append(s.EarnedFor, EarnedFor{ns.party(e.Principal), e.Bytes})
	}
	for _, f := range v.Into {
		capacity, err := n.carries(ctx, f, credits)
		if err != nil {
			return s, err
		}
		s.In = append(s.In, FlowView{ns.party(peer.ID(f.From)), f.Bytes, capacity, f.Frozen})
	}
	for _, f := range v.Out {
		capacity, err := n.carries(ctx, f, credits)
		if err != nil {
			return s, err
		}
		s.Out = append(s.Out, FlowView{ns.party(peer.ID(f.To)), f.Bytes, capacity, f.Frozen})
	}
	return s, nil
}

// carries is what an arc can carry at most: its capacity, and no more than its
// issuer has, be it its own or pointed to it.
func (n *Node) carries(ctx context.Context, f credit.Flow, credits credits) (potluck.Size, error) {
	if f.Frozen {
		return f.Capacity, nil
	}
	v, known := credits[peer.ID(f.From)]
	if !known {
		var err error
		if v, err = n.book.Credit(ctx, peer.ID(f.From)); err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return 0, n.checked(err)
		}
		credits[peer.ID(f.From)] = v
	}
	has := min(v.Supply, potluck.MaxSize)
	for _, in := range v.Into {
		has = min(has+min(in.Capacity, potluck.MaxSize), potluck.MaxSize)
	}
	return min(f.Capacity, has), nil
}

func fundViews(funds []credit.Fund, ns names) []FundView {
	all := make([]FundView, len(funds))
	for i, f := range funds {
		all[i] = FundView{Via: []Party{}, Bytes: f.Bytes}
		for _, p := range f.Via {
			all[i].Via = append(all[i].Via, ns.party(peer.ID(p)))
		}
	}
	return all
}
