package p2p

import (
	"context"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Ceilings on slivers.
const (
	MaxUnits  = 4                // units in a SliverRequest
	MaxFirst  = 1<<42 - 1        // the last unit of the longest share
	MaxSliver = 71 * potluck.KiB // bytes of a sliver
)

// SliverRequest asks for whole units of 16 KiB of a share's data, with what
// verifies them (docs/spec/share.md, section 5). How many bytes of them are
// wanted isn't said: a host can't tell small reads from each other.
type SliverRequest struct {
	Index  potluck.StorageIndex `cbor:"1,keyasint"`
	Number potluck.ShareNumber  `cbor:"2,keyasint"`
	First  int64                `cbor:"3,keyasint"` // unit, from 0 to MaxFirst
	Units  int                  `cbor:"4,keyasint"` // from 1 to MaxUnits
}

// Validate tells whether every field lies in its range.
func (s SliverRequest) Validate() error {
	if err := checkNumber(s.Number); err != nil {
		return fmt.Errorf("sliver: %w", err)
	}
	if s.First < 0 || s.First > MaxFirst || s.Units < 1 || s.Units > MaxUnits {
		return fmt.Errorf("sliver: %d units from unit %d, want 1 to %d, from 0 to %d", s.Units, s.First, MaxUnits, int64(MaxFirst))
	}
	return nil
}

// SliverResponse is a sliver. Nothing of it is verified.
type SliverResponse struct {
	Sliver []byte `cbor:"1,keyasint"` // 1 to MaxSliver bytes
}

// Validate tells whether every field lies in its range.
func (s SliverResponse) Validate() error {
	if len(s.Sliver) < 1 || potluck.Size(len(s.Sliver)) > MaxSliver {
		return fmt.Errorf("sliver of %d bytes, want 1 to %d", len(s.Sliver), MaxSliver)
	}
	return nil
}

// Sliver asks p for some units of a share. An older program answers with
// CodeUnsupported; Read serves there.
func (h *Host) Sliver(ctx context.Context, p peer.ID, s SliverRequest) (SliverResponse, error) {
	return ask[SliverResponse](ctx, h, p, exchangeSliver, s)
}
