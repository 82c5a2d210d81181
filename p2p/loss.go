package p2p

import (
	"context"
	"fmt"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// MaxLoss is how many shares a LossRequest names at most.
const MaxLoss = 1024

// LossRequest tells an owner which of its shares the asker can't give any more,
// though it held them (CREDIT.md, section 8). They are the asker's own losses:
// what it says of other hosts counts for nothing.
type LossRequest struct {
	Lost    []potluck.ShareID // whose bytes vanished; ascending
	Corrupt []potluck.ShareID // whose bytes changed; ascending. 1 to MaxLoss in both, none in both lists
}

// Validate tells whether every field lies in its range.
func (l LossRequest) Validate() error {
	if n := len(l.Lost) + len(l.Corrupt); n < 1 || n > MaxLoss {
		return fmt.Errorf("loss: %d shares, want 1 to %d", n, MaxLoss)
	}
	lost := make(map[potluck.ShareID]bool, len(l.Lost))
	for _, id := range l.Lost {
		lost[id] = true
	}
	for _, list := range [][]potluck.ShareID{l.Lost, l.Corrupt} {
		for i, id := range list {
			if err := checkNumber(id.Number); err != nil {
				return fmt.Errorf("loss: %w", err)
			}
			if i > 0 && list[i-1].Compare(id) >= 0 {
				return fmt.Errorf("loss: shares %v, %v are not ascending", list[i-1], id)
			}
		}
	}
	for _, id := range l.Corrupt {
		if lost[id] {
			return fmt.Errorf("loss: share %v is lost and corrupt", id)
		}
	}
	return nil
}

// LossResponse says that what the asker lost counts no longer.
type LossResponse struct {
	Marked int64 `cbor:"1,keyasint"` // placements that counted until now
}

// Validate tells whether every field lies in its range.
func (l LossResponse) Validate() error {
	if l.Marked < 0 || l.Marked > MaxLoss {
		return fmt.Errorf("loss: %d placements, want 0 to %d", l.Marked, MaxLoss)
	}
	return nil
}

// Loss tells p, an owner, what this node can't give back any more.
func (h *Host) Loss(ctx context.Context, p peer.ID, l LossRequest) (LossResponse, error) {
	r, err := ask[LossResponse](ctx, h, p, exchangeLoss, l)
	if n := len(l.Lost) + len(l.Corrupt); err == nil && r.Marked > int64(n) {
		return LossResponse{}, fmt.Errorf("loss: %w: %d placements of %d shares", ErrProtocol, r.Marked, n)
	}
	return r, err
}

type wireLoss struct {
	Lost    []wireShareID `cbor:"1,keyasint"`
	Corrupt []wireShareID `cbor:"2,keyasint"`
}

// MarshalCBOR gives the wire form.
func (l LossRequest) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireLoss{wireShares(l.Lost), wireShares(l.Corrupt)})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (l *LossRequest) UnmarshalCBOR(data []byte) error {
	var w wireLoss
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*l = LossRequest{plainShares(w.Lost), plainShares(w.Corrupt)}
	return nil
}

func wireShares(ids []potluck.ShareID) []wireShareID {
	w := make([]wireShareID, len(ids))
	for i, id := range ids {
		w[i] = wireShareID(id)
	}
	return w
}

func plainShares(w []wireShareID) []potluck.ShareID {
	ids := make([]potluck.ShareID, len(w))
	for i, id := range w {
		ids[i] = potluck.ShareID(id)
	}
	return ids
}
