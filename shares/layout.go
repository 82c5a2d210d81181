// Package shares is the share format: how the ciphertext of a file is cut into
// stripes and coded into n shares, the hash tree and the slices of a share, the
// manifest that binds them, and the port of a store that keeps shares.
//
// The format is written to the byte in docs/spec/share.md. Every length in it
// follows from the Layout alone. Functions that take a Layout expect a valid
// one (Layout.Validate); layouts from strangers are validated first.
package shares

import (
	"fmt"

	"potluck"
)

// MinCharge is the least that any share is charged: a small share still costs
// its host an inode, a directory entry and rows in the books.
const MinCharge = 4 * potluck.KiB

const (
	minBlock   = 1 << 10
	stripeGoal = 4 << 20 // bytes of one coded stripe (n blocks) that NewLayout stays under
)

// NewLayout is the layout of a file of size bytes that any k of n shares give
// back. The block is the largest power of two up to potluck.MaxBlock with which
// a coded stripe stays within 4 MiB. Small files need no smaller block: the
// last stripe is shortened.
func NewLayout(k, n int, size potluck.Size) (potluck.Layout, error) {
	if k < 1 || n < k || n > potluck.MaxShares {
		return potluck.Layout{}, fmt.Errorf("layout: %d-of-%d is not between 1-of-1 and %d-of-%d",
			k, n, potluck.MaxShares, potluck.MaxShares)
	}
	block := potluck.MaxBlock
	for block > minBlock && n*block > stripeGoal {
		block /= 2
	}
	l := potluck.Layout{Suite: potluck.SuiteOne, K: uint8(k), N: uint8(n), Block: uint32(block), Size: size}
	return l, l.Validate()
}

// wholeStripe is the bytes of ciphertext in every stripe but the last.
func wholeStripe(l potluck.Layout) potluck.Size {
	return potluck.Size(l.K) * potluck.Size(l.Block)
}

// Stripes is the number of stripes, at least 1.
func Stripes(l potluck.Layout) int64 {
	return int64(ceil(l.Size, wholeStripe(l)))
}

// StripeLen is the bytes of ciphertext in a stripe, from 1 to K*Block: all but
// the last are whole. Padding isn't counted.
func StripeLen(l potluck.Layout, stripe int64) int {
	whole := wholeStripe(l)
	return int(min(whole, l.Size-potluck.Size(stripe)*whole))
}

// BlockLen is the bytes of each block of a stripe: l.Block, or in the last
// stripe its length divided by K, rounded up. The last data blocks are padded
// with zeros to it before they are coded.
func BlockLen(l potluck.Layout, stripe int64) int {
	k := int(l.K)
	return (StripeLen(l, stripe) + k - 1) / k
}

// DataLen is the bytes of data in one share: its block of every stripe.
func DataLen(l potluck.Layout) potluck.Size {
	last := Stripes(l) - 1
	return potluck.Size(last)*potluck.Size(l.Block) + potluck.Size(BlockLen(l, last))
}

// SentLen is the bytes of one share that cross the network: data, manifest and
// crosscheck.
func SentLen(l potluck.Layout) potluck.Size {
	return DataLen(l) + potluck.Size(ManifestLen(l)) + CrosscheckLen(l)
}

// TreeLen is the bytes of one share's tree (its Bao outboard).
func TreeLen(l potluck.Layout) potluck.Size { return outboardLen(DataLen(l)) }

// ManifestLen is the bytes of the manifest.
func ManifestLen(l potluck.Layout) int { return manifestHead + digestLen*int(l.N) }

// CrosscheckLen is the bytes of the crosscheck: one hash for each stripe.
func CrosscheckLen(l potluck.Layout) potluck.Size {
	return digestLen * potluck.Size(Stripes(l))
}

// StoredLen is the bytes of a complete share with all that belongs to it:
// header, data, manifest, crosscheck and tree.
func StoredLen(l potluck.Layout) potluck.Size {
	return HeaderLen + DataLen(l) + potluck.Size(ManifestLen(l)) + CrosscheckLen(l) + TreeLen(l)
}

// Charge is what one share of the layout counts in the books of its owner and
// of its host: StoredLen, or MinCharge if that is more. It is at most
// MaxSize + MaxSize/16.
func Charge(l potluck.Layout) potluck.Size { return max(StoredLen(l), MinCharge) }

func ceil(a, b potluck.Size) potluck.Size { return (a + b - 1) / b }
