package p2p

import (
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// AccountRequest asks how the asker stands with the asked one, and what it
// would answer to an ask of so many bytes. Nothing is reserved.
type AccountRequest struct {
	Bytes potluck.Size `cbor:"1,keyasint"` // charged bytes; 0: no ask
}

// Validate tells whether every field lies in its range.
func (a AccountRequest) Validate() error { return checkSize("account", a.Bytes) }

// NoDistance is AccountResponse.Distance of a peer that nobody sponsors.
const NoDistance = -1

// AccountResponse is the asker's account in the books of the asked one
// (CREDIT.md, sections 3 to 6). Sizes are charged bytes; sums above
// potluck.MaxSize are told as potluck.MaxSize.
type AccountResponse struct {
	Terms    Terms
	Earned   potluck.Size     // what the asker holds for the asked one and its principals, as far as it counts
	Held     potluck.Size     // what is held for the asker
	Reserved potluck.Size     // what its open uploads reserve
	Loans    potluck.Size     // live loans to the asker
	Supply   potluck.Size     // its own credit: ratio × earned + gift + opening + paid
	Free     potluck.Size     // the most that it could add now
	Short    potluck.Size     // what of its bytes is funded by nothing any more
	Refusal  *potluck.Refusal // what the asked bytes would be refused with; nil when they would be taken

	Step     uint8 // standing: 0 good, 1 reminded, 2 slowed, 3 frozen, 4 notice, 5 evicting
	Since    int64 // unix seconds of that step; 0: always
	NextStep uint8 // the step that follows if nothing changes; Step when none does
	NextAt   int64 // unix seconds of that; 0 when none follows

	Distance int       // arcs from the nearest friend: 0 for a friend; NoDistance
	Sponsors []Sponsor // whose pointers lead to the asker, at most MaxSponsors, each peer once

	// Head is where the answerer's own books stand, for a host to put into what it
	// proposes. The zero value: it isn't told.
	Head Head
}

// Head is where a node's chain of events stands, as in a statement. Package p2p
// doesn't look into it.
type Head struct {
	Seq   uint64         `cbor:"1,keyasint"` // at most MaxHead
	Chain potluck.Digest `cbor:"2,keyasint"`
	Epoch uint64         `cbor:"3,keyasint,omitempty"` // at most MaxHead
}

// Validate tells whether every field lies in its range.
func (h Head) Validate() error {
	if h.Seq > MaxHead || h.Epoch > MaxHead {
		return fmt.Errorf("head %d of epoch %d, at most %d", h.Seq, h.Epoch, uint64(MaxHead))
	}
	return nil
}

// Sponsor is one credit pointer to the asker of an account.
type Sponsor struct {
	Peer  peer.ID
	Limit potluck.Size // its capacity now
	Used  potluck.Size // what it carries
}

// Validate tells whether every field lies in its range.
func (s Sponsor) Validate() error {
	if err := checkPeer("sponsor", s.Peer); err != nil {
		return err
	}
	if err := checkSize("sponsor", s.Limit); err != nil {
		return err
	}
	return checkSize("sponsor", s.Used)
}

// Validate tells whether every field lies in its range.
func (a AccountResponse) Validate() error {
	if err := a.Terms.Validate(); err != nil {
		return err
	}
	for _, s := range []potluck.Size{a.Earned, a.Held, a.Reserved, a.Loans, a.Supply, a.Free, a.Short} {
		if err := checkSize("account", s); err != nil {
			return err
		}
	}
	if a.Refusal != nil {
		if err := checkRefusal(a.Refusal); err != nil {
			return fmt.Errorf("account: %w", err)
		}
	}
	if err := checkSteps(a.Step, a.NextStep, a.Since, a.NextAt); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if err := a.Head.Validate(); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if a.Distance < NoDistance || a.Distance > MaxDistance {
		return fmt.Errorf("account: distance %d is not between %d and %d", a.Distance, NoDistance, MaxDistance)
	}
	if len(a.Sponsors) > MaxSponsors {
		return fmt.Errorf("account: %d sponsors, at most %d are allowed", len(a.Sponsors), MaxSponsors)
	}
	for _, s := range a.Sponsors {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("account: %w", err)
		}
	}
	return nil
}

// saturated gives a with every sum brought down to potluck.MaxSize.
func (a AccountResponse) saturated() AccountResponse {
	for _, s := range []*potluck.Size{&a.Earned, &a.Held, &a.Reserved, &a.Loans, &a.Supply, &a.Free, &a.Short} {
		*s = tellable(*s)
	}
	a.Refusal = saturated(a.Refusal)
	sponsors := make([]Sponsor, len(a.Sponsors))
	for i, s := range a.Sponsors {
		sponsors[i] = Sponsor{s.Peer, tellable(s.Limit), tellable(s.Used)}
	}
	a.Sponsors = sponsors
	return a
}

// NoticeRequest tells the asked one how it stands with the asker after a change
// (CREDIT.md, section 6).
type NoticeRequest struct {
	Step     uint8        `cbor:"1,keyasint"` // as in AccountResponse, and so are the next three
	Since    int64        `cbor:"2,keyasint"`
	NextStep uint8        `cbor:"3,keyasint"`
	NextAt   int64        `cbor:"4,keyasint"`
	Short    potluck.Size `cbor:"5,keyasint"` // charged bytes that are funded by nothing any more
	Reason   string       `cbor:"6,keyasint"` // for people: at most MaxReason printable characters
}

// Validate tells whether every field lies in its range.
func (n NoticeRequest) Validate() error {
	if err := checkSteps(n.Step, n.NextStep, n.Since, n.NextAt); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	if err := checkText("reason", n.Reason, MaxReason); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	return checkSize("notice", n.Short)
}

// NoticeResponse says that the notice is in the books.
type NoticeResponse struct{}

// Validate has nothing to tell.
func (NoticeResponse) Validate() error { return nil }

// checkSteps tells whether a step and the one after it are ones of the ladder.
func checkSteps(step, next uint8, since, at int64) error {
	if step > MaxStep || next > MaxStep {
		return fmt.Errorf("step %d or %d is not between 0 and %d", step, next, MaxStep)
	}
	if err := checkTime("since", since); err != nil {
		return err
	}
	return checkTime("next step", at)
}
