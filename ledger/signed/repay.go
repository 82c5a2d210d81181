package signed

import (
	"cmp"
	"fmt"
	"slices"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Repay is a repay order: which servers repay those who hold the principal's
// data, and which part of the debt each takes over (CREDIT.md, section 3). What
// isn't allotted stays with the principal's own node. A server counts for it only
// with its Consent.
type Repay struct {
	Principal  peer.ID        `json:"principal"`
	Number     uint64         `json:"number"`     // from 1 up
	Previous   potluck.Digest `json:"previous"`   // Digest of the one before; zero at number 1, and where it is lost
	NotBefore  int64          `json:"not_before"` // unix seconds
	Expires    int64          `json:"expires"`    // unix seconds, the first that is too late
	Allotments []Allotment    `json:"allotments"` // ascending by Node; their sum is at most WholePPM
}

// Allotment is one server's part of a principal's debts.
type Allotment struct {
	Node     peer.ID `json:"node"`
	SharePPM int64   `json:"share_ppm"` // 1 to WholePPM
}

// Validate tells whether every rule of a repay order that needs no clock holds.
func (r Repay) Validate() error {
	return broken(KindRepay, first(checkPeer("principal", r.Principal), checkChain(r.Number, r.Previous),
		checkLifetime(r.NotBefore, r.Expires), r.checkAllotments()))
}

func (r Repay) checkAllotments() error {
	if len(r.Allotments) > MaxAllotted {
		return fmt.Errorf("%d servers, at most %d are allowed", len(r.Allotments), MaxAllotted)
	}
	var sum int64
	for i, a := range r.Allotments {
		if err := checkPeer("server", a.Node); err != nil {
			return err
		}
		switch {
		case a.Node == r.Principal:
			return fmt.Errorf("allotment %d: to the principal itself; what isn't allotted stays with it anyway", i)
		case a.SharePPM < 1 || a.SharePPM > WholePPM:
			return fmt.Errorf("allotment %d: %d millionths is not between 1 and %d", i, a.SharePPM, WholePPM)
		case i > 0 && r.Allotments[i-1].Node >= a.Node:
			return fmt.Errorf("allotment %d: not after the one before it", i)
		}
		sum += a.SharePPM
	}
	if sum > WholePPM {
		return fmt.Errorf("the allotments make %d millionths, at most %d are allowed: each debt is repaid once", sum, WholePPM)
	}
	return nil
}

// ValidAt tells whether the order may be followed at a time (unix seconds),
// give or take Tolerance. Errors wrap ErrNotYet or ErrExpired.
func (r Repay) ValidAt(now int64) error { return validAt("repay order", r.NotBefore, r.Expires, now) }

// Sorted gives the order with a copy of its list as Validate asks for.
func (r Repay) Sorted() Repay {
	r.Allotments = slices.Clone(r.Allotments)
	slices.SortFunc(r.Allotments, func(a, b Allotment) int { return cmp.Compare(a.Node, b.Node) })
	return r
}

// Share is the part that is allotted to a server, in millionths; 0 if none is.
func (r Repay) Share(node peer.ID) int64 {
	for _, a := range r.Allotments {
		if a.Node == node {
			return a.SharePPM
		}
	}
	return 0
}

// Digest is the BLAKE3 hash of the payload, which the next one names as its
// Previous. Errors are those of Validate.
func (r Repay) Digest() (potluck.Digest, error) { return digest(r) }

func (r Repay) kind() Kind         { return KindRepay }
func (r Repay) signers() []peer.ID { return []peer.ID{r.Principal} }
func (r Repay) identity() Identity { return Identity{KindRepay, r.Principal, "", r.Number} }

type wireRepay struct {
	Principal  []byte          `cbor:"1,keyasint"`
	Number     uint64          `cbor:"2,keyasint"`
	Previous   potluck.Digest  `cbor:"3,keyasint"`
	NotBefore  int64           `cbor:"4,keyasint"`
	Expires    int64           `cbor:"5,keyasint"`
	Allotments []wireAllotment `cbor:"6,keyasint"`
}

type wireAllotment struct {
	Node     []byte `cbor:"1,keyasint"`
	SharePPM int64  `cbor:"2,keyasint"`
}

// MarshalCBOR gives the payload.
func (r Repay) MarshalCBOR() ([]byte, error) {
	w := wireRepay{[]byte(r.Principal), r.Number, r.Previous, r.NotBefore, r.Expires, make([]wireAllotment, len(r.Allotments))}
	for i, a := range r.Allotments {
		w.Allotments[i] = wireAllotment{[]byte(a.Node), a.SharePPM}
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the payload; the caller validates.
func (r *Repay) UnmarshalCBOR(data []byte) error {
	var w wireRepay
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*r = Repay{peer.ID(w.Principal), w.Number, w.Previous, w.NotBefore, w.Expires, make([]Allotment, len(w.Allotments))}
	for i, a := range w.Allotments {
		r.Allotments[i] = Allotment{peer.ID(a.Node), a.SharePPM}
	}
	return nil
}
