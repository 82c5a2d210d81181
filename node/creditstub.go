package node

import (
	"context"
	"errors"

	"potluck/ledger"
)

var errNotYet = errors.New("this node can't do that yet")

// Credit tells what this node has where, and what points to it and away from it.
func (n *Node) Credit(ctx context.Context) (CreditOverview, error) {
	return CreditOverview{}, errNotYet
}

// CreditTo points credit to a peer: it previews, and signs unless it is a dry run.
func (n *Node) CreditTo(ctx context.Context, r CreditToRequest) (CreditPreview, error) {
	return CreditPreview{}, errNotYet
}

// CreditRevoke takes pointers back.
func (n *Node) CreditRevoke(ctx context.Context, r CreditRevokeRequest) (CreditPreview, error) {
	return CreditPreview{}, errNotYet
}

// CreditDecline refuses the pointers of a peer, or takes them again.
func (n *Node) CreditDecline(ctx context.Context, r CreditDeclineRequest) (CreditPreview, error) {
	return CreditPreview{}, errNotYet
}

// RepayVia names a node that repays those who hold this node's data.
func (n *Node) RepayVia(ctx context.Context, r RepayViaRequest) (RepayResult, error) {
	return RepayResult{}, errNotYet
}

// WorkFor consents to repay the debts of a peer, or no longer.
func (n *Node) WorkFor(ctx context.Context, r WorkForRequest) (WorkResult, error) {
	return WorkResult{}, errNotYet
}

// Why tells why this node serves a peer, and why that one serves it.
func (n *Node) Why(ctx context.Context, a ledger.Account) (WhyView, error) {
	return WhyView{}, errNotYet
}

// Standing tells where a peer stands here, and this node there.
func (n *Node) Standing(ctx context.Context, a ledger.Account) (StandingView, error) {
	return StandingView{}, errNotYet
}

// Pardon sets a peer's standing to good and forgets its breach.
func (n *Node) Pardon(ctx context.Context, a ledger.Account) (StandingView, error) {
	return StandingView{}, errNotYet
}

// SetStanding pins a step, unpins it, or gives the operator's word for the last steps.
func (n *Node) SetStanding(ctx context.Context, a ledger.Account, c StandingChange) (StandingView, error) {
	return StandingView{}, errNotYet
}

// Household gives this node's household.
func (n *Node) Household(ctx context.Context) (HouseholdView, error) {
	return HouseholdView{}, errNotYet
}

// SetHousehold signs a household document.
func (n *Node) SetHousehold(ctx context.Context, r HouseholdRequest) (HouseholdView, error) {
	return HouseholdView{}, errNotYet
}

// Proof gives the proof that a peer signed two documents of one number, as a
// file that "credit verify" reads. Errors: *NotFoundError when there is none.
func (n *Node) Proof(ctx context.Context, a ledger.Account) ([]byte, error) {
	return nil, errNotYet
}
