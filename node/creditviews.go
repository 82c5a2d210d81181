package node

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// The views of credit (CREDIT.md sections 3 to 8). Amounts are charged bytes,
// times unix seconds; 0 is no time. A name is the petname that this node has for
// a peer, or the beginning of its ID.

// Party is a peer with its name here.
type Party struct {
	Peer peer.ID `json:"peer"`
	Name string  `json:"name"`
}

// CreditOverview is this node's credit at a glance.
type CreditOverview struct {
	AsOf     int64         `json:"as_of"`
	Order    OrderView     `json:"order"`
	Mine     []CreditAt    `json:"mine"`      // what this node may have at others, by name
	In       []PointerView `json:"in"`        // pointers of others to this node
	Out      []PointerView `json:"out"`       // pointers of this node
	Repay    []RepayView   `json:"repay"`     // who repays this node's debts
	WorksFor []WorkView    `json:"works_for"` // whose debts this node repays
}

// OrderView is this node's standing order.
type OrderView struct {
	Number   uint64  `json:"number"` // 0: none was ever signed
	Expires  int64   `json:"expires"`
	Declined []Party `json:"declined"` // peers whose pointers this node doesn't take
}

// CreditAt is what this node has at one other node, in that node's words.
type CreditAt struct {
	Party
	Friend    bool             `json:"friend"`
	Connected bool             `json:"connected"`
	Known     bool             `json:"known"` // false: it never told, and all figures below are 0
	AsOf      int64            `json:"as_of"` // when it told
	Terms     ledger.Terms     `json:"terms"`
	Earned    potluck.Size     `json:"earned"` // what it counts that this node holds for it and its principals
	Held      potluck.Size     `json:"held"`   // what it holds for this node
	Reserved  potluck.Size     `json:"reserved"`
	Loans     potluck.Size     `json:"loans"`
	Supply    potluck.Size     `json:"supply"` // of this node's own, there
	Free      potluck.Size     `json:"free"`   // what this node could add there
	Short     potluck.Size     `json:"short"`  // of what is held there, not covered
	Step      string           `json:"step"`   // this node's standing there
	Distance  int              `json:"distance"`
	Sponsors  []SponsorView    `json:"sponsors"` // who points credit there to this node
	Refusal   *potluck.Refusal `json:"refusal,omitempty"`
	Sentence  string           `json:"sentence"`
}

// SponsorView is one peer whose credit pays for another one.
type SponsorView struct {
	Party
	Limit potluck.Size `json:"limit"` // what the pointer carries at most
	Used  potluck.Size `json:"used"`  // what it carries now
}

// PointerView is one credit pointer.
type PointerView struct {
	From     Party         `json:"from"`
	To       Party         `json:"to"`
	Host     *Party        `json:"host,omitempty"` // nil: at any host
	Limit    *potluck.Size `json:"limit,omitempty"`
	SharePPM *int64        `json:"share_ppm,omitempty"`
	Loan     bool          `json:"loan"`
	Since    int64         `json:"since"`   // first signed
	Expires  int64         `json:"expires"` // of the order, or of this pointer if that is earlier
	State    string        `json:"state"`   // live, frozen (issuer signed two orders of one number), declined, expired
	Used     potluck.Size  `json:"used"`    // In: what it carries for this node, as the hosts told last; Out: 0, for the hosts know it; of a loan its limit
}

// RepayView is one allotment of this node's repay order.
type RepayView struct {
	Party
	SharePPM int64 `json:"share_ppm"` // of what others hold for this node
	Consent  bool  `json:"consent"`   // whether that node said that it works for this one
	Expires  int64 `json:"expires"`
}

// WorkView is one principal that this node works for.
type WorkView struct {
	Party
	Allotted bool         `json:"allotted"`  // whether the principal's repay order names this node
	SharePPM int64        `json:"share_ppm"` // of the principal's debts
	Bytes    potluck.Size `json:"bytes"`     // what others hold for the principal, as counted here
	Expires  int64        `json:"expires"`   // of this node's consent
}

// CreditToRequest points credit to a peer, or changes the pointer to it.
type CreditToRequest struct {
	To       string        `json:"to"`
	Host     string        `json:"host,omitempty"`      // empty: at any host
	Limit    *potluck.Size `json:"limit,omitempty"`     // nil: no limit
	SharePPM *int64        `json:"share_ppm,omitempty"` // nil: no share
	Loan     bool          `json:"loan,omitempty"`
	Until    int64         `json:"until,omitempty"` // 0: until it is revoked
	DryRun   bool          `json:"dry_run,omitempty"`
}

// CreditRevokeRequest takes pointers back. What they carry stays charged until
// it is gone (CREDIT.md section 5).
type CreditRevokeRequest struct {
	To     string `json:"to"`
	Host   string `json:"host,omitempty"` // empty: all pointers to that peer
	DryRun bool   `json:"dry_run,omitempty"`
}

// CreditDeclineRequest refuses the pointers of a peer, or takes them again.
type CreditDeclineRequest struct {
	Issuer string `json:"issuer"`
	Undo   bool   `json:"undo,omitempty"`
}

// CreditPreview tells what a document changes, or has changed.
type CreditPreview struct {
	Sentence  string        `json:"sentence"`
	Lines     []PreviewLine `json:"lines"`
	Pointers  []PointerView `json:"pointers"` // of the order, as it would be
	Signed    bool          `json:"signed"`   // false: a dry run, nothing was changed
	Number    uint64        `json:"number"`   // of the document that was, or would be, signed
	Expires   int64         `json:"expires"`
	Delivered []Party       `json:"delivered"` // who has it already; others get it when they are met
	Waiting   []Party       `json:"waiting"`   // who is to get it
}

// PreviewLine is what one peer could add at one host, before and after.
type PreviewLine struct {
	Host     Party        `json:"host"`
	Known    bool         `json:"known"` // false: the host can't be asked now
	Party                 // whose free credit it is
	Before   potluck.Size `json:"before"`
	After    potluck.Size `json:"after"`
	Sentence string       `json:"sentence"`
}

// RepayViaRequest names a node that repays those who hold this node's data.
type RepayViaRequest struct {
	Node     string `json:"node"`
	SharePPM *int64 `json:"share_ppm,omitempty"` // nil: all that no other node repays
	Off      bool   `json:"off,omitempty"`
	DryRun   bool   `json:"dry_run,omitempty"`
}

// RepayResult is the repay order after a change.
type RepayResult struct {
	Sentence string      `json:"sentence"`
	Repay    []RepayView `json:"repay"`
	Own      int64       `json:"own_ppm"` // what this node repays itself
	Signed   bool        `json:"signed"`
	Number   uint64      `json:"number"`
	Expires  int64       `json:"expires"`
}

// WorkForRequest consents to repay the debts of a peer, or no longer.
type WorkForRequest struct {
	Peer string `json:"peer"`
	Off  bool   `json:"off,omitempty"`
}

// WorkResult is whom this node works for after a change.
type WorkResult struct {
	Sentence string     `json:"sentence"`
	WorksFor []WorkView `json:"works_for"`
	Number   uint64     `json:"number"`
	Expires  int64      `json:"expires"`
}

// WhyView answers "why does my node serve this peer, and why does it serve
// me?".
type WhyView struct {
	Party
	AsOf     int64     `json:"as_of"`
	Sentence string    `json:"sentence"`
	Serve    ServeView `json:"serve"`  // what it has here, and why
	Served   CreditAt  `json:"served"` // what this node has there, and why
	More     []string  `json:"more"`   // what either would need for more
}

// ServeView is what a peer has here, as the credit of this book says.
type ServeView struct {
	Sentence  string           `json:"sentence"`
	RatioPPM  int64            `json:"ratio_ppm"`
	Earned    potluck.Size     `json:"earned"` // of all principals
	EarnedFor []EarnedFor      `json:"earned_for"`
	Gift      potluck.Size     `json:"gift"`
	Opening   potluck.Size     `json:"opening"`
	Paid      potluck.Size     `json:"paid"` // 0 when it is over
	PaidUntil int64            `json:"paid_until"`
	Supply    potluck.Size     `json:"supply"`
	Held      potluck.Size     `json:"held"`
	Reserved  potluck.Size     `json:"reserved"`
	Loans     potluck.Size     `json:"loans"`
	Demand    potluck.Size     `json:"demand"`
	Free      potluck.Size     `json:"free"`
	Short     potluck.Size     `json:"short"`
	Sponsored bool             `json:"sponsored"`
	Distance  int              `json:"distance"` // -1: no friend's pointer reaches it
	Funding   []FundView       `json:"funding"`
	In        []FlowView       `json:"in"`
	Out       []FlowView       `json:"out"`
	Refusal   *potluck.Refusal `json:"refusal,omitempty"` // what an ask of one byte is refused with
}

// EarnedFor is what a peer holds for one principal.
type EarnedFor struct {
	Party
	Bytes potluck.Size `json:"bytes"`
}

// FundView is a part of a funding; Via is empty for the peer's own supply, else
// it leads from who pays to the last sponsor.
type FundView struct {
	Via   []Party      `json:"via"`
	Bytes potluck.Size `json:"bytes"`
}

// FlowView is what one arc carries. Party is the other end.
type FlowView struct {
	Party
	Bytes    potluck.Size `json:"bytes"`
	Capacity potluck.Size `json:"capacity"` // what the arc carries at most, and its issuer has: its own and what is pointed to it
	Frozen   bool         `json:"frozen"`
}

// StandingView is the standing in both directions.
type StandingView struct {
	Party
	AsOf   int64        `json:"as_of"`
	Mine   StandingSide `json:"mine"`   // its standing here
	Theirs StandingSide `json:"theirs"` // this node's standing there
}

// StandingSide is where one peer stands at another.
type StandingSide struct {
	Known       bool         `json:"known"` // false: it never told
	AsOf        int64        `json:"as_of"`
	Step        string       `json:"step"` // good, reminded, slowed, frozen, notice, evicting
	Since       int64        `json:"since"`
	Breach      int64        `json:"breach"` // when the present breach was first seen
	Next        string       `json:"next"`   // the step that follows if nothing is cured; empty: none
	NextAt      int64        `json:"next_at"`
	Short       potluck.Size `json:"short"`
	GoodwillPPM int64        `json:"goodwill_ppm,omitempty"` // only known of Mine
	Service     int64        `json:"service,omitempty"`      // seconds of honest service; only of Mine
	Told        string       `json:"told,omitempty"`         // the newest step that it was told of; only of Mine
	ToldAt      int64        `json:"told_at,omitempty"`      // 0: it wasn't reached
	Pinned      bool         `json:"pinned,omitempty"`
	Word        bool         `json:"word,omitempty"` // the operator allowed notice and evicting
	Reason      string       `json:"reason"`
	Sentence    string       `json:"sentence"`
}

// StandingChange is what an operator sets by hand.
type StandingChange struct {
	Pin   *string `json:"pin,omitempty"` // a step that stays
	Unpin bool    `json:"unpin,omitempty"`
	Word  bool    `json:"word,omitempty"` // allow the last two steps, this once
}

// HouseholdView is this node's household.
type HouseholdView struct {
	Label   string            `json:"label"` // empty: none
	Number  uint64            `json:"number"`
	Members []HouseholdMember `json:"members"`
	Named   []HouseholdClaim  `json:"named"` // peers that name this node, whether or not it names them
}

// HouseholdMember is a node that this one named.
type HouseholdMember struct {
	Party
	Mutual bool `json:"mutual"` // whether it named this node too, under the same label
}

// HouseholdClaim is a peer that names this node as of its household.
type HouseholdClaim struct {
	Party
	Label string `json:"label"`
}

// HouseholdRequest changes this node's household.
type HouseholdRequest struct {
	Label   string   `json:"label"`
	Members []string `json:"members"` // the others
	Leave   bool     `json:"leave,omitempty"`
}
