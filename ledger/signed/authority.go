package signed

import (
	"errors"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// MaxAuthority is the greatest length of a sealed authority in bytes: it travels
// with the requests that it allows.
const MaxAuthority = 512

// Authority lets a friend repair one file for its owner: hosts that take the
// file's shares from the repairer charge the owner, and lease them to the owner.
// It names the file as a verify cap does, so that the repairer needs nothing else,
// and can bring no other bytes.
type Authority struct {
	Owner     peer.ID              `json:"owner"` // who signs, and is charged
	Repairer  peer.ID              `json:"repairer"`
	Number    uint64               `json:"number"` // from 1 up; of two for one file the higher is the newer
	Index     potluck.StorageIndex `json:"index"`
	Layout    potluck.Layout       `json:"layout"`
	Manifest  potluck.Digest       `json:"manifest"`
	NotBefore int64                `json:"not_before"` // unix seconds
	Expires   int64                `json:"expires"`    // unix seconds, the first that is too late
}

// Validate tells whether every rule of an authority that needs no clock holds.
func (a Authority) Validate() error {
	err := first(checkPeer("owner", a.Owner), checkPeer("repairer", a.Repairer), checkNumber(a.Number), a.Layout.Validate(),
		checkLifetime(a.NotBefore, a.Expires))
	switch {
	case err != nil:
	case a.Owner == a.Repairer:
		err = errors.New("an owner needs no authority for its own files")
	case a.Manifest == (potluck.Digest{}):
		err = errors.New("the manifest's hash is zero")
	}
	return broken(KindAuthority, err)
}

// ValidAt tells whether the authority holds at a time (unix seconds), give or
// take Tolerance. Errors wrap ErrNotYet or ErrExpired.
func (a Authority) ValidAt(now int64) error {
	return validAt("authority", a.NotBefore, a.Expires, now)
}

func (a Authority) kind() Kind         { return KindAuthority }
func (a Authority) signers() []peer.ID { return []peer.ID{a.Owner} }
func (a Authority) identity() Identity {
	return Identity{KindAuthority, a.Owner, a.Repairer, a.Number}
}

func (a Authority) sentence() string {
	return fmt.Sprintf("authority %d: %v lets %v repair file %v (%v as %d-of-%d), %s to %s", a.Number, a.Owner, a.Repairer, a.Index,
		a.Layout.Size, a.Layout.K, a.Layout.N, date(a.NotBefore), date(a.Expires))
}

type wireAuthority struct {
	Owner     []byte               `cbor:"1,keyasint"`
	Repairer  []byte               `cbor:"2,keyasint"`
	Number    uint64               `cbor:"3,keyasint"`
	Index     potluck.StorageIndex `cbor:"4,keyasint"`
	Layout    wireLayout           `cbor:"5,keyasint"`
	Manifest  potluck.Digest       `cbor:"6,keyasint"`
	NotBefore int64                `cbor:"7,keyasint"`
	Expires   int64                `cbor:"8,keyasint"`
}

type wireLayout struct {
	Suite uint8        `cbor:"1,keyasint"`
	K     uint8        `cbor:"2,keyasint"`
	N     uint8        `cbor:"3,keyasint"`
	Block uint32       `cbor:"4,keyasint"`
	Size  potluck.Size `cbor:"5,keyasint"`
}

// MarshalCBOR gives the payload.
func (a Authority) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireAuthority{[]byte(a.Owner), []byte(a.Repairer), a.Number, a.Index, wireLayout(a.Layout), a.Manifest,
		a.NotBefore, a.Expires})
}

// UnmarshalCBOR reads the payload; the caller validates.
func (a *Authority) UnmarshalCBOR(data []byte) error {
	var w wireAuthority
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*a = Authority{peer.ID(w.Owner), peer.ID(w.Repairer), w.Number, w.Index, potluck.Layout(w.Layout), w.Manifest, w.NotBefore, w.Expires}
	return nil
}

// Authority opens a document of KindAuthority. Errors wrap ErrDocument.
func (d Document) Authority() (Authority, error) { return single[Authority](d) }

// SealAuthority signs a valid authority with its owner's key.
func SealAuthority(key crypto.PrivKey, a Authority) ([]byte, error) { return seal(key, a) }

// OpenAuthority parses a sealed authority strictly and verifies its owner's
// signature. Errors wrap ErrDocument.
func OpenAuthority(sealed []byte) (Authority, error) {
	if len(sealed) > MaxAuthority {
		return Authority{}, fmt.Errorf("%w: authority of %d bytes, at most %d are allowed", ErrDocument, len(sealed), MaxAuthority)
	}
	x, err := open[Authority](sealed)
	return x.body, err
}
