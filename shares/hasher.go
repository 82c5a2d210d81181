package shares

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/zeebo/blake3"
	"lukechampine.com/blake3/guts"

	"potluck"
)

// Hasher computes the root of a share's data, and its tree if it was made to,
// while the data streams through. It starts no goroutines. Not safe for
// concurrent use.
//
// A root alone comes from github.com/zeebo/blake3, which is the fastest there
// is but can't hash parts of a tree; a tree comes from the primitives of
// lukechampine.com/blake3. docs/decisions/shares.md has the figures.
type Hasher struct {
	size  potluck.Size   // bytes in all
	taken potluck.Size   // bytes written
	flat  *blake3.Hasher // makes the root where no tree is kept; the fields below are for trees

	units uint64 // whole units hashed; its bits tell which levels of stack are taken
	stack [maxHeight + 1]chain
	root  chain
	count potluck.Size                 // nodes in pages
	pages []*[pageNodes * nodeLen]byte // nodes in post-order: they grow with the bytes that came, not with size
	n     int                          // bytes in buf
	buf   *[unit]byte

	savedUnits uint64         // of the last part that was saved
	savedSum   potluck.Digest // of all parts that were saved
}

// NewHasher makes a Hasher for exactly size bytes that keeps the tree, in
// memory: 64 bytes for each Group written.
func NewHasher(size potluck.Size) *Hasher {
	h := &Hasher{size: size, buf: new([unit]byte)}
	if size == 0 {
		h.hash(h.buf, 0)
	}
	return h
}

// NewRootHasher makes a Hasher for exactly size bytes that keeps no tree, so
// that its memory doesn't grow.
func NewRootHasher(size potluck.Size) *Hasher {
	return &Hasher{size: size, flat: blake3.New()}
}

// Write hashes p. It is fastest with multiples of 16 KiB. Bytes beyond size
// are ErrTooLong, and then nothing of p is taken.
func (h *Hasher) Write(p []byte) (int, error) {
	if potluck.Size(len(p)) > h.size-h.taken {
		return 0, fmt.Errorf("hash %d bytes after %d of %d: %w", len(p), h.taken, h.size, ErrTooLong)
	}
	h.taken += potluck.Size(len(p))
	if h.flat != nil {
		return h.flat.Write(p)
	}
	for rest := p; len(rest) > 0; {
		if h.n == 0 && len(rest) >= unit {
			h.hash((*[unit]byte)(rest), unit)
			rest = rest[unit:]
			continue
		}
		c := copy(h.buf[h.n:], rest)
		h.n, rest = h.n+c, rest[c:]
		if h.n == unit || len(rest) == 0 && h.taken == h.size {
			h.hash(h.buf, h.n)
			h.n = 0
		}
	}
	return len(p), nil
}

// hash takes the next unit, of n bytes: whole, or the last one.
func (h *Hasher) hash(b *[unit]byte, n int) {
	node := guts.CompressBuffer(b, n, &guts.IV, h.units*guts.MaxSIMD, 0)
	left := h.units
	h.units++
	if h.units < uint64(max(1, ceil(h.size, unit))) {
		cv := guts.ChainingValue(node)
		level := 0
		for ; left>>level&1 == 1; level++ {
			cv = h.parent(level, cv, 0)
		}
		h.stack[level] = cv
		return
	}
	if left == 0 {
		node.Flags |= guts.FlagRoot
	}
	h.root = guts.ChainingValue(node)
	for left != 0 {
		level := bits.TrailingZeros64(left)
		left &= left - 1
		flags := uint32(0)
		if left == 0 {
			flags = guts.FlagRoot
		}
		h.root = h.parent(level, h.root, flags)
	}
}

// parent joins the whole subtree of 2^level units on the stack with the one to
// its right.
func (h *Hasher) parent(level int, right chain, flags uint32) chain {
	if level >= unitLog {
		putNode(h.slot(), &h.stack[level], &right)
	}
	return guts.ChainingValue(guts.ParentNode(h.stack[level], right, &guts.IV, flags))
}

// slot makes room for the next node.
func (h *Hasher) slot() *[nodeLen]byte {
	page, i := h.count/pageNodes, h.count%pageNodes
	if int(page) == len(h.pages) {
		h.pages = append(h.pages, new([pageNodes * nodeLen]byte))
	}
	h.count++
	return (*[nodeLen]byte)(h.pages[page][i*nodeLen:])
}

// Sum is the root: the BLAKE3 hash of the data. It is zero, which is no data's
// root, until all bytes have been written.
func (h *Hasher) Sum() potluck.Digest {
	if h.taken != h.size {
		return potluck.Digest{}
	}
	if h.flat != nil {
		var d potluck.Digest
		h.flat.Sum(d[:0])
		return d
	}
	return digest(&h.root)
}

// Outboard is the tree as docs/spec/share.md has it: a Bao outboard. It is nil
// until all bytes have been written, and from a Hasher that keeps no tree.
func (h *Hasher) Outboard() []byte {
	if h.taken != h.size || h.flat != nil {
		return nil
	}
	b := make([]byte, 0, outboardLen(h.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.size))
	return h.appendNodes(b, 0, groups(h.size))
}

// WriteOutboard writes what Outboard would give, with little memory.
func (h *Hasher) WriteOutboard(dst io.Writer) error {
	if h.taken != h.size || h.flat != nil {
		return fmt.Errorf("tree of %d bytes isn't there after %d", h.size, h.taken)
	}
	var buf [pageNodes * nodeLen]byte
	b := binary.LittleEndian.AppendUint64(buf[:0], uint64(h.size))
	b, err := h.writeNodes(dst, b, 0, groups(h.size))
	if err != nil {
		return err
	}
	_, err = dst.Write(b)
	return err
}

func (h *Hasher) writeNodes(dst io.Writer, b []byte, first, n potluck.Size) ([]byte, error) {
	if n == 1 {
		return b, nil
	}
	if len(b)+int(min(n, pageNodes))*nodeLen > cap(b) {
		if _, err := dst.Write(b); err != nil {
			return nil, err
		}
		b = b[:0]
	}
	if n <= pageNodes {
		return h.appendNodes(b, first, n), nil
	}
	b = append(b, h.node(first+n-2)...)
	left := leftLen(n)
	b, err := h.writeNodes(dst, b, first, left)
	if err != nil {
		return nil, err
	}
	return h.writeNodes(dst, b, first+left-1, n-left)
}

// appendNodes appends in pre-order the nodes over n groups, the first of which
// in post-order is number first. In post-order the nodes of the left child come
// first, then those of the right child, then the parent.
func (h *Hasher) appendNodes(b []byte, first, n potluck.Size) []byte {
	if n == 1 {
		return b
	}
	b = append(b, h.node(first+n-2)...)
	left := leftLen(n)
	b = h.appendNodes(b, first, left)
	return h.appendNodes(b, first+left-1, n-left)
}

func (h *Hasher) node(i potluck.Size) []byte {
	at := i % pageNodes * nodeLen
	return h.pages[i/pageNodes][at : at+nodeLen]
}

// Sum is the BLAKE3 hash of b.
func Sum(b []byte) potluck.Digest { return blake3.Sum256(b) }
