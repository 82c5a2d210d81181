package credit

import "potluck"

// ID names a peer: a libp2p peer ID in the ledger, any string in a file.
type ID string

// NoLimit and NoShare say that an arc has no such bound.
const (
	NoLimit potluck.Size = -1
	NoShare int64        = -1
)

// DefaultHops is how far from a friend a sponsored peer may be.
const DefaultHops = 3

// million is the unit of ratios and shares.
const million = 1_000_000

// Peer is what the books say of one peer (CREDIT.md, section 3). Sizes are
// charged bytes, at least 0; below 0 counts as 0.
type Peer struct {
	ID       ID
	Friend   bool // sponsor distance 0
	Denied   bool // no new bytes of its own; its arcs stay
	Frozen   bool // its standing permits no new bytes
	RatioPPM int64
	Earned   potluck.Size // verified bytes that it holds for us and our principals
	Gift     potluck.Size
	Opening  potluck.Size
	Paid     potluck.Size // 0 when the term is over
	Held     potluck.Size
	Reserved potluck.Size
	Loans    potluck.Size
	Newest   int64 // when its newest lease began, or any rank: the older is served first
}

// Arc is one live or frozen credit pointer.
type Arc struct {
	From, To ID
	Limit    potluck.Size // NoLimit: none
	SharePPM int64        // of the issuer's own supply; NoShare: none. Not looked at when frozen
	Frozen   bool         // revoked, but still carrying
	Order    int64        // the age for ties: the lower is the older
}

// Decision is the answer to an ask.
type Decision struct {
	Free    potluck.Size // the most that would be accepted
	Refusal *potluck.Refusal
}

// Fund is one part of how bytes are funded: Via names the chain from the peer
// whose supply pays to the last sponsor before the account. It is empty, not
// nil, for own supply.
type Fund struct {
	Via   []ID
	Bytes potluck.Size
}

// Flow is what one arc carries in the canonical flow.
type Flow struct {
	From, To ID
	Bytes    potluck.Size
	Capacity potluck.Size // saturated when the arc is unbounded; also for arcs that lie too far out to carry
	Frozen   bool
	Order    int64
}

// Shortfall is the part of an account's demand that nothing funds.
type Shortfall struct {
	ID    ID
	Bytes potluck.Size
}
