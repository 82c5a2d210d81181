package shares

import (
	"bytes"
	"fmt"

	"lukechampine.com/blake3/guts"

	"potluck"
)

// Units is how many units dataLen bytes of data have.
func Units(dataLen potluck.Size) int64 { return int64(ceil(dataLen, Unit)) }

// UnitRange is the bytes [off, off+n) of count units from unit first, or n = 0
// when these aren't 1 to MaxUnits units within dataLen bytes of data.
func UnitRange(dataLen potluck.Size, first int64, count int) (off, n potluck.Size) {
	if dataLen < 1 || dataLen > potluck.MaxSize || count < 1 || count > MaxUnits || first < 0 || first > Units(dataLen)-int64(count) {
		return 0, 0
	}
	off = potluck.Size(first) * Unit
	return off, min(potluck.Size(count)*Unit, dataLen-off)
}

// SliverLen is the bytes of the sliver of count units from unit first, or 0 when
// UnitRange has no bytes.
func SliverLen(dataLen potluck.Size, first int64, count int) potluck.Size {
	off, n := UnitRange(dataLen, first, count)
	if n == 0 {
		return 0
	}
	return sliceLen(dataLen, off, n, Unit)
}

// Sliver makes the sliver of count units from unit first: their Bao slice with
// units for leaves. It is cut out of slice, the Bao slice of UnitRange, of whose
// groups the inner parents are computed. Nothing is verified here.
func Sliver(slice []byte, dataLen potluck.Size, first int64, count int) ([]byte, error) {
	off, n := UnitRange(dataLen, first, count)
	if n == 0 {
		return nil, badUnits(dataLen, first, count)
	}
	if want := SliceLen(dataLen, off, n); potluck.Size(len(slice)) != want {
		return nil, fmt.Errorf("cut a sliver out of %d bytes of slice, want %d", len(slice), want)
	}
	c := cutter{off: off, end: off + n, in: slice, out: make([]byte, 0, SliverLen(dataLen, first, count))}
	c.pass(prefixLen)
	c.subtree(0, dataLen)
	return c.out, nil
}

func badUnits(dataLen potluck.Size, first int64, count int) error {
	return fmt.Errorf("%d units from unit %d: want 1 to %d of the %d units of %d bytes", count, first, MaxUnits, Units(dataLen), dataLen)
}

// cutter makes a sliver out of a slice of the same range.
type cutter struct {
	off, end potluck.Size // range of data
	in       []byte       // the slice from here on
	out      []byte
}

// pass copies n bytes.
func (c *cutter) pass(n int) {
	c.out = append(c.out, c.in[:n]...)
	c.in = c.in[n:]
}

// subtree copies the parents down to the groups, and opens these.
func (c *cutter) subtree(pos, n potluck.Size) {
	if n <= Group {
		b := c.in[:n]
		c.in = c.in[n:]
		c.group(b, unitChains(b, pos), pos)
		return
	}
	c.pass(nodeLen)
	mid := pos + leftLen(n)
	if c.off < mid {
		c.subtree(pos, mid-pos)
	}
	if c.end > mid {
		c.subtree(mid, pos+n-mid)
	}
}

// group emits what is in the sliver of the bytes b from pos, whose units have the
// given chaining values.
func (c *cutter) group(b []byte, units []chain, pos potluck.Size) {
	if len(units) == 1 {
		c.out = append(c.out, b...)
		return
	}
	left := leftLen(potluck.Size(len(units)))
	l, r := joined(units[:left]), joined(units[left:])
	var node [nodeLen]byte
	putNode(&node, &l, &r)
	c.out = append(c.out, node[:]...)
	mid := pos + left*Unit
	if c.off < mid {
		c.group(b[:left*Unit], units[:left], pos)
	}
	if c.end > mid {
		c.group(b[left*Unit:], units[left:], mid)
	}
}

// joined is the chaining value of the subtree over some units, 1 at least.
func joined(units []chain) chain {
	if len(units) == 1 {
		return units[0]
	}
	left := leftLen(potluck.Size(len(units)))
	return guts.ChainingValue(guts.ParentNode(joined(units[:left]), joined(units[left:]), &guts.IV, 0))
}

// unitChains gives the chaining values of the units of a group from pos.
func unitChains(b []byte, pos potluck.Size) []chain {
	cvs := make([]chain, 0, Group/Unit)
	for chunk := uint64(pos) / guts.ChunkSize; len(b) > 0; chunk += guts.MaxSIMD {
		n := min(len(b), unit)
		if n < unit { // the vector code wants the memory of a whole unit
			b = append(make([]byte, 0, unit), b...)[:n:unit]
		}
		cvs = append(cvs, guts.ChainingValue(guts.CompressBuffer((*[unit]byte)(b[:unit]), n, &guts.IV, chunk, 0)))
		b = b[n:]
	}
	return cvs
}

// VerifySliver gives the bytes of count units from unit first, out of their
// sliver. It gives none before all are verified against the root of the dataLen
// bytes of data. The error is a *CorruptError where bytes are wrong.
func VerifySliver(sliver []byte, dataLen potluck.Size, first int64, count int, root potluck.Digest) ([]byte, error) {
	off, n := UnitRange(dataLen, first, count)
	if n == 0 {
		return nil, badUnits(dataLen, first, count)
	}
	if want := SliverLen(dataLen, first, count); potluck.Size(len(sliver)) != want {
		return nil, fmt.Errorf("sliver has %d bytes, want %d", len(sliver), want)
	}
	dst := bytes.NewBuffer(make([]byte, 0, n))
	v := verifier{dst: dst, leaf: Unit, off: off, end: off + n, buf: sliver, tail: len(sliver)}
	if err := v.verify(dataLen, root); err != nil {
		return nil, err
	}
	return dst.Bytes(), nil
}
