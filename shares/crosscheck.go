package shares

import (
	"fmt"

	"github.com/zeebo/blake3"

	"potluck"
)

// Crosscheck computes the crosscheck of a file: the list of the hashes of its
// ciphertext stripes. A reader that finds a decoded stripe's hash in the list
// knows that every other k shares would have given it the same bytes, or none.
// Not safe for concurrent use.
type Crosscheck struct {
	layout potluck.Layout
	hasher *blake3.Hasher
}

// NewCrosscheck makes one for a layout.
func NewCrosscheck(l potluck.Layout) *Crosscheck {
	return &Crosscheck{layout: l, hasher: blake3.New()}
}

// Stripe is the BLAKE3 hash of one stripe of ciphertext: its k data blocks, of
// BlockLen bytes each, one after the other, without the padding. blocks may
// hold more than k; the rest isn't looked at.
func (c *Crosscheck) Stripe(stripe int64, blocks [][]byte) (potluck.Digest, error) {
	rest, size := StripeLen(c.layout, stripe), BlockLen(c.layout, stripe)
	if len(blocks) < int(c.layout.K) {
		return potluck.Digest{}, fmt.Errorf("stripe %d has %d data blocks, want %d", stripe, len(blocks), c.layout.K)
	}
	c.hasher.Reset()
	for i, b := range blocks[:c.layout.K] {
		if len(b) != size {
			return potluck.Digest{}, fmt.Errorf("block %d of stripe %d has %d bytes, want %d", i, stripe, len(b), size)
		}
		n := min(size, rest)
		_, _ = c.hasher.Write(b[:n]) // never fails
		rest -= n
	}
	var d potluck.Digest
	c.hasher.Sum(d[:0])
	return d, nil
}
