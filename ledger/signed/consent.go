package signed

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Consent is a server's word that it works for a principal, so that the
// principal's repay order may name it, or that it no longer does (CREDIT.md,
// section 1). Numbers run per server and principal.
type Consent struct {
	Server    peer.ID `json:"server"` // who signs
	Principal peer.ID `json:"principal"`
	Number    uint64  `json:"number"`     // from 1 up
	NotBefore int64   `json:"not_before"` // unix seconds
	Expires   int64   `json:"expires"`    // unix seconds, the first that is too late
	Works     bool    `json:"works"`      // false takes an earlier consent back
}

// Validate tells whether every rule of a consent that needs no clock holds.
func (c Consent) Validate() error {
	err := first(checkPeer("server", c.Server), checkPeer("principal", c.Principal), checkNumber(c.Number),
		checkLifetime(c.NotBefore, c.Expires))
	if err == nil && c.Server == c.Principal {
		err = errors.New("every node is its own principal already")
	}
	return broken(KindConsent, err)
}

// ValidAt tells whether the consent holds at a time (unix seconds), give or
// take Tolerance. Errors wrap ErrNotYet or ErrExpired.
func (c Consent) ValidAt(now int64) error { return validAt("consent", c.NotBefore, c.Expires, now) }

func (c Consent) kind() Kind         { return KindConsent }
func (c Consent) signers() []peer.ID { return []peer.ID{c.Server} }
func (c Consent) identity() Identity { return Identity{KindConsent, c.Server, c.Principal, c.Number} }

type wireConsent struct {
	Server    []byte `cbor:"1,keyasint"`
	Principal []byte `cbor:"2,keyasint"`
	Number    uint64 `cbor:"3,keyasint"`
	NotBefore int64  `cbor:"4,keyasint"`
	Expires   int64  `cbor:"5,keyasint"`
	Works     bool   `cbor:"6,keyasint"`
}

// MarshalCBOR gives the payload.
func (c Consent) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireConsent{[]byte(c.Server), []byte(c.Principal), c.Number, c.NotBefore, c.Expires, c.Works})
}

// UnmarshalCBOR reads the payload; the caller validates.
func (c *Consent) UnmarshalCBOR(data []byte) error {
	var w wireConsent
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*c = Consent{peer.ID(w.Server), peer.ID(w.Principal), w.Number, w.NotBefore, w.Expires, w.Works}
	return nil
}
