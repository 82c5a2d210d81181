package shares

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"potluck"
)

// CorruptError says that a slice doesn't belong to its root.
type CorruptError struct {
	Offset potluck.Size // where the smallest part of the data begins that is known to be wrong
}

// Error names the offset.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("slice is corrupt: data from byte %d doesn't match the root", e.Offset)
}

// VerifySlice reads exactly SliceLen bytes of src, the Bao slice of n bytes
// from off, and writes those n bytes to dst. Nothing is written before it has
// been verified against the root of the dataLen bytes of data. What follows in
// src is left there. Memory is bounded by 4 groups.
//
// The error is a *CorruptError where the bytes are wrong, wraps
// io.ErrUnexpectedEOF where they end early, or else wraps that of src or dst.
func VerifySlice(dst io.Writer, src io.Reader, dataLen, off, n potluck.Size, root potluck.Digest) error {
	if err := checkRange(dataLen, off, n); err != nil {
		return err
	}
	v := verifier{dst: dst, src: src, leaf: Group, off: off, end: off + n, left: SliceLen(dataLen, off, n)}
	v.buf = make([]byte, min(v.left, bufferGroups*Group+maxHeight*nodeLen))
	return v.verify(dataLen, root)
}

type verifier struct {
	dst        io.Writer
	src        io.Reader
	leaf       potluck.Size // bytes of data that are sent whole
	off, end   potluck.Size // range of data
	left       potluck.Size // bytes of the slice not yet read from src
	buf        []byte
	head, tail int // buf[head:tail] is read and not yet used
	last       [unit]byte
}

// verify reads the whole slice.
func (v *verifier) verify(dataLen potluck.Size, root potluck.Digest) error {
	prefix, err := v.next(prefixLen)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint64(prefix) != uint64(dataLen) {
		return &CorruptError{Offset: 0}
	}
	return v.subtree(getChain(root[:]), 0, dataLen, guts.FlagRoot)
}

// next gives the next n bytes of the slice; they stay as they are until the
// following call.
func (v *verifier) next(n int) ([]byte, error) {
	if v.tail-v.head < n {
		v.tail = copy(v.buf, v.buf[v.head:v.tail])
		v.head = 0
		most := min(potluck.Size(len(v.buf)), potluck.Size(v.tail)+v.left)
		got, err := io.ReadAtLeast(v.src, v.buf[v.tail:most], n-v.tail)
		v.tail += got
		v.left -= potluck.Size(got)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("read slice: %w", err)
		}
	}
	b := v.buf[v.head : v.head+n]
	v.head += n
	return b, nil
}

// subtree verifies what is in the slice of the n bytes from pos, whose chaining
// value must be want.
func (v *verifier) subtree(want chain, pos, n potluck.Size, flags uint32) error {
	if n <= v.leaf {
		return v.data(want, pos, int(n), flags)
	}
	b, err := v.next(nodeLen)
	if err != nil {
		return err
	}
	left, right := getChain(b), getChain(b[32:])
	if guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, flags)) != want {
		return &CorruptError{Offset: pos}
	}
	mid := pos + leftLen(n)
	if v.off < mid {
		if err := v.subtree(left, pos, mid-pos, 0); err != nil {
			return err
		}
	}
	if v.end > mid {
		return v.subtree(right, mid, pos+n-mid, 0)
	}
	return nil
}

func (v *verifier) data(want chain, pos potluck.Size, n int, flags uint32) error {
	b, err := v.next(n)
	if err != nil {
		return err
	}
	if v.hash(b, uint64(pos)/guts.ChunkSize, flags) != want {
		return &CorruptError{Offset: pos}
	}
	b = b[max(0, v.off-pos):min(potluck.Size(n), v.end-pos)]
	if _, err := v.dst.Write(b); err != nil {
		return fmt.Errorf("write verified data: %w", err)
	}
	return nil
}

// hash gives the chaining value of one leaf, of at most a group, that begins at a chunk.
func (v *verifier) hash(b []byte, chunk uint64, flags uint32) chain {
	var stack [unitLog + 1]chain
	done := uint(0)
	for ; len(b) > unit; b = b[unit:] {
		cv := guts.ChainingValue(guts.CompressBuffer((*[unit]byte)(b), unit, &guts.IV, chunk, 0))
		level := 0
		for ; done>>level&1 == 1; level++ {
			cv = guts.ChainingValue(guts.ParentNode(stack[level], cv, &guts.IV, 0))
		}
		stack[level] = cv
		done++
		chunk += guts.MaxSIMD
	}
	// The last unit may be short, but the vector code wants the memory of a whole one.
	last := &v.last
	if len(b) == unit {
		last = (*[unit]byte)(b)
	} else {
		copy(last[:], b)
	}
	node := guts.CompressBuffer(last, len(b), &guts.IV, chunk, 0)
	for ; done != 0; done &= done - 1 {
		node = guts.ParentNode(stack[bits.TrailingZeros(done)], guts.ChainingValue(node), &guts.IV, 0)
	}
	node.Flags |= flags
	return guts.ChainingValue(node)
}
