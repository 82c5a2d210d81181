package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// maxRow is the greatest length of a row's value in bytes. It is far above what
// the bounds of the fields allow, and below Badger's value threshold.
const maxRow = 128 << 10

var (
	encMode = must(encOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   4,
		MaxArrayElements:  1 << 10,
		MaxMapPairs:       1 << 6,
	}.DecMode())
)

func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.IndefLength = cbor.IndefLengthForbidden
	o.TagsMd = cbor.TagsForbidden
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // a mistake in a constant table
	}
	return v
}

// marshal gives the one encoding of a wire struct.
func marshal(wire any) []byte { return must(encMode.Marshal(wire)) }

// unmarshal reads what marshal wrote, and nothing else: it encodes the result
// again and compares.
func unmarshal[T any](row string, b []byte) (wire T, err error) {
	if wire, err = parse[T](row, b); err != nil {
		return wire, err
	}
	return wire, sameRow(row, marshal(wire), b)
}

// parse reads a row whose caller writes it again and compares.
func parse[T any](row string, b []byte) (wire T, err error) {
	if len(b) > maxRow {
		return wire, fmt.Errorf("%s row of %d bytes, at most %d: %w", row, len(b), maxRow, ErrDamaged)
	}
	if err := decMode.Unmarshal(b, &wire); err != nil {
		return wire, fmt.Errorf("%s row: %w: %w", row, err, ErrDamaged)
	}
	return wire, nil
}

func sameRow(row string, again, b []byte) error {
	if !bytes.Equal(again, b) {
		return fmt.Errorf("%s row is not in its one encoding: %w", row, ErrDamaged)
	}
	return nil
}

// damaged wraps what is wrong with a field of a row that was read.
func damaged(row string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s row: %w: %w", row, err, ErrDamaged)
}

type layoutWire struct {
	_     struct{} `cbor:",toarray"`
	Suite uint8
	K     uint8
	N     uint8
	Block uint32
	Size  int64
}

func wireLayout(l potluck.Layout) layoutWire {
	return layoutWire{Suite: l.Suite, K: l.K, N: l.N, Block: l.Block, Size: int64(l.Size)}
}

func (w layoutWire) layout() potluck.Layout {
	return potluck.Layout{Suite: w.Suite, K: w.K, N: w.N, Block: w.Block, Size: potluck.Size(w.Size)}
}

type termsWire struct {
	_         struct{} `cbor:",toarray"`
	RatioPPM  int64
	Gift      int64
	Opening   int64
	Paid      int64
	PaidUntil int64
}

func wireTerms(t Terms) termsWire {
	return termsWire{RatioPPM: t.RatioPPM, Gift: int64(t.Gift), Opening: int64(t.Opening),
		Paid: int64(t.Paid), PaidUntil: t.PaidUntil}
}

func (w termsWire) terms() Terms {
	return Terms{RatioPPM: w.RatioPPM, Gift: potluck.Size(w.Gift), Opening: potluck.Size(w.Opening),
		Paid: potluck.Size(w.Paid), PaidUntil: w.PaidUntil}
}

// wireDigest leaves the zero digest out of the encoding.
func wireDigest(d potluck.Digest) []byte {
	if d == (potluck.Digest{}) {
		return nil
	}
	return d[:]
}

// readDigest reads nothing as the zero digest.
func readDigest(b []byte) (d potluck.Digest, err error) {
	if b == nil {
		return d, nil
	}
	if len(b) != len(d) {
		return d, fmt.Errorf("digest of %d bytes, want %d", len(b), len(d))
	}
	copy(d[:], b)
	if d == (potluck.Digest{}) {
		return d, fmt.Errorf("digest of zeros is written out")
	}
	return d, nil
}

func readDigests(a, b []byte) (x, y potluck.Digest, err error) {
	if x, err = readDigest(a); err == nil {
		y, err = readDigest(b)
	}
	return x, y, err
}

func wirePeer(p peer.ID) []byte {
	if p == "" {
		return nil
	}
	return []byte(p)
}

// appendNumber appends the shortest CBOR of an unsigned integer.
func appendNumber(b []byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, 24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, 25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 27), n)
}

// takeNumber reads what appendNumber wrote of numbers below 2^63, and nothing else.
func takeNumber(b []byte) (n int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] > 27 {
		return 0, nil, false
	}
	if b[0] < 24 {
		return int64(b[0]), b[1:], true
	}
	width := 1 << (b[0] - 24)
	if len(b) < 1+width {
		return 0, nil, false
	}
	var v uint64
	for _, c := range b[1 : 1+width] {
		v = v<<8 | uint64(c)
	}
	least := [...]uint64{24, math.MaxUint8 + 1, math.MaxUint16 + 1, math.MaxUint32 + 1}[b[0]-24]
	return int64(v), b[1+width:], v >= least && v <= math.MaxInt64
}

// rowMap writes a map with small integer keys, in their order. It is marshal by
// hand, for the rows that every upload writes; the vectors hold both to one form.
type rowMap struct{ b []byte }

func newRowMap(size int) rowMap { return rowMap{append(make([]byte, 0, size), 0xa0)} }

// key begins a pair; keys and their number stay below 24.
func (m *rowMap) key(k byte) {
	m.b[0]++
	m.b = append(m.b, k)
}

func (m *rowMap) number(k byte, n int64) {
	m.key(k)
	m.b = appendNumber(m.b, uint64(n))
}

// some is number, left out for 0.
func (m *rowMap) some(k byte, n int64) {
	if n != 0 {
		m.number(k, n)
	}
}

// data writes a byte string, text a text; both are left out when empty.
func (m *rowMap) data(k byte, v []byte) {
	if len(v) > 0 {
		m.key(k)
		m.b = append(appendHead(m.b, 0x40, len(v)), v...)
	}
}

func (m *rowMap) text(k byte, s string) {
	if s != "" {
		m.key(k)
		m.b = append(appendHead(m.b, 0x60, len(s)), s...)
	}
}

func (m *rowMap) yes(k byte, v bool) {
	if v {
		m.key(k)
		m.b = append(m.b, 0xf5)
	}
}

func (m *rowMap) layout(k byte, l potluck.Layout) {
	m.key(k)
	m.b = append(m.b, 0x85)
	for _, n := range [...]uint64{uint64(l.Suite), uint64(l.K), uint64(l.N), uint64(l.Block), uint64(l.Size)} {
		m.b = appendNumber(m.b, n)
	}
}

func appendHead(b []byte, major byte, n int) []byte {
	at := len(b)
	b = appendNumber(b, uint64(n))
	b[at] |= major
	return b
}
