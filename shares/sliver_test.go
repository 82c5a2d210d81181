package shares

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"lukechampine.com/blake3/bao"
	"lukechampine.com/blake3/guts"
	"pgregory.net/rapid"

	"potluck"
)

// plainChain is the chaining value of a subtree, as the paper of BLAKE3 has it.
func plainChain(b []byte, chunk uint64) chain {
	if len(b) <= guts.ChunkSize {
		return guts.ChainingValue(guts.CompressChunk(b, &guts.IV, chunk, 0))
	}
	left := int(leftLen(potluck.Size(len(b))))
	return guts.ChainingValue(guts.ParentNode(plainChain(b[:left], chunk), plainChain(b[left:], chunk+uint64(left)/guts.ChunkSize), &guts.IV, 0))
}

// plainSliver is the sliver of the bytes [off, end), word by word as share.md has it.
func plainSliver(b []byte, off, end int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(b)))
	var cut func(p, m int)
	cut = func(p, m int) {
		switch {
		case p+m <= off || p >= end:
			return
		case m <= int(Unit):
			out = append(out, b[p:p+m]...)
			return
		}
		left := int(leftLen(potluck.Size(m)))
		var node [nodeLen]byte
		l, r := plainChain(b[p:p+left], uint64(p)/guts.ChunkSize), plainChain(b[p+left:p+m], uint64(p+left)/guts.ChunkSize)
		putNode(&node, &l, &r)
		out = append(out, node[:]...)
		cut(p, left)
		cut(p+left, m-left)
	}
	cut(0, len(b))
	return out
}

func sliver(t testing.TB, b []byte, first int64, count int) []byte {
	t.Helper()
	size := potluck.Size(len(b))
	off, n := UnitRange(size, first, count)
	s, err := Sliver(slice(t, b, off, n), size, first, count)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSlivers compares slivers with a plain tree, with the library's slices of the
// same leaves, and with the bytes.
func TestSlivers(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.OneOf(rapid.SampledFrom(edges()[1:]), rapid.IntRange(1, 12*int(Group))).Draw(r, "size")
		units := Units(potluck.Size(size))
		first := rapid.Int64Range(0, units-1).Draw(r, "first")
		count := int(rapid.Int64Range(1, min(MaxUnits, units-first)).Draw(r, "count"))
		b := random(size)
		got := sliver(t, b, first, count)
		off, n := UnitRange(potluck.Size(size), first, count)
		if want := plainSliver(b, int(off), int(off+n)); !bytes.Equal(got, want) {
			r.Fatalf("sliver of %d bytes isn't the plain tree's", len(got))
		}
		if l := SliverLen(potluck.Size(size), first, count); l != potluck.Size(len(got)) {
			r.Fatalf("sliver has %d bytes, want %d", len(got), l)
		}
		outboard, root := bao.EncodeBuf(b, 4, true)
		var theirs bytes.Buffer
		if err := bao.ExtractSlice(&theirs, bytes.NewReader(b[off:]), bytes.NewReader(outboard), 4, uint64(off), uint64(n)); err != nil {
			r.Fatal(err)
		}
		if !bytes.Equal(got, theirs.Bytes()) {
			r.Fatal("sliver isn't the library's slice")
		}
		data, err := VerifySliver(got, potluck.Size(size), first, count, root)
		if err != nil || !bytes.Equal(data, b[off:off+n]) {
			r.Fatalf("%d verified bytes differ: %v", len(data), err)
		}
	})
}

// TestSliverNoBitMayChange flips every bit of the tree, some of the data, and cuts
// and extends slivers everywhere.
func TestSliverNoBitMayChange(t *testing.T) {
	size := 3*Group + 2*Unit + 100
	b := random(int(size))
	root := Sum(b)
	for _, c := range []struct {
		first int64
		count int
	}{{0, 1}, {3, 2}, {5, 4}, {13, 2}, {14, 1}} {
		good := sliver(t, b, c.first, c.count)
		refused := func(s []byte, what string, at int) {
			data, err := VerifySliver(s, size, c.first, c.count, root)
			var corrupt *CorruptError
			if err == nil || data != nil || what == "flip" && !errors.As(err, &corrupt) {
				t.Fatalf("%+v, %s at %d: %d bytes, %v", c, what, at, len(data), err)
			}
		}
		for bit := range 8 * len(good) {
			if bit > 8*500 && bit%4093 != 0 {
				continue
			}
			good[bit/8] ^= 1 << (bit % 8)
			refused(good, "flip", bit)
			good[bit/8] ^= 1 << (bit % 8)
		}
		for cut := 0; cut < len(good); cut += 1 + cut/100 {
			refused(good[:cut], "cut", cut)
			refused(append(bytes.Clone(good[:cut]), good[cut+1:]...), "hole", cut)
		}
		for _, more := range []int{1, 64, int(Unit)} {
			refused(append(bytes.Clone(good), make([]byte, more)...), "more", more)
		}
		if _, err := VerifySliver(good, size, c.first, c.count, root); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSliverIsOfOneShare: a sliver is refused for every other root, length and range.
func TestSliverIsOfOneShare(t *testing.T) {
	b := random(int(2*Group + 7))
	size := potluck.Size(len(b))
	good := sliver(t, b, 4, 1)
	for _, c := range []struct {
		size  potluck.Size
		first int64
		count int
		root  potluck.Digest
	}{
		{size, 4, 1, Sum(b[1:])}, {size - 1, 4, 1, Sum(b)}, {size + 1, 4, 1, Sum(b)}, {size, 5, 1, Sum(b)}, {size, 0, 1, Sum(b)}, {size, 3, 2, Sum(b)},
		{size, 8, 1, Sum(b)}, {size, 9, 1, Sum(b)}, {size, -1, 1, Sum(b)}, {size, 1<<63 - 1, 1, Sum(b)}, {size, 4, 0, Sum(b)}, {size, 4, 5, Sum(b)},
		{size, 8, 2, Sum(b)}, {size, 4, -1, Sum(b)}, {0, 0, 1, Sum(b)}, {1 << 62, 4, 1, Sum(b)}, {size, -1 << 63, 4, Sum(b)},
	} {
		if data, err := VerifySliver(good, c.size, c.first, c.count, c.root); err == nil {
			t.Errorf("%+v: %d bytes were accepted", c, len(data))
		}
		if c.size == size && SliverLen(c.size, c.first, c.count) == 0 {
			if s, err := Sliver(good, c.size, c.first, c.count); err == nil {
				t.Errorf("%+v: a sliver of %d bytes was cut", c, len(s))
			}
		}
	}
	if s, err := Sliver(good, size, 4, 1); err == nil { // a sliver is no slice
		t.Errorf("%d bytes were cut out of a sliver", len(s))
	}
}

// TestSliversAreSmall: what an exchange may rely on.
func TestSliversAreSmall(t *testing.T) {
	var most potluck.Size
	for log := 14; log <= 56; log++ {
		size := potluck.Size(1) << log
		for _, size := range []potluck.Size{size, size - 1, min(size+1, potluck.MaxSize), size - Unit/2, size / 3 * 2} {
			units := Units(size)
			for _, first := range []int64{0, units / 2, units/2 - 2, units - 4, units - 1} {
				most = max(most, SliverLen(size, first, MaxUnits))
			}
		}
	}
	if most < 70_000 || most > 71*potluck.KiB {
		t.Errorf("the largest sliver has %d bytes, want at most 71 KiB", most)
	}
}

// FuzzVerifySliver: what is taken for a sliver is the one of its place, byte for byte.
func FuzzVerifySliver(f *testing.F) {
	b := random(int(2*Group + Unit + 77))
	size, root := potluck.Size(len(b)), Sum(b)
	for _, c := range []struct {
		first int64
		count int
	}{{0, 1}, {2, 4}, {9, 1}, {8, 2}} {
		f.Add(sliver(f, b, c.first, c.count), int64(size), c.first, c.count)
	}
	f.Add([]byte{}, int64(-1), int64(1)<<62, -5)
	f.Fuzz(func(t *testing.T, s []byte, dataLen, first int64, count int) {
		data, err := VerifySliver(s, potluck.Size(dataLen), first, count, root)
		if err != nil {
			return
		}
		off, n := UnitRange(size, first, count)
		if potluck.Size(dataLen) != size || !bytes.Equal(data, b[off:off+n]) || !bytes.Equal(s, sliver(t, b, first, count)) {
			t.Fatalf("%d bytes were taken for units %d+%d of %d", len(s), first, count, dataLen)
		}
	})
}

func BenchmarkSliver(b *testing.B) {
	const size = 64 * potluck.MiB
	data := make([]byte, size)
	coarse, fine, root := slice(b, data, Group, Unit), sliver(b, data, 4, 1), Sum(data)
	b.Run("make", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Sliver(coarse, size, 4, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := VerifySliver(fine, size, 4, 1, root); err != nil {
				b.Fatal(err)
			}
		}
	})
}
