package node

import (
	"encoding/json"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// The views are what the doors show of a node. Sizes are charged bytes unless
// said otherwise, times are unix seconds, and every figure is a sum of ledger
// rows as of the moment it was asked for.

// Status is one node at a glance.
type Status struct {
	Name      string       `json:"name"`
	Peer      peer.ID      `json:"peer"`
	Version   string       `json:"version"`
	Addrs     []string     `json:"addrs"` // full multiaddrs that friends can dial
	Data      string       `json:"data"`  // the data directory, absolute
	Started   int64        `json:"started"`
	AsOf      int64        `json:"as_of"`
	Offered   potluck.Size `json:"offered"`
	Held      potluck.Size `json:"held"`        // leases of all friends here
	Reserved  potluck.Size `json:"reserved"`    // promised to uploads that run
	HeldForMe potluck.Size `json:"held_for_me"` // placements of this node at friends
	DiskFree  potluck.Size `json:"disk_free"`   // plain bytes free on the disk, the floor included
	Room      potluck.Size `json:"room"`        // what could still be taken, whoever asks
	Friends   int          `json:"friends"`
	Connected int          `json:"connected"`
	Inviting  int          `json:"inviting"`            // live invites
	Epoch     uint64       `json:"epoch"`               // which life of the node this is: one more after each recovery
	ReadOnly  string       `json:"read_only,omitempty"` // why this copy writes nothing
	Crawl     PassView     `json:"crawl"`               // comparing the store with the books
	Scrub     PassView     `json:"scrub"`               // reading all that is kept for others
}

// Holding is one direction of a relation.
type Holding struct {
	Bytes          potluck.Size `json:"bytes"`
	Shares         int64        `json:"shares"`
	Reserved       potluck.Size `json:"reserved,omitempty"`
	ReservedShares int64        `json:"reserved_shares,omitempty"`
}

// Friend is one account with both directions of its figures.
type Friend struct {
	Peer        peer.ID      `json:"peer"`
	Name        string       `json:"name"`
	Household   string       `json:"household,omitempty"`
	Friend      bool         `json:"friend"` // false: an account that is left because it still holds, or is held for
	Connected   bool         `json:"connected"`
	FirstSeen   int64        `json:"first_seen"`
	LastSeen    int64        `json:"last_seen"`
	LeasesUntil int64        `json:"leases_until"` // the heartbeat of its leases here
	Addrs       []string     `json:"addrs"`
	Denied      bool         `json:"denied"`
	Terms       ledger.Terms `json:"terms"`  // what it may have here
	Theirs      ledger.Terms `json:"theirs"` // what it said this node may have there
	HoldsForMe  Holding      `json:"holds_for_me"`
	IHold       Holding      `json:"i_hold"`
	Free        potluck.Size `json:"free"`        // what it could still add here now
	Supply      potluck.Size `json:"supply"`      // its own, in this node's book
	Short       potluck.Size `json:"short"`       // of what is held for it, not covered
	Sponsored   bool         `json:"sponsored"`   // no friend, but a friend's pointer reaches it
	Distance    int          `json:"distance"`    // arcs from the nearest friend; -1: none leads to it
	CreditFrom  []FundView   `json:"credit_from"` // what pays for what it has here
	Standing    StandingSide `json:"standing"`
	Proven      int64        `json:"proven"` // when it last proved what it holds; 0: never, or it holds nothing
}

// Row is a friend with the reason why this node serves it.
type Row struct {
	Friend
	Reason string `json:"reason"` // one sentence
}

// Who says who holds how much for whom.
type Who struct {
	AsOf   int64   `json:"as_of"`
	Me     Status  `json:"me"`
	Rows   []Row   `json:"rows"`
	Totals WhoSums `json:"totals"` // the sums of the rows
}

// WhoSums are the two columns of Who, summed.
type WhoSums struct {
	HoldForMe Holding `json:"hold_for_me"`
	IHold     Holding `json:"i_hold"`
}

// PeerShares are the rows that sum to one line of Who.
type PeerShares struct {
	AsOf       int64       `json:"as_of"`
	Peer       peer.ID     `json:"peer"`
	Name       string      `json:"name"`
	IHold      []HeldRow   `json:"i_hold"`
	HoldsForMe []PlacedRow `json:"holds_for_me"`
	Sums       WhoSums     `json:"sums"` // of the rows, in the form of the line
	More       bool        `json:"more"` // there are rows after the last one
	Stated     Stated      `json:"stated"`
}

// HeldRow is one lease of a friend here.
type HeldRow struct {
	Share   potluck.ShareID `json:"share"`
	State   string          `json:"state"`
	Charge  potluck.Size    `json:"charge"`
	Pending bool            `json:"pending"` // reserved, not held yet
	Since   int64           `json:"since"`
	Until   int64           `json:"until"` // 0: as long as the account's heartbeat
}

// PlacedRow is one share of this node at a friend.
type PlacedRow struct {
	Share    potluck.ShareID `json:"share"`
	State    string          `json:"state"`
	Charge   potluck.Size    `json:"charge"`
	Counted  bool            `json:"counted"` // whether the charge is part of the sum
	Placed   int64           `json:"placed"`
	LastGood int64           `json:"last_good"`
}

// PeerTerms are the terms in both directions.
type PeerTerms struct {
	Peer   peer.ID      `json:"peer"`
	Name   string       `json:"name"`
	Terms  ledger.Terms `json:"terms"`
	Theirs ledger.Terms `json:"theirs"`
}

// TermsChange names what is to change; nil stays as it is.
type TermsChange struct {
	RatioPPM  *int64        `json:"ratio_ppm,omitempty"`
	Gift      *potluck.Size `json:"gift,omitempty"`
	Opening   *potluck.Size `json:"opening,omitempty"`
	Paid      *potluck.Size `json:"paid,omitempty"`
	PaidUntil *int64        `json:"paid_until,omitempty"`
}

// Eviction tells what dropping a friend's bytes freed, or would free.
type Eviction struct {
	Peer   peer.ID      `json:"peer"`
	Name   string       `json:"name"`
	Freed  potluck.Size `json:"freed"`
	Shares int64        `json:"shares"`
	DryRun bool         `json:"dry_run"`
}

// InviteRequest asks for an invite. Zero values are chosen by the node.
type InviteRequest struct {
	Name           string        `json:"name"`            // petname for who joins by it
	ExpiresSeconds int64         `json:"expires_seconds"` // from now; 0: seven days
	Terms          *ledger.Terms `json:"terms,omitempty"` // nil: the default terms
}

// Invite is one invite. Its link is told once, when it is made.
type Invite struct {
	ID      string       `json:"id"` // 32 hexadecimal characters
	Link    string       `json:"link,omitempty"`
	Name    string       `json:"name"`
	Terms   ledger.Terms `json:"terms"`
	Created int64        `json:"created"`
	Expires int64        `json:"expires"`
	State   string       `json:"state"` // live, used, revoked or expired
	UsedBy  peer.ID      `json:"used_by,omitempty"`
}

// JoinRequest accepts an invite of another node.
type JoinRequest struct {
	Link   string        `json:"link"`
	Name   string        `json:"name,omitempty"`  // petname for the inviter; empty: the name that it gives itself
	Terms  *ledger.Terms `json:"terms,omitempty"` // what the inviter may have here; nil: the default terms
	DryRun bool          `json:"dry_run"`         // read the link only
}

// JoinResult tells whom this node joined.
type JoinResult struct {
	Peer    peer.ID      `json:"peer"`
	Name    string       `json:"name"`
	Terms   ledger.Terms `json:"terms"`   // what the inviter gives
	Granted ledger.Terms `json:"granted"` // what this node gives
	Expires int64        `json:"expires"` // of the invite
	Addrs   []string     `json:"addrs"`
	DryRun  bool         `json:"dry_run"`
}

// FileRow is one file that this node put. It holds no cap.
type FileRow struct {
	Index  potluck.StorageIndex `json:"index"`
	Name   string               `json:"name"`
	Size   potluck.Size         `json:"size"` // bytes of the file
	Layout potluck.Layout       `json:"layout"`
	Put    int64                `json:"put"`
	Wanted int                  `json:"wanted"`        // shares that should be placed
	Placed int                  `json:"placed"`        // shares that are, by receipt
	Cap    string               `json:"cap,omitempty"` // read cap, if this node keeps it
}

// Event is one line of the log.
type Event struct {
	Seq    uint64           `json:"seq"`
	Time   int64            `json:"time"`
	Kind   string           `json:"kind"`
	Peer   peer.ID          `json:"peer,omitempty"`
	Name   string           `json:"name,omitempty"` // petname of Peer
	Share  *potluck.ShareID `json:"share,omitempty"`
	Bytes  potluck.Size     `json:"bytes,omitempty"`
	Reason string           `json:"reason,omitempty"`

	// Evidence is what the event was decided on: JSON as it was written, or other
	// bytes as a text of hexadecimal digits.
	Evidence json.RawMessage `json:"evidence,omitempty"`
}

// CheckReport is what a check of the books and of the store found.
type CheckReport struct {
	AsOf  int64      `json:"as_of"`
	Clean bool       `json:"clean"` // no problem in either
	Books BooksCheck `json:"books"`
	Store StoreCheck `json:"store"`
}

// BooksCheck counts the rows and lists every counter that isn't the sum of its
// rows.
type BooksCheck struct {
	Accounts   int64        `json:"accounts"`
	Shares     int64        `json:"shares"`
	Leases     int64        `json:"leases"`
	Placements int64        `json:"placements"`
	Files      int64        `json:"files"`
	Events     int64        `json:"events"`
	Held       potluck.Size `json:"held"`
	Reserved   potluck.Size `json:"reserved"`
	Earned     potluck.Size `json:"earned"`
	Problems   []string     `json:"problems"`
}

// StoreCheck compares the store with the share rows, both ways.
type StoreCheck struct {
	Shares   int64        `json:"shares"`   // complete shares in the store, of no upload or deletion that is under way
	Stored   potluck.Size `json:"stored"`   // bytes they take on the disk
	Coming   int64        `json:"coming"`   // rows whose bytes are still arriving: no problem
	Read     int64        `json:"read"`     // shares whose bytes were all read
	Problems []string     `json:"problems"` // missing, unknown and wrong bytes
}
