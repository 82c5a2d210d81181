package p2p

import (
	"context"
	"io"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// refuser stands where there is no keeper, greeter or clerk.
type refuser struct{}

var errUnsupported = &Error{Code: CodeUnsupported}

func (refuser) Quote(context.Context, peer.ID, QuoteRequest) (a QuoteResponse, err error) {
	return a, errUnsupported
}
func (refuser) Allocate(context.Context, peer.ID, AllocateRequest) (a AllocateResponse, err error) {
	return a, errUnsupported
}
func (refuser) Write(context.Context, peer.ID, WriteRequest, io.Reader) (a WriteResponse, err error) {
	return a, errUnsupported
}
func (refuser) Store(context.Context, peer.ID, StoreRequest) (a StoreResponse, err error) {
	return a, errUnsupported
}
func (refuser) Read(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
	return 0, nil, errUnsupported
}
func (refuser) Sliver(context.Context, peer.ID, SliverRequest) (a SliverResponse, err error) {
	return a, errUnsupported
}
func (refuser) Have(context.Context, peer.ID, HaveRequest) (a HaveResponse, err error) {
	return a, errUnsupported
}
func (refuser) Cancel(context.Context, peer.ID, CancelRequest) (a CancelResponse, err error) {
	return a, errUnsupported
}
func (refuser) Renew(context.Context, peer.ID, RenewRequest) (a RenewResponse, err error) {
	return a, errUnsupported
}
func (refuser) Join(context.Context, peer.ID, JoinRequest) (a JoinResponse, err error) {
	return a, errUnsupported
}
func (refuser) Deliver(context.Context, peer.ID, DeliverRequest) (a DeliverResponse, err error) {
	return a, errUnsupported
}
func (refuser) Sync(context.Context, peer.ID, SyncRequest) (a SyncResponse, err error) {
	return a, errUnsupported
}
func (refuser) Propose(context.Context, peer.ID, StatementRequest) (a StatementResponse, err error) {
	return a, errUnsupported
}
func (refuser) Account(context.Context, peer.ID, AccountRequest) (a AccountResponse, err error) {
	return a, errUnsupported
}
func (refuser) Ranges(context.Context, peer.ID, RangesRequest) (a RangesResponse, err error) {
	return a, errUnsupported
}
func (refuser) List(context.Context, peer.ID, ListRequest) (a ListResponse, err error) {
	return a, errUnsupported
}
func (refuser) Notice(context.Context, peer.ID, NoticeRequest) (a NoticeResponse, err error) {
	return a, errUnsupported
}
func (refuser) Audience(context.Context, peer.ID, AudienceRequest) (a AudienceResponse, err error) {
	return a, errUnsupported
}
func (refuser) Loss(context.Context, peer.ID, LossRequest) (a LossResponse, err error) {
	return a, errUnsupported
}
