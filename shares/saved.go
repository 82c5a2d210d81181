package shares

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/zeebo/blake3"

	"potluck"
)

// What a Hasher has done of a tree can be saved, so that the bytes needn't be
// hashed again. docs/spec/share.md, section 8, has the format.

// savedHead is the number of bytes before the nodes of a part: the units hashed.
const savedHead = 8

// Save appends to w a part: what was hashed of the tree since the last one. It
// gives the bytes of data that all parts together cover, and the length of the
// part. It saves nothing, and covers as much as before, once all data is hashed,
// and for a Hasher that keeps no tree.
func (h *Hasher) Save(w io.Writer) (covered potluck.Size, n int64, err error) {
	if h.flat != nil || h.taken == h.size || h.units == h.savedUnits {
		return potluck.Size(h.savedUnits) * unit, 0, nil
	}
	sum := blake3.New()
	_, _ = sum.Write(h.savedSum[:]) // a hash never fails
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	var head [savedHead]byte
	binary.BigEndian.PutUint64(head[:], h.units)
	_, err = out.Write(head[:])
	nodes := nodesOf(h.units)
	for i := nodesOf(h.savedUnits); i < nodes && err == nil; i++ {
		_, err = out.Write(h.node(i))
	}
	for level := range h.stack {
		if h.units>>level&1 == 1 && err == nil {
			d := digest(&h.stack[level])
			_, err = out.Write(d[:])
		}
	}
	if err == nil {
		err = out.Flush()
	}
	var d potluck.Digest
	sum.Sum(d[:0])
	if err == nil {
		_, err = w.Write(d[:])
	}
	if err != nil {
		return 0, 0, fmt.Errorf("save the tree after %d bytes: %w", h.taken, err)
	}
	n = savedLen(h.savedUnits, h.units)
	h.savedUnits, h.savedSum = h.units, d
	return potluck.Size(h.units) * unit, n, nil
}

// LoadHasher makes a Hasher for exactly size bytes that keeps the tree and takes up
// what Save wrote to r. It gives the bytes of data that are hashed, and those of
// r that hold whole parts; what follows those, and can't be read or isn't a part,
// counts for nothing. Where there is no part the Hasher is a new one.
func LoadHasher(size potluck.Size, r io.Reader) (h *Hasher, covered potluck.Size, used int64) {
	h = NewHasher(size)
	if size == 0 {
		return h, 0, 0
	}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		next := &Hasher{size: size, units: h.units, count: h.count, pages: h.pages, stack: h.stack, savedUnits: h.units, savedSum: h.savedSum}
		if next.load(in) != nil {
			break
		}
		used += savedLen(h.units, next.units)
		next.buf = h.buf
		h = next
	}
	h.taken = potluck.Size(h.units) * unit
	return h, h.taken, used
}

// load reads one part.
func (h *Hasher) load(r io.Reader) error {
	sum := blake3.New()
	_, _ = sum.Write(h.savedSum[:]) // a hash never fails
	in := io.TeeReader(r, sum)
	var head [savedHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	units := binary.BigEndian.Uint64(head[:])
	if units <= h.savedUnits || units > uint64(max(0, h.size-1)/unit) {
		return fmt.Errorf("%d units of %d bytes after %d", units, h.size, h.savedUnits)
	}
	h.units = units
	for nodes := nodesOf(units); h.count < nodes; {
		if _, err := io.ReadFull(in, h.slot()[:]); err != nil {
			return err
		}
	}
	for level := range h.stack {
		if units>>level&1 == 1 {
			var d potluck.Digest
			if _, err := io.ReadFull(in, d[:]); err != nil {
				return err
			}
			h.stack[level] = getChain(d[:])
		}
	}
	sum.Sum(h.savedSum[:0])
	var want potluck.Digest
	if _, err := io.ReadFull(r, want[:]); err != nil {
		return err
	}
	if want != h.savedSum {
		return fmt.Errorf("checksum of the part up to unit %d is wrong", units)
	}
	h.savedUnits = units
	return nil
}

// savedLen is the length of the part from one number of units to another.
func savedLen(from, to uint64) int64 {
	return savedHead + int64(nodesOf(to)-nodesOf(from))*nodeLen + int64(bits.OnesCount64(to)+1)*digestLen
}

// nodesOf is the number of nodes over whole subtrees of the first units.
func nodesOf(units uint64) (n potluck.Size) {
	for level := unitLog + 1; units>>level > 0; level++ {
		n += potluck.Size(units >> level)
	}
	return n
}
