package files

import (
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// PutOptions says how a file is to be spread. The zero value lets the net of
// friends decide.
type PutOptions struct {
	K      int       `json:"k,omitempty"`      // shares needed; 0: chosen (Choose)
	N      int       `json:"n,omitempty"`      // shares made; 0: chosen
	Happy  int       `json:"happy,omitempty"`  // distinct hosts, or households, that must hold a share before the put is done; 0: chosen
	Preset Preset    `json:"preset,omitempty"` // light, safe (default) or paranoid
	Random bool      `json:"random,omitempty"` // a random key in place of the convergent one
	Hosts  []peer.ID `json:"hosts,omitempty"`  // only these hosts; empty: all friends
	Name   string    `json:"name,omitempty"`   // kept in the owner's own list of files only
	Forget bool      `json:"forget,omitempty"` // the cap isn't kept in the owner's books
	// Explain has the result say of each host why it was chosen or passed over.
	Explain bool `json:"explain,omitempty"`
}

// PutResult tells where a file went.
type PutResult struct {
	Cap     string               `json:"cap"` // text of the read cap, or of a literal cap
	Index   potluck.StorageIndex `json:"index"`
	Size    potluck.Size         `json:"size"`
	Layout  potluck.Layout       `json:"layout"`
	Happy   int                  `json:"happy"`            // distinct places (hosts, a household being one) that hold a share durably
	Placed  []Placed             `json:"placed"`           // by share number
	Behind  int                  `json:"behind"`           // shares that aren't placed: spread later, when their hosts answer
	Sent    potluck.Size         `json:"sent"`             // bytes of share data sent
	Reused  int                  `json:"reused"`           // shares that hosts had already
	Forgot  bool                 `json:"forgot,omitempty"` // with PutOptions.Forget: the owner's books had the cap from an earlier put, and have it no longer
	Seconds float64              `json:"seconds"`
	Explain []HostChoice         `json:"explain,omitempty"` // with PutOptions.Explain: every host, chosen ones first
}

// HostChoice tells why a host got shares of a file, or got none.
type HostChoice struct {
	Host      peer.ID      `json:"host"`
	Name      string       `json:"name"`
	Household string       `json:"household,omitempty"`
	Free      potluck.Size `json:"free"`   // charged bytes that it would have taken before the put; -1: it didn't say
	Chosen    bool         `json:"chosen"` // it has shares, or is about to get them
	Shares    int          `json:"shares"` // how many
	Why       string       `json:"why"`    // one clause for people
}

// Placed is one share at one host.
type Placed struct {
	Number potluck.ShareNumber `json:"number"`
	Host   peer.ID             `json:"host"`
	Name   string              `json:"name"`
	Charge potluck.Size        `json:"charge"`
}

// GetOptions selects a range. The zero value reads all.
type GetOptions struct {
	Offset potluck.Size `json:"offset,omitempty"`
	Length potluck.Size `json:"length,omitempty"` // 0: to the end
}

// GetResult tells what a read did.
type GetResult struct {
	Size    potluck.Size `json:"size"` // bytes written
	Seconds float64      `json:"seconds"`
	Hosts   []HostBytes  `json:"hosts"`
	Blamed  []Blame      `json:"blamed,omitempty"` // hosts whose answers were wrong
}

// HostBytes is how much of a file came from one host.
type HostBytes struct {
	Host  peer.ID      `json:"host"`
	Name  string       `json:"name"`
	Bytes potluck.Size `json:"bytes"`
}

// Blame names a host that sent something other than what its share holds by
// the manifest.
type Blame struct {
	Host   peer.ID         `json:"host"`
	Name   string          `json:"name"`
	Share  potluck.ShareID `json:"share"`
	Reason string          `json:"reason"`
}

// Progress is told while a put or get runs. Done and Total are bytes of the
// file in the stage.
type Progress struct {
	Stage string       `json:"stage"` // hashing, placing, sending, finishing or reading
	Done  potluck.Size `json:"done"`
	Total potluck.Size `json:"total"`
	Hosts int          `json:"hosts"` // hosts that take part now
}

// ShareState is what the owner knows of one placed share.
type ShareState string

// The states of a share as its owner sees it. What can't be known is unknown.
const (
	ShareHeld     ShareState = "held"     // the host said so just now
	ShareLost     ShareState = "lost"     // the host said just now that it has no such share
	ShareReplaced ShareState = "replaced" // lost before, and others hold this number now
	ShareUnknown  ShareState = "unknown"  // the host can't be reached
	ShareMissing  ShareState = "missing"  // nobody is known to hold this number
)

// ShareAt is one share of a file and where it is.
type ShareAt struct {
	Number potluck.ShareNumber `json:"number"`
	Host   peer.ID             `json:"host,omitempty"`
	Name   string              `json:"name,omitempty"`
	State  ShareState          `json:"state"`
	Placed int64               `json:"placed,omitempty"` // unix seconds of the receipt
	Charge potluck.Size        `json:"charge,omitempty"`
}

// WhereResult tells where the shares of a file are.
type WhereResult struct {
	Index    potluck.StorageIndex `json:"index"`
	Size     potluck.Size         `json:"size"`
	Layout   potluck.Layout       `json:"layout"`
	Shares   []ShareAt            `json:"shares"`
	Readable bool                 `json:"readable"` // k distinct shares are held by hosts that answered
	Survives int                  `json:"survives"` // any so many of the answering hosts, or households, may go, and it stays readable
}

// RemoveResult tells what a removal freed.
type RemoveResult struct {
	Freed     potluck.Size `json:"freed"`     // charged bytes, as the hosts counted them
	Cancelled int          `json:"cancelled"` // leases that hosts ended
	Unreached []peer.ID    `json:"unreached"` // hosts that will be told when they come back
}

// HostRefusal is one host's reason not to take a share.
type HostRefusal struct {
	Host    peer.ID          `json:"host"`
	Name    string           `json:"name"`
	Reason  string           `json:"reason"`
	Refusal *potluck.Refusal `json:"refusal,omitempty"`
}

// SpreadError says that a file can't be spread far enough. Nothing of the put
// is left behind.
type SpreadError struct {
	K, N    int
	Wanted  int           // distinct places that were needed
	Found   int           // distinct places that could be had; a household is one
	Reasons []HostRefusal // why the other hosts don't count, with the refusals that they gave
}

// Error gives the numbers, each host's reason, and the best cure.
func (e *SpreadError) Error() string {
	var b strings.Builder
	if e.Found == 0 {
		b.WriteString("nobody can take a share of it")
	} else {
		fmt.Fprintf(&b, "can't spread %d-of-%d over %d hosts: only %d can take a share", e.K, e.N, e.Wanted, e.Found)
	}
	refused := false
	for _, r := range e.Reasons {
		text := r.Reason
		if r.Refusal != nil {
			refused, text = true, clause(r.Refusal)
		}
		fmt.Fprintf(&b, "; %s: %s", r.Name, text)
	}
	host, cure, cured := e.BestCure()
	switch {
	case cured:
		fmt.Fprintf(&b, "; cure: %s", cureText(host.Name, cure))
	case len(e.Reasons) == 0 && e.Found == 0:
		b.WriteString("; cure: invite a friend")
	case len(e.Reasons) == 0:
		b.WriteString("; cure: invite friends, or ask for fewer hosts with --happy")
	case !refused:
		b.WriteString("; cure: try again when these are back")
	}
	return b.String()
}

// NotEnoughError says that too few shares could be read.
type NotEnoughError struct {
	Need   int           // k
	Found  int           // distinct shares that could be read
	Asked  int           // hosts that were asked
	Silent []HostRefusal // hosts that couldn't be asked, or whose answers were no use
}

// Error gives the numbers, and each silent host's reason.
func (e *NotEnoughError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "found %d of the %d shares needed, %d friends were asked", e.Found, e.Need, e.Asked)
	for _, r := range e.Silent {
		fmt.Fprintf(&b, "; %s: %s", r.Name, r.Reason)
	}
	if len(e.Silent) > 0 {
		b.WriteString("; cure: try again when these are back")
	} else {
		b.WriteString("; cure: befriend those who hold it, or ask its owner whether it's still kept")
	}
	return b.String()
}

// ChangedError says that the source changed while it was being put. Nothing of
// the put is left behind.
type ChangedError struct{ Name string }

// Error says what to do.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed while it was being put; put it again when it's quiet", e.Name)
}

// DamageError says that the shares of a file don't agree with its cap, whoever
// serves them: they were made wrong.
type DamageError struct{ Reason string }

// Error gives the reason.
func (e *DamageError) Error() string { return "the file is damaged: " + e.Reason }
