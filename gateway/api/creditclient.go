package api

import (
	"context"
	"encoding/json"
)

// Credit tells what this node has where, and what points to it and away from it;
// hosts that are connected are asked first.
func (c *Client) Credit(ctx context.Context) (CreditOverview, error) {
	return call[CreditOverview](ctx, c, "GET", "/v1/credit?ask=true", nil)
}

// CreditTo points credit to a peer, or with DryRun tells what that would change.
func (c *Client) CreditTo(ctx context.Context, r CreditToRequest) (CreditPreview, error) {
	return call[CreditPreview](ctx, c, "POST", "/v1/credit/to", r)
}

// CreditRevoke takes pointers back, or with DryRun tells what that would change.
func (c *Client) CreditRevoke(ctx context.Context, r CreditRevokeRequest) (CreditPreview, error) {
	return call[CreditPreview](ctx, c, "POST", "/v1/credit/revoke", r)
}

// CreditDecline refuses the pointers of a peer, or with Undo takes them again.
func (c *Client) CreditDecline(ctx context.Context, r CreditDeclineRequest) (CreditPreview, error) {
	return call[CreditPreview](ctx, c, "POST", "/v1/credit/decline", r)
}

// RepayVia names a node that repays those who hold this node's data.
func (c *Client) RepayVia(ctx context.Context, r RepayViaRequest) (RepayResult, error) {
	return call[RepayResult](ctx, c, "POST", "/v1/credit/repay", r)
}

// WorkFor consents to repay the debts of a peer, or with Off no longer.
func (c *Client) WorkFor(ctx context.Context, r WorkForRequest) (WorkResult, error) {
	return call[WorkResult](ctx, c, "POST", "/v1/credit/work-for", r)
}

// Why tells why this node serves a peer, and why that one serves it.
func (c *Client) Why(ctx context.Context, peer string) (WhyView, error) {
	return call[WhyView](ctx, c, "GET", friendPath(peer, "/why"), nil)
}

// Standing tells where a peer stands here, and this node there.
func (c *Client) Standing(ctx context.Context, peer string) (StandingView, error) {
	return call[StandingView](ctx, c, "GET", friendPath(peer, "/standing"), nil)
}

// SetStanding pins a step, unpins it, or allows the last two steps.
func (c *Client) SetStanding(ctx context.Context, peer string, change StandingChange) (StandingView, error) {
	return call[StandingView](ctx, c, "PATCH", friendPath(peer, "/standing"), change)
}

// Pardon sets a peer's standing to good and forgets its breach.
func (c *Client) Pardon(ctx context.Context, peer string) (StandingView, error) {
	return call[StandingView](ctx, c, "POST", friendPath(peer, "/pardon"), none{})
}

// Proof gives the document file that proves that a peer signed two documents of
// one number.
func (c *Client) Proof(ctx context.Context, peer string) (json.RawMessage, error) {
	return call[json.RawMessage](ctx, c, "GET", friendPath(peer, "/proof"), nil)
}

// Household gives this node's household.
func (c *Client) Household(ctx context.Context) (HouseholdView, error) {
	return call[HouseholdView](ctx, c, "GET", "/v1/household", nil)
}

// SetHousehold names the nodes of this node's household, or leaves it.
func (c *Client) SetHousehold(ctx context.Context, r HouseholdRequest) (HouseholdView, error) {
	return call[HouseholdView](ctx, c, "PUT", "/v1/household", r)
}
