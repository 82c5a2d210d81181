package signed

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Keepsake is what a node leaves with its friends for the day on which its disk
// is gone: a blob that it alone can open. The newest counts: that of the highest
// epoch, and in it that of the highest serial. A node that is rebuilt raises its
// epoch, so an older copy of it that is started again sees that it is one.
type Keepsake struct {
	Owner  peer.ID `json:"owner"`  // who signs, and can open the blob
	Epoch  uint64  `json:"epoch"`  // life of the node, from 1 up; one more after each recovery
	Serial uint64  `json:"serial"` // from 1 up within an epoch
	Time   int64   `json:"time"`   // unix seconds when signed
	Blob   []byte  `json:"blob"`   // sealed for the owner, at most MaxBlob bytes
}

// Bounds of a keepsake. Epoch and serial make one number, in which the epoch
// counts first.
const (
	MaxBlob   = 30 << 10
	MaxEpoch  = MaxNumber >> serialBits
	MaxSerial = 1<<serialBits - 1

	serialBits = 32
)

// Number is what the keepsake is filed under: epoch, then serial.
func (k Keepsake) Number() uint64 { return k.Epoch<<serialBits | k.Serial }

// Validate tells whether every rule of a keepsake that needs no clock holds.
func (k Keepsake) Validate() error {
	err := first(checkPeer("owner", k.Owner), checkTime("signed", k.Time))
	switch {
	case err != nil:
	case k.Epoch < 1 || k.Epoch > MaxEpoch:
		err = fmt.Errorf("epoch %d is not between 1 and %d", k.Epoch, uint64(MaxEpoch))
	case k.Serial < 1 || k.Serial > MaxSerial:
		err = fmt.Errorf("serial %d is not between 1 and %d", k.Serial, uint64(MaxSerial))
	case len(k.Blob) == 0 || len(k.Blob) > MaxBlob:
		err = fmt.Errorf("blob of %d bytes, want 1 to %d", len(k.Blob), MaxBlob)
	}
	return broken(KindKeepsake, err)
}

// ValidAt refuses a document from the future, beyond Tolerance. Errors wrap
// ErrNotYet.
func (k Keepsake) ValidAt(now int64) error { return signedBy("keepsake", k.Time, now) }

func (k Keepsake) kind() Kind         { return KindKeepsake }
func (k Keepsake) signers() []peer.ID { return []peer.ID{k.Owner} }
func (k Keepsake) identity() Identity { return Identity{KindKeepsake, k.Owner, "", k.Number()} }

type wireKeepsake struct {
	Owner  []byte `cbor:"1,keyasint"`
	Epoch  uint64 `cbor:"2,keyasint"`
	Serial uint64 `cbor:"3,keyasint"`
	Time   int64  `cbor:"4,keyasint"`
	Blob   []byte `cbor:"5,keyasint"`
}

// MarshalCBOR gives the payload.
func (k Keepsake) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireKeepsake{[]byte(k.Owner), k.Epoch, k.Serial, k.Time, k.Blob})
}

// UnmarshalCBOR reads the payload; the caller validates.
func (k *Keepsake) UnmarshalCBOR(data []byte) error {
	var w wireKeepsake
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*k = Keepsake{peer.ID(w.Owner), w.Epoch, w.Serial, w.Time, w.Blob}
	return nil
}
