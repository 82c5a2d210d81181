package shares

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/zeebo/blake3"
	"lukechampine.com/blake3/bao"
	"pgregory.net/rapid"

	"potluck"
)

// random gives n bytes that depend on n alone.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b) // never fails
	return b
}

// edges are lengths on and beside every edge of chunk, unit and group.
func edges() []int {
	ns := []int{0, 1}
	for _, e := range []int{64, 1024, 2048, unit, 2 * unit, 3 * unit, int(Group), 2 * int(Group), 3 * int(Group), 5 * int(Group), 8 * int(Group), 23*int(Group) + unit} {
		ns = append(ns, e-1, e, e+1)
	}
	return ns
}

// hashed writes b in pieces of at most most bytes.
func hashed(h *Hasher, b []byte, most int) *Hasher {
	for len(b) > 0 {
		n := min(len(b), most)
		if _, err := h.Write(b[:n]); err != nil {
			panic(err)
		}
		b = b[n:]
	}
	return h
}

func TestHasherIsBLAKE3AndBao(t *testing.T) {
	for _, n := range edges() {
		b := random(n)
		root := potluck.Digest(blake3.Sum256(b))
		outboard, baoRoot := bao.EncodeBuf(b, GroupLog, true)
		if root != baoRoot {
			t.Fatal("the libraries differ")
		}
		for _, most := range []int{7, 1000, unit, unit + 1, 1 << 20} {
			if most < 100 && n > 100_000 {
				continue
			}
			h := hashed(NewHasher(potluck.Size(n)), b, most)
			if h.Sum() != root || hashed(NewRootHasher(potluck.Size(n)), b, most).Sum() != root || Sum(b) != root {
				t.Fatalf("root of %d bytes in pieces of %d differs", n, most)
			}
			if !bytes.Equal(h.Outboard(), outboard) {
				t.Fatalf("outboard of %d bytes in pieces of %d differs", n, most)
			}
			var w bytes.Buffer
			if err := h.WriteOutboard(&w); err != nil || !bytes.Equal(w.Bytes(), outboard) {
				t.Fatalf("written outboard of %d bytes differs: %v", n, err)
			}
		}
		if outboardLen(potluck.Size(n)) != potluck.Size(len(outboard)) {
			t.Fatalf("outboard of %d bytes has %d, want %d", n, len(outboard), outboardLen(potluck.Size(n)))
		}
		if !bao.VerifyBuf(b, outboard, GroupLog, root) {
			t.Fatalf("the library refuses the outboard of %d bytes", n)
		}
	}
}

// TestHasherOfManyPages has more nodes than one page and one buffer hold.
func TestHasherOfManyPages(t *testing.T) {
	const size = 3*pageNodes*int(Group) + 12345
	b := make([]byte, size)
	h := hashed(NewHasher(potluck.Size(size)), b, 1<<20)
	want, root := bao.EncodeBuf(b, GroupLog, true)
	var got bytes.Buffer
	if err := h.WriteOutboard(&got); err != nil {
		t.Fatal(err)
	}
	if h.Sum() != root || !bytes.Equal(got.Bytes(), want) || !bytes.Equal(h.Outboard(), want) {
		t.Fatal("outboard differs")
	}
}

func TestHasherBounds(t *testing.T) {
	for _, h := range []*Hasher{NewHasher(5), NewRootHasher(5)} {
		if _, err := h.Write(make([]byte, 6)); !errors.Is(err, ErrTooLong) {
			t.Fatalf("6 of 5 bytes: %v", err)
		}
		if n, err := h.Write([]byte("pot")); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if h.Sum() != (potluck.Digest{}) || h.Outboard() != nil || h.WriteOutboard(io.Discard) == nil {
			t.Fatal("there is a root before all bytes are there")
		}
		if n, err := h.Write([]byte("lu")); n != 2 || err != nil || h.Sum() != Sum([]byte("potlu")) {
			t.Fatal(n, err, h.Sum())
		}
		if _, err := h.Write([]byte{1}); !errors.Is(err, ErrTooLong) {
			t.Fatalf("one more byte: %v", err)
		}
	}
}

func TestHasherAllocatesNothingPerWrite(t *testing.T) {
	piece := make([]byte, 1<<16+100)
	for name, h := range map[string]*Hasher{"tree": NewHasher(1 << 40), "root": NewRootHasher(1 << 40)} {
		_, _ = h.Write(piece) // the first page
		if n := testing.AllocsPerRun(200, func() { _, _ = h.Write(piece) }); n != 0 {
			t.Errorf("%s: %v allocations a write", name, n)
		}
	}
}

func slice(t testing.TB, b []byte, off, n potluck.Size) []byte {
	t.Helper()
	h := hashed(NewHasher(potluck.Size(len(b))), b, 1<<20)
	var s bytes.Buffer
	if err := Slice(&s, bytes.NewReader(b), bytes.NewReader(h.Outboard()), potluck.Size(len(b)), off, n); err != nil {
		t.Fatal(err)
	}
	return s.Bytes()
}

// TestSlices compares slices with the library's, both ways, and with the bytes.
func TestSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.SampledFrom(edges()[1:]), rapid.IntRange(1, 30*int(Group))).Draw(t, "size")
		off := rapid.IntRange(0, size-1).Draw(t, "off")
		n := rapid.IntRange(1, size-off).Draw(t, "n")
		b := random(size)
		h := hashed(NewHasher(potluck.Size(size)), b, 1<<20)
		outboard := h.Outboard()

		var s, theirs, data, again bytes.Buffer
		err := Slice(&s, bytes.NewReader(b), bytes.NewReader(outboard), potluck.Size(size), potluck.Size(off), potluck.Size(n))
		if err != nil {
			t.Fatal(err)
		}
		inSlice := b[off/int(Group)*int(Group):] // the library wants only the groups in the slice
		if err := bao.ExtractSlice(&theirs, bytes.NewReader(inSlice), bytes.NewReader(outboard), GroupLog, uint64(off), uint64(n)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Bytes(), theirs.Bytes()) {
			t.Fatal("slice isn't the library's")
		}
		if l := SliceLen(potluck.Size(size), potluck.Size(off), potluck.Size(n)); l != potluck.Size(s.Len()) {
			t.Fatalf("slice has %d bytes, want %d", s.Len(), l)
		}
		if ok, err := bao.DecodeSlice(&data, bytes.NewReader(s.Bytes()), GroupLog, uint64(off), uint64(n), h.Sum()); !ok || err != nil {
			t.Fatal("the library refuses the slice", err)
		}
		more := io.MultiReader(bytes.NewReader(s.Bytes()), bytes.NewReader([]byte("more")))
		if err := VerifySlice(&again, more, potluck.Size(size), potluck.Size(off), potluck.Size(n), h.Sum()); err != nil {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(more); string(rest) != "more" {
			t.Fatalf("after the slice there is %q", rest)
		}
		if !bytes.Equal(data.Bytes(), b[off:off+n]) || !bytes.Equal(again.Bytes(), b[off:off+n]) {
			t.Fatal("verified bytes differ")
		}
	})
}

// TestSliceNoBitMayChange flips every bit of a slice's tree and of some of its
// data, and cuts it everywhere: nothing wrong is ever written.
func TestSliceNoBitMayChange(t *testing.T) {
	size := 3*Group + 100
	b := random(int(size))
	off, n := Group+5, Group+50
	good := slice(t, b, off, n)
	root := Sum(b)
	check := func(s []byte, what string, at int) {
		var out bytes.Buffer
		err := VerifySlice(&out, bytes.NewReader(s), size, off, n, root)
		if err == nil {
			t.Fatalf("%s at %d was accepted", what, at)
		}
		if !bytes.HasPrefix(b[off:off+n], out.Bytes()) {
			t.Fatalf("%s at %d: wrong bytes came out", what, at)
		}
		var corrupt *CorruptError
		if what == "cut" && !errors.Is(err, io.ErrUnexpectedEOF) || what == "flip" && !errors.As(err, &corrupt) {
			t.Fatalf("%s at %d: error is %v", what, at, err)
		}
	}
	for bit := 0; bit < 8*len(good); bit++ {
		if bit > 8*300 && bit%997 != 0 {
			continue
		}
		good[bit/8] ^= 1 << (bit % 8)
		check(good, "flip", bit)
		good[bit/8] ^= 1 << (bit % 8)
	}
	for cut := 0; cut < len(good); cut += 1 + cut/200 {
		check(good[:cut], "cut", cut)
	}
}

// TestSliceIsOfOneShare: a slice is refused for every other root, range and length.
func TestSliceIsOfOneShare(t *testing.T) {
	b := random(int(2*Group + 7))
	size := potluck.Size(len(b))
	good := slice(t, b, Group, 10)
	for _, c := range []struct {
		size, off, n potluck.Size
		root         potluck.Digest
	}{
		{size, Group, 10, Sum(b[1:])}, {size - 1, Group, 10, Sum(b)}, {size + 1, Group, 10, Sum(b)},
		{size, 0, 10, Sum(b)}, {size, Group - 1, 10, Sum(b)}, {size, 2 * Group, 7, Sum(b)}, {size, Group, 0, Sum(b)},
		{size, -1, 1, Sum(b)}, {size, size, 1, Sum(b)}, {1 << 62, 0, 1, Sum(b)}, {size, 1<<63 - 1, 1<<63 - 1, Sum(b)},
	} {
		var out bytes.Buffer
		if err := VerifySlice(&out, bytes.NewReader(good), c.size, c.off, c.n, c.root); err == nil || out.Len() > 0 {
			t.Errorf("%+v: %d bytes were accepted", c, out.Len())
		}
	}
}

func TestSliceErrors(t *testing.T) {
	b := random(int(2 * Group))
	size := potluck.Size(len(b))
	outboard := hashed(NewHasher(size), b, 1<<20).Outboard()
	failing := errors.New("no more")
	for name, c := range map[string]struct {
		data, tree []byte
		dst        io.Writer
		want       error
	}{
		"short data": {b[:len(b)-1], outboard, io.Discard, io.ErrUnexpectedEOF},
		"short tree": {b, outboard[:50], io.Discard, io.ErrUnexpectedEOF},
		"writer":     {b, outboard, failingWriter{failing}, failing},
	} {
		err := Slice(c.dst, bytes.NewReader(c.data), bytes.NewReader(c.tree), size, 0, size)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
	err := VerifySlice(failingWriter{failing}, bytes.NewReader(slice(t, b, 0, size)), size, 0, size, Sum(b))
	if !errors.Is(err, failing) {
		t.Errorf("verify: error is %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// TestVerifyTakesLittleMemory: the same few allocations whatever the length.
func TestVerifyTakesLittleMemory(t *testing.T) {
	b := make([]byte, 32*Group)
	s := slice(t, b, 0, 32*Group)
	root := Sum(b)
	n := testing.AllocsPerRun(10, func() {
		if err := VerifySlice(io.Discard, bytes.NewReader(s), 32*Group, 0, 32*Group, root); err != nil {
			t.Fatal(err)
		}
	})
	if n > 4 {
		t.Errorf("%v allocations to verify 32 groups", n)
	}
}
