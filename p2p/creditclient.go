package p2p

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// The calls about credit. A peer that doesn't know them answers an *Error with
// CodeUnsupported.

// Deliver hands signed documents to p. There is one result for each.
func (h *Host) Deliver(ctx context.Context, p peer.ID, d DeliverRequest) (DeliverResponse, error) {
	r, err := ask[DeliverResponse](ctx, h, p, exchangeDeliver, d)
	if err == nil && len(r.Results) != len(d.Documents) {
		return DeliverResponse{}, fmt.Errorf("deliver: %w: %d results for %d documents", ErrProtocol, len(r.Results), len(d.Documents))
	}
	return r, err
}

// Sync asks p for documents that this node lacks.
func (h *Host) Sync(ctx context.Context, p peer.ID, s SyncRequest) (SyncResponse, error) {
	return ask[SyncResponse](ctx, h, p, exchangeSync, s)
}

// Propose asks p to sign a statement too. Whose signature came back, and under
// which figures, is for the caller to verify.
func (h *Host) Propose(ctx context.Context, p peer.ID, s StatementRequest) (StatementResponse, error) {
	return ask[StatementResponse](ctx, h, p, exchangeStatement, s)
}

// Account asks p how this node stands with it.
func (h *Host) Account(ctx context.Context, p peer.ID, a AccountRequest) (AccountResponse, error) {
	return ask[AccountResponse](ctx, h, p, exchangeAccount, a)
}

// Notice tells p how it stands with this node.
func (h *Host) Notice(ctx context.Context, p peer.ID, n NoticeRequest) (NoticeResponse, error) {
	return ask[NoticeResponse](ctx, h, p, exchangeNotice, n)
}
