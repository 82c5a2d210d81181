package shares

import (
	"fmt"

	"github.com/klauspost/reedsolomon"

	"potluck"
)

// Code is the erasure code of a layout: systematic Reed-Solomon over GF(2^8).
// It starts no goroutines and is safe for concurrent use.
type Code struct {
	n     int
	coder reedsolomon.Encoder
}

// NewCode makes the code of a layout.
func NewCode(l potluck.Layout) (*Code, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	c, err := reedsolomon.New(int(l.K), int(l.N-l.K), reedsolomon.WithMaxGoroutines(1))
	if err != nil {
		return nil, fmt.Errorf("make code %d-of-%d: %w", l.K, l.N, err)
	}
	return &Code{n: int(l.N), coder: c}, nil
}

// Encode computes one stripe. blocks holds n slices of equal length, at least
// 1; the first k are the data and are left as they are, the rest is overwritten.
func (c *Code) Encode(blocks [][]byte) error {
	if err := c.coder.Encode(blocks); err != nil {
		return fmt.Errorf("encode stripe: %w", err)
	}
	return nil
}

// Reconstruct computes the missing ones of the first k blocks from any k
// blocks. blocks holds n slices; a missing one has length 0, and its memory is
// used again where its capacity suffices. Other missing blocks stay missing.
func (c *Code) Reconstruct(blocks [][]byte) error {
	if err := c.coder.ReconstructData(blocks); err != nil {
		return fmt.Errorf("reconstruct stripe: %w", err)
	}
	return nil
}
