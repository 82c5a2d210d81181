package api

import (
	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/node"
)

// The bodies of the API are the node's own views.
type (
	Status        = node.Status
	Friend        = node.Friend
	Holding       = node.Holding
	Who           = node.Who
	WhoRow        = node.Row
	PeerShares    = node.PeerShares
	HeldRow       = node.HeldRow
	PlacedRow     = node.PlacedRow
	Stated        = node.Stated
	Statement     = node.Statement
	PeerTerms     = node.PeerTerms
	TermsChange   = node.TermsChange
	TermsPreview  = node.TermsPreview
	Terms         = ledger.Terms
	Eviction      = node.Eviction
	InviteRequest = node.InviteRequest
	Invite        = node.Invite
	JoinRequest   = node.JoinRequest
	JoinResult    = node.JoinResult
	FileRow       = node.FileRow
	Event         = node.Event
	CheckReport   = node.CheckReport
)

// The bodies of credit, standing and households.
type (
	Party                = node.Party
	CreditOverview       = node.CreditOverview
	OrderView            = node.OrderView
	CreditAt             = node.CreditAt
	SponsorView          = node.SponsorView
	PointerView          = node.PointerView
	RepayView            = node.RepayView
	WorkView             = node.WorkView
	CreditToRequest      = node.CreditToRequest
	CreditRevokeRequest  = node.CreditRevokeRequest
	CreditDeclineRequest = node.CreditDeclineRequest
	CreditPreview        = node.CreditPreview
	PreviewLine          = node.PreviewLine
	RepayViaRequest      = node.RepayViaRequest
	RepayResult          = node.RepayResult
	WorkForRequest       = node.WorkForRequest
	WorkResult           = node.WorkResult
	WhyView              = node.WhyView
	ServeView            = node.ServeView
	EarnedFor            = node.EarnedFor
	FundView             = node.FundView
	FlowView             = node.FlowView
	StandingView         = node.StandingView
	StandingSide         = node.StandingSide
	StandingChange       = node.StandingChange
	HouseholdView        = node.HouseholdView
	HouseholdMember      = node.HouseholdMember
	HouseholdClaim       = node.HouseholdClaim
	HouseholdRequest     = node.HouseholdRequest
)

// PutRequest says what is put, and how. Either Path is set, or a body follows.
type PutRequest struct {
	Path    string       // absolute, opened by the node; empty: the body is put
	Name    string       // kept in the node's list of files; with Path the default is its base name
	K       int          // shares needed; 0: chosen
	N       int          // shares made; 0: chosen
	Happy   int          // hosts that must hold a share; 0: chosen
	Preset  files.Preset // light, safe or paranoid; empty: safe
	Random  bool         // a random key in place of the convergent one
	Forget  bool         // the node doesn't keep the cap
	Explain bool         // the result says of each host why it was chosen or passed over
	Hosts   []string     // only these friends: petnames, peer IDs or unique prefixes
}

// GetRequest says what is read, and where to.
type GetRequest struct {
	Cap    string       `json:"cap"`
	Offset potluck.Size `json:"offset,omitempty"`
	Length potluck.Size `json:"length,omitempty"` // 0: to the end
	Path   string       `json:"path,omitempty"`   // absolute: the node writes the file, whole or not at all
}

// EvictRequest asks to drop all that is held for a friend.
type EvictRequest struct {
	DryRun bool `json:"dry_run"` // tell what would be freed
}

// LogRequest selects events.
type LogRequest struct {
	After  uint64 // only events with a greater number
	Limit  int    // at most so many; 0: all
	Newest int    // only the newest so many, and what follows them; 0: all
	Follow bool   // wait for more, until the context ends

	Evidence bool // also what events were decided on
}

// capRequest is the body of where.
type capRequest struct {
	Cap string `json:"cap"`
}

// removeRequest is the body of rm: one of the two.
type removeRequest struct {
	Cap   string `json:"cap,omitempty"`
	Index string `json:"index,omitempty"` // a storage index that the books know, or a start of one that fits no other
}
