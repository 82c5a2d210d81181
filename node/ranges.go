package node

import (
	"context"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// What one peer may ask for in a window of time, see clerk.go: digests are sums
// of rows that may have to be read, lists are those rows.
const (
	clerkSpans = 64 * 1024
	clerkLists = 16 * 1024
)

// Ranges tells the digests of what the asker and this node hold for each other.
func (c *clerk) Ranges(ctx context.Context, from peer.ID, r p2p.RangesRequest) (p2p.RangesResponse, error) {
	n, err := c.begin(ctx, &c.compared.spans, from, len(r.Spans), clerkSpans)
	if err != nil {
		return p2p.RangesResponse{}, err
	}
	leave, err := c.compared.enter()
	if err != nil {
		return p2p.RangesResponse{}, err
	}
	defer leave()
	host, owner := n.sides(from, r.Role)
	spans := make([]ledger.Span, len(r.Spans))
	for i, s := range r.Spans {
		spans[i] = ledger.Span(s)
	}
	sums, err := n.book.RangeSums(ctx, host, owner, spans)
	if err != nil {
		return p2p.RangesResponse{}, n.keep.answer(err)
	}
	a := p2p.RangesResponse{Sums: make([]p2p.SpanSum, len(sums))}
	for i, s := range sums {
		a.Sums[i] = p2p.SpanSum(s)
	}
	return a, nil
}

// List tells the shares that the asker and this node hold for each other, some
// at a time.
func (c *clerk) List(ctx context.Context, from peer.ID, l p2p.ListRequest) (p2p.ListResponse, error) {
	n, err := c.begin(ctx, &c.compared.lists, from, 1, clerkLists)
	if err != nil {
		return p2p.ListResponse{}, err
	}
	leave, err := c.compared.enter()
	if err != nil {
		return p2p.ListResponse{}, err
	}
	defer leave()
	host, owner := n.sides(from, l.Role)
	items, more, err := n.book.RangeItems(ctx, host, owner, ledger.Span(l.Span), p2p.MaxItems)
	if err != nil {
		return p2p.ListResponse{}, n.keep.answer(err)
	}
	a := p2p.ListResponse{Items: make([]p2p.Item, len(items)), More: more}
	for i, x := range items {
		a.Items[i] = p2p.Item(x)
	}
	return a, nil
}

// sides names host and owner of a holding that a peer asks about.
func (n *Node) sides(asker peer.ID, role p2p.Role) (host, owner peer.ID) {
	if role == p2p.AsHost {
		return asker, n.self
	}
	return n.self, asker
}

// compared bounds what comparing books costs: by asker and window, and how many
// are served at once, because each may read as many rows as there are.
type compared struct {
	spans, lists tally
	busy         atomic.Int32
}

// comparedAtOnce is how many comparisons are served at once.
const comparedAtOnce = 2

// enter lets one in, or says that it must wait; leave is called at its end.
func (c *compared) enter() (leave func(), err error) {
	if c.busy.Add(1) > comparedAtOnce {
		c.busy.Add(-1)
		return nil, &potluck.Refusal{Code: potluck.CodeRate, Cures: []potluck.Cure{{Kind: potluck.CureWait}}}
	}
	return func() { c.busy.Add(-1) }, nil
}
