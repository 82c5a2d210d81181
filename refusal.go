package potluck

import (
	"fmt"
	"strings"
)

// Code is the reason of a refusal, from a closed table (CREDIT.md, "What a peer
// is told"). The same code crosses the wire, the CLI and the page.
type Code string

// The closed table of refusal codes.
const (
	CodeNotAFriend    Code = "not-a-friend"   // the asker is neither friend nor sponsored
	CodeDenied        Code = "denied"         // the operator takes no new bytes from the asker
	CodeFrozen        Code = "frozen"         // the asker's standing permits no new bytes
	CodeNoRoom        Code = "no-room"        // the node's offer or its disk is full
	CodeUnfunded      Code = "unfunded"       // gift, opening, paid and reciprocity don't cover the ask
	CodeRate          Code = "rate"           // too many or too fast; try again later
	CodeAnonymousFull Code = "anonymous-full" // the anonymous allowance is used up
)

// CureKind says what would turn a refusal into an acceptance.
type CureKind string

// The closed table of cures.
const (
	CureBefriend CureKind = "befriend" // accept an invite of the host
	CureHold     CureKind = "hold"     // hold Bytes more for the host
	CurePointer  CureKind = "pointer"  // ask a friend of the host for a credit pointer of Bytes
	CureAskHost  CureKind = "ask-host" // ask the host's operator for a larger gift or opening, or to lift the denial
	CureFree     CureKind = "free"     // cancel Bytes of what the host holds already
	CureOffer    CureKind = "offer"    // the host must offer Bytes more, or free its disk
	CureWait     CureKind = "wait"     // try again later
)

// Cure is one way out of a refusal. Bytes is 0 where no amount is meant.
type Cure struct {
	Kind  CureKind `json:"kind"`
	Bytes Size     `json:"bytes,omitempty"`
}

// String gives the cure as a clause for people.
func (c Cure) String() string {
	switch c.Kind {
	case CureBefriend:
		return "accept an invite of that node"
	case CureHold:
		return fmt.Sprintf("hold %v more for that node", c.Bytes)
	case CurePointer:
		return fmt.Sprintf("ask one of its friends for a credit pointer of %v", c.Bytes)
	case CureAskHost:
		return "ask its operator for other terms"
	case CureFree:
		return fmt.Sprintf("remove %v of what it holds for you", c.Bytes)
	case CureOffer:
		return fmt.Sprintf("its operator must offer %v more room", c.Bytes)
	case CureWait:
		return "try again later"
	}
	return string(c.Kind)
}

// Refusal is a "no" with its numbers. It is an error value, and the same value
// is sent over the wire, printed by the CLI and shown on the page. A refusal
// reserves nothing. Amounts are charged bytes.
type Refusal struct {
	Code  Code   `json:"code"`
	Asked Size   `json:"asked"` // what the asker wanted
	Free  Size   `json:"free"`  // the most that would have been accepted
	Short Size   `json:"short"` // what was missing
	Cures []Cure `json:"cure"`
}

// Error gives one sentence with the numbers and the cures.
func (r *Refusal) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "refused (%s): asked for %v, %v free, %v short", r.Code, r.Asked, r.Free, r.Short)
	for i, c := range r.Cures {
		if i == 0 {
			b.WriteString("; cure: ")
		} else {
			b.WriteString(", or ")
		}
		b.WriteString(c.String())
	}
	return b.String()
}
