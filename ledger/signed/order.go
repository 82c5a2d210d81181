package signed

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Order is a standing order: all credit pointers of one issuer (CREDIT.md,
// section 3). The order with the highest number counts; an order without
// pointers revokes them all.
type Order struct {
	Issuer    peer.ID        `json:"issuer"`
	Number    uint64         `json:"number"`     // from 1 up
	Previous  potluck.Digest `json:"previous"`   // Digest of the order before; zero at number 1, and where it is lost
	NotBefore int64          `json:"not_before"` // unix seconds
	Expires   int64          `json:"expires"`    // unix seconds, the first that is too late
	Pointers  []Pointer      `json:"pointers"`   // ascending by (Host, To)
	Declined  []peer.ID      `json:"declined"`   // issuers whose pointers this peer doesn't take, ascending
}

// Pointer says that the credit which the issuer has at Host goes to To, up to
// Limit bytes and SharePPM of the issuer's own supply there.
type Pointer struct {
	To       peer.ID      `json:"to"`
	Host     peer.ID      `json:"host,omitempty"`  // "" is any host; for one peer, a pointer that names the host beats it
	Limit    potluck.Size `json:"limit"`           // bytes, or NoLimit
	SharePPM int64        `json:"share_ppm"`       // 0 to WholePPM, or NoShare
	Loan     bool         `json:"loan"`            // To owes the limit to the issuer; needs a limit
	Since    int64        `json:"since"`           // unix seconds when first signed: the older of two pays first
	Until    int64        `json:"until,omitempty"` // unix seconds, the first that is too late; 0 is as long as orders name it
}

// Validate tells whether every rule of an order that needs no clock holds.
func (o Order) Validate() error {
	return broken(KindOrder, first(checkPeer("issuer", o.Issuer), checkChain(o.Number, o.Previous),
		checkLifetime(o.NotBefore, o.Expires), o.checkPointers(),
		checkPeers("declined", o.Declined, MaxDeclined, o.Issuer)))
}

func (o Order) checkPointers() error {
	if len(o.Pointers) > MaxPointers {
		return fmt.Errorf("%d pointers, at most %d are allowed", len(o.Pointers), MaxPointers)
	}
	for i, p := range o.Pointers {
		if err := p.check(o); err != nil {
			return fmt.Errorf("pointer %d: %w", i, err)
		}
		if i > 0 && comparePointers(o.Pointers[i-1], p) >= 0 {
			return fmt.Errorf("pointer %d: not after the one before it by host and beneficiary", i)
		}
	}
	return nil
}

// check refuses what would point nowhere: to oneself, at oneself, or at the
// beneficiary's own node, which owes itself nothing.
func (p Pointer) check(o Order) error {
	if err := checkPeer("to", p.To); err != nil {
		return err
	}
	if p.Host != "" {
		if err := checkPeer("host", p.Host); err != nil {
			return err
		}
	}
	switch {
	case p.To == o.Issuer:
		return errors.New("points to its issuer")
	case p.Host == o.Issuer:
		return errors.New("points at its issuer's own node, which owes its issuer nothing")
	case p.Host == p.To:
		return errors.New("points at its beneficiary's own node, which owes its beneficiary nothing")
	case p.SharePPM < NoShare || p.SharePPM > WholePPM:
		return fmt.Errorf("share of %d millionths is neither between 0 and %d nor %d (none)", p.SharePPM, WholePPM, NoShare)
	case p.Loan && p.Limit < 1:
		return errors.New("a loan needs a limit of at least 1 byte")
	case p.Since >= o.Expires:
		return fmt.Errorf("first signed at %d, which is not before the order's end at %d", p.Since, o.Expires)
	case p.Until != 0 && p.Until <= o.NotBefore:
		return fmt.Errorf("ends at %d, which is not after the order's beginning at %d; leave it out", p.Until, o.NotBefore)
	}
	return first(checkSize("limit", p.Limit, NoLimit), checkTime("since", p.Since), checkTime("until", p.Until))
}

// ValidAt tells whether the order may be followed at a time (unix seconds),
// give or take Tolerance. Errors wrap ErrNotYet or ErrExpired.
func (o Order) ValidAt(now int64) error { return validAt("order", o.NotBefore, o.Expires, now) }

// Over tells whether the pointer has an end of its own and is past it, give or
// take Tolerance. An order that is followed may have pointers that are over.
func (p Pointer) Over(now int64) bool {
	return p.Until != 0 && now >= p.Until+int64(Tolerance/time.Second)
}

// Sorted gives the order with its lists in the order that Validate asks for.
// The lists are copies.
func (o Order) Sorted() Order {
	o.Pointers = slices.Clone(o.Pointers)
	slices.SortFunc(o.Pointers, comparePointers)
	o.Declined = sortedPeers(o.Declined)
	return o
}

// Digest is the BLAKE3 hash of the order's payload, which the next order names
// as its Previous. Errors are those of Validate.
func (o Order) Digest() (potluck.Digest, error) { return digest(o) }

func (o Order) kind() Kind         { return KindOrder }
func (o Order) signers() []peer.ID { return []peer.ID{o.Issuer} }
func (o Order) identity() Identity { return Identity{KindOrder, o.Issuer, "", o.Number} }
func comparePointers(a, b Pointer) int {
	return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.To, b.To))
}

type wireOrder struct {
	Issuer    []byte         `cbor:"1,keyasint"`
	Number    uint64         `cbor:"2,keyasint"`
	Previous  potluck.Digest `cbor:"3,keyasint"`
	NotBefore int64          `cbor:"4,keyasint"`
	Expires   int64          `cbor:"5,keyasint"`
	Pointers  []wirePointer  `cbor:"6,keyasint"`
	Declined  [][]byte       `cbor:"7,keyasint"`
}

type wirePointer struct {
	To       []byte       `cbor:"1,keyasint"`
	Host     []byte       `cbor:"2,keyasint"`
	Limit    potluck.Size `cbor:"3,keyasint"`
	SharePPM int64        `cbor:"4,keyasint"`
	Loan     bool         `cbor:"5,keyasint"`
	Since    int64        `cbor:"6,keyasint"`
	Until    int64        `cbor:"7,keyasint"`
}

// MarshalCBOR gives the payload.
func (o Order) MarshalCBOR() ([]byte, error) {
	w := wireOrder{[]byte(o.Issuer), o.Number, o.Previous, o.NotBefore, o.Expires,
		make([]wirePointer, len(o.Pointers)), wirePeers(o.Declined)}
	for i, p := range o.Pointers {
		w.Pointers[i] = wirePointer{[]byte(p.To), []byte(p.Host), p.Limit, p.SharePPM, p.Loan, p.Since, p.Until}
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the payload; the caller validates.
func (o *Order) UnmarshalCBOR(data []byte) error {
	var w wireOrder
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*o = Order{peer.ID(w.Issuer), w.Number, w.Previous, w.NotBefore, w.Expires,
		make([]Pointer, len(w.Pointers)), peersOf(w.Declined)}
	for i, p := range w.Pointers {
		o.Pointers[i] = Pointer{peer.ID(p.To), peer.ID(p.Host), p.Limit, p.SharePPM, p.Loan, p.Since, p.Until}
	}
	return nil
}
