package p2p

import (
	"fmt"

	"potluck"
)

// HaveRequest asks which shares of some share sets the host holds.
type HaveRequest struct {
	Indexes []potluck.StorageIndex `cbor:"1,keyasint"` // 1 to MaxIndexes
}

// Validate tells whether every field lies in its range.
func (h HaveRequest) Validate() error {
	if len(h.Indexes) < 1 || len(h.Indexes) > MaxIndexes {
		return fmt.Errorf("have: %d storage indexes, want 1 to %d", len(h.Indexes), MaxIndexes)
	}
	return nil
}

// HeldShare is one share that the host holds.
type HeldShare struct {
	Number   potluck.ShareNumber `cbor:"1,keyasint"`
	Root     potluck.Digest      `cbor:"2,keyasint"`
	Manifest potluck.Digest      `cbor:"3,keyasint"`
	Mine     bool                `cbor:"4,keyasint"` // the asker has a lease on it
}

// ShareSet is what the host holds of one share set, ascending by number.
type ShareSet struct {
	Shares []HeldShare `cbor:"1,keyasint"`
}

// HaveResponse has one set for each asked index, in the same order. An answer
// of more than MaxHeld shares is refused as "too-large": ask for fewer indexes.
type HaveResponse struct {
	Sets []ShareSet `cbor:"1,keyasint"`
}

// held is the number of shares in all sets.
func (h HaveResponse) held() (n int) {
	for _, set := range h.Sets {
		n += len(set.Shares)
	}
	return n
}

// Validate tells whether every field lies in its range.
func (h HaveResponse) Validate() error {
	if len(h.Sets) > MaxIndexes {
		return fmt.Errorf("have: %d sets, at most %d are allowed", len(h.Sets), MaxIndexes)
	}
	if n := h.held(); n > MaxHeld {
		return fmt.Errorf("have: %d shares in one answer, at most %d are allowed", n, MaxHeld)
	}
	for _, set := range h.Sets {
		for i, s := range set.Shares {
			if err := checkNumber(s.Number); err != nil {
				return fmt.Errorf("have: %w", err)
			}
			if i > 0 && set.Shares[i-1].Number >= s.Number {
				return fmt.Errorf("have: share numbers %d, %d are not ascending", set.Shares[i-1].Number, s.Number)
			}
		}
	}
	return nil
}

// CancelRequest gives up the asker's leases on some shares. Those it has no
// lease on are passed over.
type CancelRequest struct {
	Shares []potluck.ShareID // 1 to MaxCancel
}

// Validate tells whether every field lies in its range.
func (c CancelRequest) Validate() error {
	if len(c.Shares) < 1 || len(c.Shares) > MaxCancel {
		return fmt.Errorf("cancel: %d shares, want 1 to %d", len(c.Shares), MaxCancel)
	}
	for _, id := range c.Shares {
		if err := checkNumber(id.Number); err != nil {
			return fmt.Errorf("cancel: %w", err)
		}
	}
	return nil
}

// CancelResponse tells what was given back.
type CancelResponse struct {
	Freed     potluck.Size `cbor:"1,keyasint"` // charged bytes
	Cancelled int64        `cbor:"2,keyasint"` // leases
}

// Validate tells whether every field lies in its range.
func (c CancelResponse) Validate() error {
	if c.Cancelled < 0 || c.Cancelled > MaxCancel {
		return fmt.Errorf("cancel: %d leases, want 0 to %d", c.Cancelled, MaxCancel)
	}
	return checkSize("cancel", c.Freed)
}

// RenewRequest asks to keep all of the asker's leases until a time.
type RenewRequest struct {
	Until int64 `cbor:"1,keyasint"` // unix seconds
}

// Validate tells whether every field lies in its range.
func (r RenewRequest) Validate() error { return checkTime("renew", r.Until) }

// RenewResponse tells until when, and what is held.
type RenewResponse struct {
	Until  int64        `cbor:"1,keyasint"` // unix seconds; may be less than was asked for
	Shares int64        `cbor:"2,keyasint"`
	Bytes  potluck.Size `cbor:"3,keyasint"` // charged bytes
}

// Validate tells whether every field lies in its range.
func (r RenewResponse) Validate() error {
	if r.Shares < 0 || r.Shares > MaxTime {
		return fmt.Errorf("renew: %d shares is not between 0 and %d", r.Shares, int64(MaxTime))
	}
	if err := checkTime("renew", r.Until); err != nil {
		return err
	}
	return checkSize("renew", r.Bytes)
}
