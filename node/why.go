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
	s, err := n.serving(ctx, a, ns)
	if err != nil {
		return WhyView{}, err
	}
	c := n.creditAt(a, ns)
	return WhyView{Party: ns.party(a.Peer), AsOf: n.config.Clock().Unix(), Sentence: s.Sentence, Serve: s.ServeView, Served: c,
		More: []string{s.needs(), c.needs()}}, nil
}

// serving gives what an account has here, and the sentence about it.
func (n *Node) serving(ctx context.Context, a ledger.Account, ns names) (serving, error) {
	v, err := n.book.Credit(ctx, a.Peer)
	if errors.Is(err, ledger.ErrNotFound) {
		v, err = ledger.CreditView{Distance: -1}, nil
	}
	if err != nil {
		return serving{}, n.checked(err)
	}
	room, err := n.room(ctx)
	if err != nil {
		return serving{}, err
	}
	s := serving{Name: ns.party(a.Peer).Name, Friend: a.Friend, Denied: a.Denied, Step: a.Standing.Step.String(), ServeView: serveView(v, ns)}
	s.PaidUntil = a.Terms.PaidUntil
	home := n.gate.household(n.self)
	s.Household = home != "" && n.gate.household(a.Peer) == home
	s.Free, err = n.book.Quote(ctx, a.Peer, room, 1)
	if err != nil && !errors.As(err, &s.Refusal) {
		return s, n.checked(err)
	}
	s.Sentence = s.reason()
	return s, nil
}

// serveView shows the credit of an account.
func serveView(v ledger.CreditView, ns names) ServeView {
	s := ServeView{RatioPPM: v.RatioPPM, Earned: v.Earned, Gift: v.Gift, Opening: v.Opening, Paid: v.Paid, Supply: v.Supply,
		Held: v.Held, Reserved: v.Reserved, Loans: v.Loans, Demand: v.Held + v.Reserved + min(v.Loans, potluck.MaxSize), Free: v.Free,
		Short: v.Shortfall, Sponsored: v.Sponsored, Distance: v.Distance, EarnedFor: []EarnedFor{}, Funding: fundViews(v.Funding, ns),
		In: []FlowView{}, Out: []FlowView{}}
	for _, e := range v.EarnedFor {
		s.EarnedFor = append(s.EarnedFor, EarnedFor{ns.party(e.Principal), e.Bytes})
	}
	flow := func(other credit.ID, f credit.Flow) FlowView {
		return FlowView{ns.party(peer.ID(other)), f.Bytes, f.Capacity, f.Frozen}
	}
	for _, f := range v.Into {
		s.In = append(s.In, flow(f.From, f))
	}
	for _, f := range v.Out {
		s.Out = append(s.Out, flow(f.To, f))
	}
	return s
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
