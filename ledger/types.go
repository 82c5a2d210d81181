package ledger

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
)

// Terms is what a node offers one friend. Amounts are charged bytes.
type Terms struct {
	RatioPPM  int64        `json:"ratio_ppm"`  // bytes given per million bytes that the friend holds, 0 to MaxRatioPPM
	Gift      potluck.Size `json:"gift"`       // given without return
	Opening   potluck.Size `json:"opening"`    // trust line, so that two friends can begin
	Paid      potluck.Size `json:"paid"`       // allowance with an end
	PaidUntil int64        `json:"paid_until"` // unix seconds at which Paid ends (exclusive)
}

// MaxRatioPPM is the greatest ratio: a thousand bytes for one.
const MaxRatioPPM = 1000 * 1_000_000

// DefaultTerms are a new friend's: byte for byte, and 1 GiB to begin with.
func DefaultTerms() Terms { return Terms{RatioPPM: 1_000_000, Opening: potluck.GiB} }

// Account is one peer in the books.
type Account struct {
	Peer        peer.ID         `json:"peer"`
	Name        string          `json:"name"`         // petname, at most MaxName bytes
	Household   string          `json:"household"`    // peers of one household earn nothing from each other
	Terms       Terms           `json:"terms"`        // what we offer the peer
	Theirs      Terms           `json:"theirs"`       // what the peer told us that it offers
	Friend      bool            `json:"friend"`       // admitted; false: known only
	Denied      bool            `json:"denied"`       // no new bytes
	Addrs       []string        `json:"addrs"`        // multiaddrs, at most MaxAddrs
	FirstSeen   int64           `json:"first_seen"`   // unix seconds
	LastSeen    int64           `json:"last_seen"`    // unix seconds, exact to a minute
	LeasesUntil int64           `json:"leases_until"` // end of all leases without an end of their own; 0: none was ever named, so they stay
	Standing    credit.Standing `json:"standing"`     // where it stands on the ladder (CREDIT.md section 6)
}

// Bounds of an account's fields.
const (
	MaxName  = 128 // bytes of a petname or household
	MaxAddrs = 32  // addresses of one account
	MaxAddr  = 512 // bytes of one address
	MaxPeer  = 64  // bytes of a peer ID
)

// Usage counts one account, or all of them. Each figure is the sum of the
// charges (or the number) of the rows named here, and changes with them.
type Usage struct {
	Held           potluck.Size `json:"held"`            // held leases: they keep with us
	HeldShares     int64        `json:"held_shares"`     //
	Reserved       potluck.Size `json:"reserved"`        // pending leases: they are about to
	ReservedShares int64        `json:"reserved_shares"` //
	Earned         potluck.Size `json:"earned"`          // stable placements: they hold for us
	EarnedShares   int64        `json:"earned_shares"`   //
	Newest         int64        `json:"-"`               // unix seconds: no lease of the account is newer; 0: it has none. Not kept for totals
}

// Room is what this node can take, as its disk and its operator say.
type Room struct {
	Offered potluck.Size // what the operator offers in all
	Disk    potluck.Size // free on the disk above the floor; what is reserved is taken off here, not by the caller
}

// ShareState is the step of a share's life.
type ShareState uint8

// States of a share. COMING and GOING have a deadline and leave through Expire.
const (
	ShareComing  ShareState = 1 // reserved, bytes arriving; its one lease is pending
	ShareStable  ShareState = 2 // all bytes durable; at least one lease
	ShareGoing   ShareState = 3 // no lease; bytes are to be deleted
	ShareLost    ShareState = 4 // the bytes vanished; leases stay until cancelled
	ShareCorrupt ShareState = 5 // the bytes changed; leases stay until cancelled
)

// Reservation asks for one share.
type Reservation struct {
	Share  potluck.ShareID
	Layout potluck.Layout
	Charge potluck.Size
	Until  time.Time // deadline of the upload
}

// GrantState tells what a reservation met.
type GrantState uint8

// What a reservation met.
const (
	GrantNew     GrantState = 1 // no bytes were there, or not the right ones: write them, then Commit
	GrantResumed GrantState = 2 // the owner's own upload is open: go on, then Commit
	GrantHeld    GrantState = 3 // the owner holds it already: nothing to do
	GrantExists  GrantState = 4 // others hold it: prove that it is the same, then Commit
)

// Grant answers one reservation. Root and Manifest are set for GrantHeld and
// GrantExists, and for GrantNew when the bytes had vanished: they must be the same.
type Grant struct {
	Share    potluck.ShareID
	State    GrantState
	Root     potluck.Digest
	Manifest potluck.Digest
}

// ShareRow is one share that this node hosts, with its leases.
type ShareRow struct {
	ID       potluck.ShareID `json:"id"`
	State    ShareState      `json:"state"`
	Layout   potluck.Layout  `json:"layout"`
	Charge   potluck.Size    `json:"charge"`
	Root     potluck.Digest  `json:"root"`     // zero while COMING, and GOING from there
	Manifest potluck.Digest  `json:"manifest"` // likewise
	Created  int64           `json:"created"`
	Deadline int64           `json:"deadline"` // of COMING and GOING, else 0
	Leases   []Lease         `json:"leases"`   // by owner
}

// Lease is one account's claim on one share. Pending ones count as reserved,
// the others as held.
type Lease struct {
	Owner   peer.ID      `json:"owner"`
	Pending bool         `json:"pending"`
	Since   int64        `json:"since"`
	Until   int64        `json:"until"`   // 0: the account's LeasesUntil. A pending lease always has one
	Renewed int64        `json:"renewed"` // when Until was last set
	Charge  potluck.Size `json:"charge"`  // equals the share's
}

// PlacementState tells whether a placement counts as earned by its host.
type PlacementState uint8

// States of a placement.
const (
	PlacedStable PlacementState = 1 // the host holds it, as far as is known: earned
	PlacedLost   PlacementState = 2 // the host doesn't
	PlacedComing PlacementState = 3 // the owner's intent, written before the first byte is sent; root and manifest may be zero; not earned
	PlacedGoing  PlacementState = 4 // removed by the owner, the host isn't told yet; not earned
)

// Placement is one share of ours that a host keeps.
type Placement struct {
	Share    potluck.ShareID `json:"share"`
	Host     peer.ID         `json:"host"`
	Layout   potluck.Layout  `json:"layout"`
	Charge   potluck.Size    `json:"charge"`
	Root     potluck.Digest  `json:"root"`
	Manifest potluck.Digest  `json:"manifest"`
	Receipt  []byte          `json:"receipt"` // signed by the host, at most MaxReceipt bytes
	Placed   int64           `json:"placed"`
	LastGood int64           `json:"last_good"` // newest proof that the host holds it
	State    PlacementState  `json:"state"`
}

// MaxReceipt is the greatest length of a receipt in bytes.
const MaxReceipt = 4 << 10

// File is one file that this node put.
type File struct {
	Index    potluck.StorageIndex `json:"index"`
	Manifest potluck.Digest       `json:"manifest"`
	Layout   potluck.Layout       `json:"layout"`
	Name     string               `json:"name"` // may be empty; at most MaxFileName bytes
	Put      int64                `json:"put"`
	Wanted   int                  `json:"wanted"` // shares that were to be placed
	// Cap is the text of the file's read cap, at most MaxCap bytes: who has it
	// can read the file. Empty when the owner keeps it elsewhere.
	Cap string `json:"cap,omitempty"`
}

// MaxFileName is the greatest length of a file's name in bytes.
const MaxFileName = 4 << 10

// MaxCap is the greatest length of a cap's text in a file's row, in bytes.
const MaxCap = 512

// InviteState is the step of an invite's life. Expiry is no state: it follows from Expires.
type InviteState uint8

// States of an invite.
const (
	InviteLive    InviteState = 1
	InviteUsed    InviteState = 2
	InviteRevoked InviteState = 3
)

// InviteSecret is the one-time secret inside an invite's link. It hides itself
// from every way of printing.
type InviteSecret [16]byte

// InviteID names an invite: the first bytes of the BLAKE3 hash of its secret.
type InviteID = [16]byte

// Invite is one invitation that this node has made.
type Invite struct {
	ID      InviteID     `json:"id"`
	Secret  InviteSecret `json:"-"`
	Name    string       `json:"name"` // petname for whoever comes
	Terms   Terms        `json:"terms"`
	Created int64        `json:"created"`
	Expires int64        `json:"expires"` // first second in which it is no longer good
	State   InviteState  `json:"state"`
	UsedBy  peer.ID      `json:"used_by"`
}

// Event is one line of the log. Chain is the BLAKE3 hash of the chain value
// before it and the event's encoding.
type Event struct {
	Seq      uint64           `json:"seq"`  // from 1, without gaps
	Time     int64            `json:"time"` // unix seconds, by the book's clock
	Kind     string           `json:"kind"` // what happened, at most MaxKind bytes
	Peer     peer.ID          `json:"peer,omitempty"`
	Share    *potluck.ShareID `json:"share,omitempty"`
	Bytes    potluck.Size     `json:"bytes"`
	Reason   string           `json:"reason,omitempty"`   // at most MaxReason bytes
	Evidence []byte           `json:"evidence,omitempty"` // at most MaxEvidence bytes
	Chain    potluck.Digest   `json:"chain"`
}

// Bounds of an event's fields, in bytes.
const (
	MaxKind     = 32
	MaxReason   = 1 << 10
	MaxEvidence = 64 << 10
)

// Report is what Check found. Figures are counted from the rows, not read from
// counters.
type Report struct {
	Accounts   int64        `json:"accounts"`
	Shares     int64        `json:"shares"`
	Leases     int64        `json:"leases"`
	Placements int64        `json:"placements"`
	Files      int64        `json:"files"`
	Invites    int64        `json:"invites"`
	Events     int64        `json:"events"`
	Documents  int64        `json:"documents"` // orders, repay orders, consents, households, statements
	Proofs     int64        `json:"proofs"`    // that a peer signed two documents with one number
	Held       potluck.Size `json:"held"`
	Reserved   potluck.Size `json:"reserved"`
	Earned     potluck.Size `json:"earned"`
	Problems   []string     `json:"problems"` // one sentence per violated rule, at most MaxProblems and a count of the rest
}

// MaxProblems is how many problems a report names one by one.
const MaxProblems = 1000
