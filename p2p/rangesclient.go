package p2p

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Ranges asks p for the digests of some spans. There is one sum for each. A
// peer that doesn't know the exchange answers an *Error with CodeUnsupported.
func (h *Host) Ranges(ctx context.Context, p peer.ID, r RangesRequest) (RangesResponse, error) {
	a, err := ask[RangesResponse](ctx, h, p, exchangeRanges, r)
	if err == nil && len(a.Sums) != len(r.Spans) {
		return RangesResponse{}, fmt.Errorf("ranges: %w: %d sums for %d spans", ErrProtocol, len(a.Sums), len(r.Spans))
	}
	return a, err
}

// List asks p for the first shares of a span, at most MaxItems. Every one is
// checked to lie in the span; behind the last the caller asks for the rest, see
// ListResponse.More.
func (h *Host) List(ctx context.Context, p peer.ID, l ListRequest) (ListResponse, error) {
	a, err := ask[ListResponse](ctx, h, p, exchangeList, l)
	if err != nil {
		return a, err
	}
	for _, i := range a.Items {
		if !l.Span.Holds(i.Share) {
			return ListResponse{}, fmt.Errorf("list: %w: share %v lies outside of the span from %v to %v", ErrProtocol, i.Share, l.Span.From, l.Span.To)
		}
	}
	return a, nil
}
