package ledger

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// EarnedFor is the part of what is earned that counts for one principal.
type EarnedFor struct {
	Principal peer.ID      `json:"principal"` // this node, or one that it works for
	Bytes     potluck.Size `json:"bytes"`
}

// CreditView is one account's credit at this node, with the figures that make it
// (CREDIT.md section 3). Sums that leave MaxInt64 stop there.
type CreditView struct {
	AsOf int64 `json:"as_of"` // unix seconds: when what ends with time was last looked at

	RatioPPM  int64        `json:"ratio_ppm"`
	Earned    potluck.Size `json:"earned"`
	EarnedFor []EarnedFor  `json:"earned_for"` // sums to Earned; this node first
	Gift      potluck.Size `json:"gift"`
	Opening   potluck.Size `json:"opening"`
	Paid      potluck.Size `json:"paid"` // 0 when the term is over
	Supply    potluck.Size `json:"supply"`

	Held     potluck.Size `json:"held"`
	Reserved potluck.Size `json:"reserved"`
	Loans    potluck.Size `json:"loans"` // this node's own loans to the peer

	Free      potluck.Size  `json:"free"`      // what it could add, room aside
	Friend    bool          `json:"friend"`    //
	Sponsored bool          `json:"sponsored"` // no friend, but a chain of pointers reaches it
	Distance  int           `json:"distance"`  // arcs from the nearest friend; -1: none reaches it
	Shortfall potluck.Size  `json:"shortfall"` // of its demand, what nothing covers
	Funding   []credit.Fund `json:"funding"`   // how its demand is covered
	Into      []credit.Flow `json:"into"`      // pointers to it
	Out       []credit.Flow `json:"out"`       // pointers of it
}

// Credit gives one account's credit. A peer that only pointers name has a view
// too. Errors: ErrNotFound.
func (b *Book) Credit(ctx context.Context, p peer.ID) (CreditView, error) {
	return CreditView{}, ErrNotFound
}

// Shortfalls gives every account whose bytes aren't all covered, by peer ID.
func (b *Book) Shortfalls(ctx context.Context) ([]credit.Shortfall, error) { return nil, nil }

// Preview tells what accounts could add at this node before and after a document,
// for those where it differs. It changes nothing. It reads all accounts. Errors
// are those of Accept.
func (b *Book) Preview(ctx context.Context, d signed.Document) (before, after map[peer.ID]potluck.Size, err error) {
	return nil, nil, nil
}

// SetStanding writes an account's standing. evidence is borrowed until it
// returns. Errors: ErrNotFound, ErrInvalid.
func (b *Book) SetStanding(ctx context.Context, p peer.ID, s credit.Standing, reason string, evidence []byte) error {
	return ErrNotFound
}
