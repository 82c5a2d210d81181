package shares

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"potluck"
)

// bufferGroups is how many groups slices are read, verified and written at once.
const bufferGroups = 4

// outBuffer holds what of a slice isn't written yet.
type outBuffer [bufferGroups*Group + maxHeight*nodeLen]byte

var outBuffers = sync.Pool{New: func() any { return new(outBuffer) }}

// checkRange tells whether [off, off+n) is a range of data that a slice can have.
func checkRange(dataLen, off, n potluck.Size) error {
	if dataLen < 1 || dataLen > potluck.MaxSize || off < 0 || n < 1 || off > dataLen || n > dataLen-off {
		return fmt.Errorf("range of %d bytes from %d isn't within %d bytes of data", n, off, dataLen)
	}
	return nil
}

// SliceLen is the bytes of the Bao slice of n bytes from off, or 0 when that
// isn't a range of at least one byte within dataLen bytes.
func SliceLen(dataLen, off, n potluck.Size) potluck.Size {
	if checkRange(dataLen, off, n) != nil {
		return 0
	}
	return sliceLen(dataLen, off, n, Group)
}

// sliceLen is the bytes of a slice whose leaves have leaf bytes.
func sliceLen(dataLen, off, n, leaf potluck.Size) potluck.Size {
	first, last := off/leaf, (off+n-1)/leaf
	data := min((last+1)*leaf, dataLen) - first*leaf
	return prefixLen + data + nodeLen*parents(0, ceil(dataLen, leaf), first, last)
}

// parents counts the parents in a subtree of n leaves from leaf at that have
// one of the leaves first to last under them.
func parents(at, n, first, last potluck.Size) potluck.Size {
	switch {
	case n == 1 || at > last || at+n <= first:
		return 0
	case first <= at && at+n-1 <= last:
		return n - 1
	}
	left := leftLen(n)
	return 1 + parents(at, left, first, last) + parents(at+left, n-left, first, last)
}

// Slice writes to dst the Bao slice (SliceLen bytes) of n bytes of data from
// off: the groups that the range touches, each after the parents that lead to
// it. outboard is the tree of the data. It buffers up to 4 groups and writes
// large pieces. Nothing is verified here; the reader of the slice does that.
func Slice(dst io.Writer, data, outboard io.ReaderAt, dataLen, off, n potluck.Size) error {
	if err := checkRange(dataLen, off, n); err != nil {
		return err
	}
	s := slicer{dst: dst, data: data, tree: outboard, treeLen: outboardLen(dataLen), off: off, end: off + n}
	buf := outBuffers.Get().(*outBuffer)
	defer outBuffers.Put(buf)
	s.out = buf[:0]
	s.out = binary.LittleEndian.AppendUint64(s.out, uint64(dataLen))
	if err := s.subtree(0, dataLen, prefixLen); err != nil {
		return err
	}
	return s.flush()
}

type slicer struct {
	dst        io.Writer
	data, tree io.ReaderAt
	treeLen    potluck.Size
	off, end   potluck.Size // range of data
	out        []byte       // not yet written to dst
	window     []byte       // part of the tree, from windowAt
	windowAt   potluck.Size
}

// subtree emits what is in the slice of the n bytes from pos; node is where the
// parents of that subtree begin in the tree.
func (s *slicer) subtree(pos, n, node potluck.Size) error {
	if n <= Group {
		return s.group(pos, n)
	}
	if err := s.parent(node); err != nil {
		return err
	}
	left := leftLen(n)
	if s.off < pos+left {
		if err := s.subtree(pos, left, node+nodeLen); err != nil {
			return err
		}
	}
	if s.end > pos+left {
		return s.subtree(pos+left, n-left, node+nodeLen*groups(left))
	}
	return nil
}

func (s *slicer) parent(at potluck.Size) error {
	if at < s.windowAt || at+nodeLen > s.windowAt+potluck.Size(len(s.window)) {
		if s.window == nil {
			s.window = make([]byte, min(s.treeLen, 4<<10))
		}
		s.window = s.window[:min(potluck.Size(cap(s.window)), s.treeLen-at)]
		if err := readAt(s.tree, s.window, at); err != nil {
			return fmt.Errorf("read tree at %d: %w", at, err)
		}
		s.windowAt = at
	}
	if err := s.reserve(nodeLen); err != nil {
		return err
	}
	s.out = append(s.out, s.window[at-s.windowAt:][:nodeLen]...)
	return nil
}

func (s *slicer) group(pos, n potluck.Size) error {
	if err := s.reserve(int(n)); err != nil {
		return err
	}
	have := len(s.out)
	s.out = s.out[:have+int(n)]
	if err := readAt(s.data, s.out[have:], pos); err != nil {
		return fmt.Errorf("read data at %d: %w", pos, err)
	}
	return nil
}

// reserve makes room for n bytes in out.
func (s *slicer) reserve(n int) error {
	if cap(s.out)-len(s.out) >= n {
		return nil
	}
	return s.flush()
}

func (s *slicer) flush() error {
	if _, err := s.dst.Write(s.out); err != nil {
		return fmt.Errorf("write slice: %w", err)
	}
	s.out = s.out[:0]
	return nil
}

// readAt fills p or returns an error, io.ErrUnexpectedEOF where the bytes end.
func readAt(r io.ReaderAt, p []byte, off potluck.Size) error {
	n, err := r.ReadAt(p, int64(off))
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
