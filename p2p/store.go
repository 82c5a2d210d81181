package p2p

import (
	"context"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// MaxStore is the most bytes that data, manifest and crosscheck of a share may
// have together in a StoreRequest; larger shares are allocated and written.
const MaxStore = 64 * potluck.KiB

// StoreRequest asks to reserve room for one small share and to keep it, at once.
// Everything of the share is in it, so that it costs one exchange in place of two.
type StoreRequest struct {
	Index      potluck.StorageIndex
	Number     potluck.ShareNumber // below Layout.N
	Layout     potluck.Layout
	Data       []byte // all of the share's data
	Manifest   []byte
	Crosscheck []byte
}

// Len is the number of bytes that the share has on the wire.
func (s StoreRequest) Len() potluck.Size {
	return potluck.Size(len(s.Data) + len(s.Manifest) + len(s.Crosscheck))
}

// Validate tells whether every field lies in its range.
func (s StoreRequest) Validate() error {
	if err := s.Layout.Validate(); err != nil {
		return err
	}
	if uint8(s.Number) >= s.Layout.N {
		return fmt.Errorf("store: share number %d is not below n = %d", s.Number, s.Layout.N)
	}
	if s.Len() > MaxStore {
		return fmt.Errorf("store: share of %d bytes, at most %d are allowed", s.Len(), MaxStore)
	}
	return nil
}

// StoreResponse tells that the share is durable and leased.
type StoreResponse struct {
	// State is GrantNew when the share wasn't complete here before, and else
	// GrantHeld or GrantExists.
	State   GrantState `cbor:"1,keyasint"`
	Receipt []byte     `cbor:"2,keyasint"` // a sealed Receipt, at most MaxReceipt bytes
}

// Validate tells whether every field lies in its range.
func (s StoreResponse) Validate() error {
	if s.State < GrantNew || s.State > GrantExists {
		return fmt.Errorf("store: state %d is not known", s.State)
	}
	if len(s.Receipt) > MaxReceipt {
		return fmt.Errorf("receipt of %d bytes, at most %d are allowed", len(s.Receipt), MaxReceipt)
	}
	return nil
}

// Store has p reserve room for one small share and keep it. On return it is
// durable there, and the receipt says so; the caller verifies that.
func (h *Host) Store(ctx context.Context, p peer.ID, s StoreRequest) (StoreResponse, error) {
	return ask[StoreResponse](ctx, h, p, exchangeStore, s)
}

type wireStore struct {
	Index      potluck.StorageIndex `cbor:"1,keyasint"`
	Number     potluck.ShareNumber  `cbor:"2,keyasint"`
	Layout     wireLayout           `cbor:"3,keyasint"`
	Data       []byte               `cbor:"4,keyasint"`
	Manifest   []byte               `cbor:"5,keyasint"`
	Crosscheck []byte               `cbor:"6,keyasint"`
}

// MarshalCBOR gives the wire form.
func (s StoreRequest) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireStore{s.Index, s.Number, wireLayout(s.Layout), s.Data, s.Manifest, s.Crosscheck})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (s *StoreRequest) UnmarshalCBOR(data []byte) error {
	var w wireStore
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*s = StoreRequest{w.Index, w.Number, potluck.Layout(w.Layout), w.Data, w.Manifest, w.Crosscheck}
	return nil
}
