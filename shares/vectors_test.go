package shares_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"potluck"
	"potluck/shares"
	"potluck/shares/storetest"
)

var rewrite = flag.Bool("rewrite", false, "write docs/spec/vectors/shares*.json anew")

const (
	vectorFile  = "../docs/spec/vectors/shares.json"
	refusedFile = "../docs/spec/vectors/shares-refused.json"
)

// vector is one share set. Byte i of its ciphertext is i mod 251.
type vector struct {
	Layout     potluck.Layout       `json:"layout"`
	Index      potluck.StorageIndex `json:"index"`
	Owner      string               `json:"owner"` // hexadecimal
	Created    int64                `json:"created"`
	Stripes    int64                `json:"stripes"`
	LastBlock  int                  `json:"last_block"`
	DataLen    potluck.Size         `json:"data_len"`
	TreeLen    potluck.Size         `json:"tree_len"`
	StoredLen  potluck.Size         `json:"stored_len"`
	Charge     potluck.Size         `json:"charge"`
	Crosscheck string               `json:"crosscheck"` // hexadecimal, the first 10 stripes
	Manifest   string               `json:"manifest"`   // hexadecimal
	Digest     potluck.Digest       `json:"manifest_digest"`
	Shares     []shareVector        `json:"shares"`
}

type shareVector struct {
	Number int            `json:"number"`
	Root   potluck.Digest `json:"root"`
	Header string         `json:"header"` // hexadecimal
	Tree   potluck.Digest `json:"tree"`   // BLAKE3 of the tree
	Stored potluck.Digest `json:"stored"` // BLAKE3 of the whole file
	Slices []sliceVector  `json:"slices"`
	Cut    []sliverVector `json:"slivers"`
}

type sliceVector struct {
	Offset potluck.Size   `json:"offset"`
	Length potluck.Size   `json:"length"`
	Len    potluck.Size   `json:"slice_len"`
	Slice  potluck.Digest `json:"slice"` // BLAKE3 of the slice
}

type sliverVector struct {
	First  int64          `json:"first"` // unit
	Units  int            `json:"units"`
	Len    potluck.Size   `json:"sliver_len"`
	Sliver potluck.Digest `json:"sliver"` // BLAKE3 of the sliver
}

// compute makes the vector of a layout.
func compute(t *testing.T, l potluck.Layout) vector {
	t.Helper()
	ciphertext := make([]byte, l.Size)
	for i := range ciphertext {
		ciphertext[i] = byte(i % 251)
	}
	index := potluck.StorageIndex([]byte("potluck test set"))
	s := storetest.Encode(t, l, index, ciphertext)
	v := vector{
		Layout: l, Index: index, Created: s.Header(0).Created,
		Stripes: shares.Stripes(l), LastBlock: shares.BlockLen(l, shares.Stripes(l)-1),
		DataLen: shares.DataLen(l), TreeLen: shares.TreeLen(l), StoredLen: shares.StoredLen(l), Charge: shares.Charge(l),
		Crosscheck: hex.EncodeToString(s.Crosscheck[:min(len(s.Crosscheck), 320)]),
		Manifest:   hex.EncodeToString(s.Manifest), Digest: shares.Sum(s.Manifest),
	}
	owner := s.Header(0).Owner
	v.Owner = hex.EncodeToString(owner[:])
	for number := range s.Data {
		v.Shares = append(v.Shares, computeShare(t, s, number))
	}
	return v
}

func computeShare(t *testing.T, s *storetest.Set, number int) shareVector {
	stored, data := s.Stored(t, number), s.Data[number]
	size := potluck.Size(len(data))
	tree := stored[potluck.Size(len(stored))-shares.TreeLen(s.Layout):]
	v := shareVector{
		Number: number, Root: shares.Sum(data), Header: hex.EncodeToString(stored[:shares.HeaderLen]),
		Tree: shares.Sum(tree), Stored: shares.Sum(stored),
	}
	for _, r := range [][2]potluck.Size{{0, size}, {size / 2, 1}, {size - 1, 1}} {
		var b, back bytes.Buffer
		if err := shares.Slice(&b, bytes.NewReader(data), bytes.NewReader(tree), size, r[0], r[1]); err != nil {
			t.Fatal(err)
		}
		v.Slices = append(v.Slices, sliceVector{Offset: r[0], Length: r[1], Len: potluck.Size(b.Len()), Slice: shares.Sum(b.Bytes())})
		if err := shares.VerifySlice(&back, &b, size, r[0], r[1], v.Root); err != nil || !bytes.Equal(back.Bytes(), data[r[0]:r[0]+r[1]]) {
			t.Fatalf("slice of %d from %d: %v", r[1], r[0], err)
		}
	}
	last := shares.Units(size) - 1
	v.Cut = append(v.Cut, computeSliver(t, data, tree, last, 1))
	if last > 0 {
		v.Cut = append(v.Cut, computeSliver(t, data, tree, last/2, 2))
	}
	return v
}

func computeSliver(t *testing.T, data, tree []byte, first int64, count int) sliverVector {
	t.Helper()
	size := potluck.Size(len(data))
	off, n := shares.UnitRange(size, first, count)
	var b bytes.Buffer
	if err := shares.Slice(&b, bytes.NewReader(data), bytes.NewReader(tree), size, off, n); err != nil {
		t.Fatal(err)
	}
	s, err := shares.Sliver(b.Bytes(), size, first, count)
	if err != nil {
		t.Fatal(err)
	}
	return sliverVector{First: first, Units: count, Len: potluck.Size(len(s)), Sliver: shares.Sum(s)}
}

// load reads a file of vectors, or writes it first where that is asked for.
func load[V any](t *testing.T, name string, make func() []V) []V {
	t.Helper()
	if *rewrite {
		b, err := json.MarshalIndent(make(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var vs []V
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) < 5 {
		t.Fatalf("%s has %d vectors, want at least 5", name, len(vs))
	}
	return vs
}

func TestVectors(t *testing.T) {
	vs := load(t, vectorFile, func() (vs []vector) {
		for _, c := range []struct {
			k, n, block int
			size        potluck.Size
		}{{1, 1, 1 << 18, 1}, {3, 10, 1 << 18, 1}, {3, 10, 1 << 18, 4096}, {2, 3, 1 << 10, 5000},
			{1, 2, 1 << 18, 65537}, {2, 4, 1 << 16, 600_001}} {
			vs = append(vs, compute(t, potluck.Layout{Suite: 1, K: uint8(c.k), N: uint8(c.n), Block: uint32(c.block), Size: c.size}))
		}
		return vs
	})
	for _, want := range vs {
		got, err := json.Marshal(compute(t, want.Layout))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(want); err != nil || !bytes.Equal(got, b) {
			t.Errorf("vector of %+v differs:\n got %s\nwant %s", want.Layout, got, b)
		}
	}
}

// refusal is a record that every reader must refuse.
type refusal struct {
	Why    string `json:"why"`
	Record string `json:"record"` // header, manifest, slice or sliver
	Bytes  string `json:"bytes"`  // hexadecimal
	// Of slices and slivers: what they are verified against.
	DataLen potluck.Size   `json:"data_len,omitempty"`
	Offset  potluck.Size   `json:"offset,omitempty"`
	Length  potluck.Size   `json:"length,omitempty"`
	Root    potluck.Digest `json:"root,omitzero"`
	First   int64          `json:"first,omitempty"` // unit of a sliver
	Units   int            `json:"units,omitempty"`
}

func TestRefusedVectors(t *testing.T) {
	for _, v := range load(t, refusedFile, func() []refusal { return refusals(t) }) {
		b, err := hex.DecodeString(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		switch v.Record {
		case "header":
			_, err = shares.ParseHeader(b)
		case "manifest":
			_, err = shares.ParseManifest(b)
		case "slice":
			src := bytes.NewReader(b)
			err = shares.VerifySlice(new(bytes.Buffer), src, v.DataLen, v.Offset, v.Length, v.Root)
			if err == nil && src.Len() > 0 {
				err = fmt.Errorf("%d bytes follow", src.Len())
			}
		case "sliver":
			_, err = shares.VerifySliver(b, v.DataLen, v.First, v.Units, v.Root)
		default:
			err = errors.ErrUnsupported
			t.Errorf("record %q is not known", v.Record)
		}
		if err == nil {
			t.Errorf("%s: %s was accepted", v.Record, v.Why)
		}
	}
}

func refusals(t *testing.T) []refusal {
	s := storetest.NewSet(t, layout(t, 2, 3, 1500), 1)
	var vs []refusal
	add := func(record, why string, good []byte, change func([]byte) []byte) {
		vs = append(vs, refusal{Record: record, Why: why, Bytes: hex.EncodeToString(change(bytes.Clone(good)))})
	}
	set := func(at int, with ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], with); return b }
	}
	sealed := func(change func([]byte) []byte) func([]byte) []byte {
		return func(b []byte) []byte { return reseal(change(b)) }
	}
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	grow := func(b []byte) []byte { return append(b, 0) }
	head := s.Stored(t, 1)[:shares.HeaderLen]
	add("header", "one byte too few", head, cut)
	add("header", "one byte too many", head, grow)
	add("header", "checksum doesn't fit", head, set(60, 0xff))
	add("header", "version 2", head, sealed(set(7, 2)))
	add("header", "share number n", head, sealed(set(27, 3)))
	add("header", "k is 0", head, sealed(set(25, 0)))
	add("header", "block of 1000 bytes", head, sealed(set(28, 0, 0, 3, 0xe8)))
	add("header", "size above 2^56", head, sealed(set(32, 1, 0, 0, 0, 0, 0, 0, 1)))
	add("header", "padding isn't zero", head, sealed(set(223, 1)))
	add("header", "root without manifest digest", head, sealed(set(112, make([]byte, 32)...)))
	add("manifest", "one byte too few", s.Manifest, cut)
	add("manifest", "one byte too many", s.Manifest, grow)
	add("manifest", "version 2", s.Manifest, set(7, 2))
	add("manifest", "suite 0", s.Manifest, set(8, 0))
	add("manifest", "k above n", s.Manifest, set(9, 4))
	add("manifest", "reserved byte isn't zero", s.Manifest, set(11, 1))
	add("manifest", "size is 0", s.Manifest, set(16, make([]byte, 8)...))
	data := s.Data[0][:700]
	h := shares.NewHasher(700)
	if _, err := h.Write(data); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := shares.Slice(&b, bytes.NewReader(data), bytes.NewReader(h.Outboard()), 700, 100, 50); err != nil {
		t.Fatal(err)
	}
	first := len(vs)
	add("slice", "another length in the prefix", b.Bytes(), set(0, 0xbd))
	add("slice", "one bit of the data flipped", b.Bytes(), set(8+650, data[650]^1))
	add("slice", "one byte too few", b.Bytes(), cut)
	add("slice", "one byte too many", b.Bytes(), grow)
	for i := range vs[first:] {
		v := &vs[first+i]
		v.DataLen, v.Offset, v.Length, v.Root = 700, 100, 50, h.Sum()
	}
	first = len(vs)
	sliver, root := lastUnit(t, shares.Unit+100)
	add("sliver", "another length in the prefix", sliver, set(0, 0x65))
	add("sliver", "one bit of the other unit's chaining value flipped", sliver, set(9, sliver[9]^1))
	add("sliver", "one bit of the data flipped", sliver, set(8+64+50, sliver[8+64+50]^1))
	add("sliver", "the parent's two halves exchanged", sliver, set(8, append(bytes.Clone(sliver[40:72]), sliver[8:40]...)...))
	add("sliver", "one byte too few", sliver, cut)
	add("sliver", "one byte too many", sliver, grow)
	add("sliver", "the one of another unit", sliver, func(b []byte) []byte { return b })
	for i := range vs[first:] {
		v := &vs[first+i]
		v.DataLen, v.First, v.Units, v.Root = shares.Unit+100, 1, 1, root
	}
	vs[len(vs)-1].First = 0
	return vs
}

// lastUnit gives the sliver of the last unit of size bytes, and their root.
func lastUnit(t *testing.T, size potluck.Size) ([]byte, potluck.Digest) {
	t.Helper()
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i % 251)
	}
	var b bytes.Buffer
	last := shares.Units(size) - 1
	tree := binary.LittleEndian.AppendUint64(nil, uint64(size)) // one group has no parents
	off, n := shares.UnitRange(size, last, 1)
	if err := shares.Slice(&b, bytes.NewReader(data), bytes.NewReader(tree), size, off, n); err != nil {
		t.Fatal(err)
	}
	s, err := shares.Sliver(b.Bytes(), size, last, 1)
	if err != nil {
		t.Fatal(err)
	}
	return s, shares.Sum(data)
}
