package signed

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Household is a node's word on which other nodes are the same person's. Two
// nodes are one household when each one's newest document names the other under
// one label. It has no end: the highest number counts.
type Household struct {
	Member  peer.ID   `json:"member"`  // who signs
	Number  uint64    `json:"number"`  // from 1 up
	Time    int64     `json:"time"`    // unix seconds when signed
	Label   string    `json:"label"`   // "" is none: the member left, and names nobody
	Members []peer.ID `json:"members"` // the others, ascending
}

// Validate tells whether every rule of a household that needs no clock holds.
func (h Household) Validate() error {
	err := first(checkPeer("member", h.Member), checkNumber(h.Number), checkTime("signed", h.Time), checkLabel(h.Label),
		checkPeers("members", h.Members, MaxMembers, h.Member))
	if err == nil && h.Label == "" && len(h.Members) > 0 {
		err = errors.New("members without a label")
	}
	return broken(KindHousehold, err)
}

// ValidAt refuses a document from the future, beyond Tolerance. Errors wrap
// ErrNotYet.
func (h Household) ValidAt(now int64) error { return signedBy("household", h.Time, now) }

// Names tells whether this document names p under the label.
func (h Household) Names(p peer.ID, label string) bool {
	return label != "" && h.Label == label && slices.Contains(h.Members, p)
}

// Sorted gives the document with a copy of its list as Validate asks for.
func (h Household) Sorted() Household {
	h.Members = sortedPeers(h.Members)
	return h
}

func (h Household) kind() Kind         { return KindHousehold }
func (h Household) signers() []peer.ID { return []peer.ID{h.Member} }
func (h Household) identity() Identity { return Identity{KindHousehold, h.Member, "", h.Number} }

// signedBy is validAt for documents without an end.
func signedBy(what string, t, now int64) error {
	if t > now+int64(Tolerance/time.Second) {
		return fmt.Errorf("%s: %w: signed at %d, now is %d", what, ErrNotYet, t, now)
	}
	return nil
}

type wireHousehold struct {
	Member  []byte   `cbor:"1,keyasint"`
	Number  uint64   `cbor:"2,keyasint"`
	Time    int64    `cbor:"3,keyasint"`
	Label   string   `cbor:"4,keyasint"`
	Members [][]byte `cbor:"5,keyasint"`
}

// MarshalCBOR gives the payload.
func (h Household) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireHousehold{[]byte(h.Member), h.Number, h.Time, h.Label, wirePeers(h.Members)})
}

// UnmarshalCBOR reads the payload; the caller validates.
func (h *Household) UnmarshalCBOR(data []byte) error {
	var w wireHousehold
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*h = Household{peer.ID(w.Member), w.Number, w.Time, w.Label, peersOf(w.Members)}
	return nil
}
