package p2p

import (
	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// The wire forms of messages about credit that hold peers, which cross as the
// bytes of their IDs, or a refusal. The caller validates what was read.

type wireHint struct {
	Peer  []byte   `cbor:"1,keyasint"`
	Name  string   `cbor:"2,keyasint"`
	Addrs []string `cbor:"3,keyasint"`
}

// MarshalCBOR gives the wire form.
func (h HostHint) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireHint{[]byte(h.Peer), h.Name, h.Addrs})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (h *HostHint) UnmarshalCBOR(data []byte) error {
	var w wireHint
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*h = HostHint{peer.ID(w.Peer), w.Name, w.Addrs}
	return nil
}

type wireKey struct {
	Kind   uint8  `cbor:"1,keyasint"`
	Issuer []byte `cbor:"2,keyasint"`
	Other  []byte `cbor:"3,keyasint"` // empty: none
	Number uint64 `cbor:"4,keyasint"`
}

// MarshalCBOR gives the wire form.
func (k DocumentKey) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireKey{k.Kind, []byte(k.Issuer), []byte(k.Other), k.Number})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (k *DocumentKey) UnmarshalCBOR(data []byte) error {
	var w wireKey
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*k = DocumentKey{w.Kind, peer.ID(w.Issuer), peer.ID(w.Other), w.Number}
	return nil
}

type wireSponsor struct {
	Peer  []byte       `cbor:"1,keyasint"`
	Limit potluck.Size `cbor:"2,keyasint"`
	Used  potluck.Size `cbor:"3,keyasint"`
}

// MarshalCBOR gives the wire form.
func (s Sponsor) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireSponsor{[]byte(s.Peer), s.Limit, s.Used})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (s *Sponsor) UnmarshalCBOR(data []byte) error {
	var w wireSponsor
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*s = Sponsor{peer.ID(w.Peer), w.Limit, w.Used}
	return nil
}

type wireAccount struct {
	Terms    Terms        `cbor:"1,keyasint"`
	Earned   potluck.Size `cbor:"2,keyasint"`
	Held     potluck.Size `cbor:"3,keyasint"`
	Reserved potluck.Size `cbor:"4,keyasint"`
	Loans    potluck.Size `cbor:"5,keyasint"`
	Supply   potluck.Size `cbor:"6,keyasint"`
	Free     potluck.Size `cbor:"7,keyasint"`
	Short    potluck.Size `cbor:"8,keyasint"`
	Refusal  *wireError   `cbor:"9,keyasint,omitempty"`
	Step     uint8        `cbor:"10,keyasint"`
	Since    int64        `cbor:"11,keyasint"`
	NextStep uint8        `cbor:"12,keyasint"`
	NextAt   int64        `cbor:"13,keyasint"`
	Distance int          `cbor:"14,keyasint"`
	Sponsors []Sponsor    `cbor:"15,keyasint"`
	Head     *Head        `cbor:"16,keyasint,omitempty"`
}

// MarshalCBOR gives the wire form.
func (a AccountResponse) MarshalCBOR() ([]byte, error) {
	w := wireAccount{Terms: a.Terms, Earned: a.Earned, Held: a.Held, Reserved: a.Reserved, Loans: a.Loans,
		Supply: a.Supply, Free: a.Free, Short: a.Short, Step: a.Step, Since: a.Since,
		NextStep: a.NextStep, NextAt: a.NextAt, Distance: a.Distance, Sponsors: a.Sponsors}
	if a.Head != (Head{}) {
		w.Head = &a.Head
	}
	if a.Refusal != nil {
		r := sealRefusal(a.Refusal)
		w.Refusal = &r
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (a *AccountResponse) UnmarshalCBOR(data []byte) error {
	var w wireAccount
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*a = AccountResponse{Terms: w.Terms, Earned: w.Earned, Held: w.Held, Reserved: w.Reserved, Loans: w.Loans,
		Supply: w.Supply, Free: w.Free, Short: w.Short, Step: w.Step, Since: w.Since,
		NextStep: w.NextStep, NextAt: w.NextAt, Distance: w.Distance, Sponsors: w.Sponsors}
	if w.Head != nil {
		a.Head = *w.Head
	}
	if w.Refusal == nil {
		return nil
	}
	r, err := openRefusal(*w.Refusal)
	a.Refusal = r
	return err
}
