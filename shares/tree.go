package shares

import (
	"encoding/binary"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"potluck"
)

// GroupLog is the binary logarithm of the number of 1 KiB chunks in a group,
// the smallest part of a share whose chaining value is kept in the tree.
const GroupLog = 6

// Group is the bytes of a group.
const Group potluck.Size = guts.ChunkSize << GroupLog

// Unit is the bytes of a unit, the smallest part of a share that can be read and
// verified by itself. A share's last unit may be shorter.
const Unit potluck.Size = unit

// MaxUnits is the most units of a sliver.
const MaxUnits = 4

const (
	nodeLen   = 64 // bytes of a parent in the tree: left and right chaining value
	prefixLen = 8  // bytes of the data length that begins an outboard and a slice
	// unit is what the vector code hashes at once: 16 chunks. unitLog is the
	// binary logarithm of the units in a group.
	unit    = guts.MaxSIMD * guts.ChunkSize
	unitLog = GroupLog - 4
	// maxHeight is the height of the tree over units for potluck.MaxSize bytes.
	maxHeight = 56 - 14
	// pageNodes is how many nodes are allocated at once: one page for 64 MiB.
	pageNodes = 1024
)

// chain is a BLAKE3 chaining value.
type chain = [8]uint32

// groups is the number of groups of n bytes; no bytes are one (empty) group.
func groups(n potluck.Size) potluck.Size { return max(1, ceil(n, Group)) }

// outboardLen is the bytes of the Bao outboard of n bytes of data.
func outboardLen(n potluck.Size) potluck.Size { return prefixLen + nodeLen*(groups(n)-1) }

// leftLen is the bytes under the left child of a parent over n bytes: the
// largest power of two below n.
func leftLen(n potluck.Size) potluck.Size { return 1 << (bits.Len64(uint64(n-1)) - 1) }

func putNode(b *[nodeLen]byte, left, right *chain) {
	for i := range left {
		binary.LittleEndian.PutUint32(b[4*i:], left[i])
		binary.LittleEndian.PutUint32(b[32+4*i:], right[i])
	}
}

func getChain(b []byte) (c chain) {
	_ = b[31]
	for i := range c {
		c[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return c
}

func digest(c *chain) (d potluck.Digest) {
	for i, w := range c {
		binary.LittleEndian.PutUint32(d[4*i:], w)
	}
	return d
}
