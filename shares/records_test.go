package shares_test

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/shares"
	"potluck/shares/storetest"
)

func layout(t testing.TB, k, n int, size potluck.Size) potluck.Layout {
	t.Helper()
	l, err := shares.NewLayout(k, n, size)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func digestOf(t *rapid.T, name string) (d potluck.Digest) {
	copy(d[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
	return d
}

func TestRecordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := potluck.Layout{
			Suite: potluck.SuiteOne,
			K:     uint8(rapid.IntRange(1, 255).Draw(t, "k")),
			Block: 1 << rapid.IntRange(10, 18).Draw(t, "block"),
			Size:  potluck.Size(rapid.Int64Range(1, int64(potluck.MaxSize)).Draw(t, "size")),
		}
		l.N = uint8(rapid.IntRange(int(l.K), 255).Draw(t, "n"))
		m := shares.Manifest{Layout: l, Crosscheck: digestOf(t, "crosscheck")}
		index := digestOf(t, "index")
		copy(m.Index[:], index[:])
		for range l.N {
			m.Roots = append(m.Roots, digestOf(t, "root"))
		}
		b := m.Marshal()
		if len(b) != shares.ManifestLen(l) || shares.Sum(b) != m.Digest() {
			t.Fatalf("manifest has %d bytes, want %d", len(b), shares.ManifestLen(l))
		}
		again, err := shares.ParseManifest(b)
		if err != nil || !bytes.Equal(again.Marshal(), b) || again.Layout != l || again.Index != m.Index ||
			again.Crosscheck != m.Crosscheck || !slices.Equal(again.Roots, m.Roots) {
			t.Fatalf("manifest %+v came back as %+v, %v", m, again, err)
		}

		h := shares.Header{
			ID:      potluck.ShareID{Index: m.Index, Number: potluck.ShareNumber(rapid.IntRange(0, int(l.N)-1).Draw(t, "number"))},
			Layout:  l,
			Owner:   digestOf(t, "owner"),
			Created: rapid.Int64().Draw(t, "created"),
		}
		if rapid.Bool().Draw(t, "complete") {
			h.Root, h.Manifest = shares.Sum(h.Owner[:]), m.Digest()
		}
		head := h.Marshal()
		if back, err := shares.ParseHeader(head[:]); err != nil || back != h {
			t.Fatalf("header %+v came back as %+v, %v", h, back, err)
		}
	})
}

// reseal gives a header's bytes a checksum that fits, so that what is behind
// the checksum is tested too.
func reseal(b []byte) []byte {
	sum := shares.Sum(b[:224])
	copy(b[224:], sum[:])
	return b
}

func TestHeaderRefuses(t *testing.T) {
	s := storetest.NewSet(t, layout(t, 2, 3, 100), 1)
	good := s.Stored(t, 1)[:shares.HeaderLen]
	if _, err := shares.ParseHeader(good); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * shares.HeaderLen {
		b := bytes.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		if h, err := shares.ParseHeader(b); err == nil {
			t.Errorf("bit %d was flipped and %+v accepted", bit, h)
		}
	}
	for n := range 2 * shares.HeaderLen {
		if n != shares.HeaderLen {
			if _, err := shares.ParseHeader(append(good, good...)[:n]); err == nil {
				t.Errorf("%d bytes were accepted", n)
			}
		}
	}
	for name, change := range map[string]func(b []byte){
		"magic":          func(b []byte) { b[0] = 'p' },
		"version":        func(b []byte) { b[7] = 2 },
		"suite":          func(b []byte) { b[24] = 2 },
		"k of 0":         func(b []byte) { b[25] = 0 },
		"k above n":      func(b []byte) { b[25] = 4 },
		"number n":       func(b []byte) { b[27] = 3 },
		"block of 1000":  func(b []byte) { b[30], b[31] = 0x03, 0xe8 },
		"size of 2^56+1": func(b []byte) { b[32], b[39] = 1, 1 },
		"size of 2^63":   func(b []byte) { b[32] = 0x80 },
		"size of 0":      func(b []byte) { clear(b[32:40]) },
		"no root":        func(b []byte) { clear(b[80:112]) },
		"no manifest":    func(b []byte) { clear(b[112:144]) },
		"first padding":  func(b []byte) { b[144] = 1 },
		"last padding":   func(b []byte) { b[223] = 1 },
	} {
		b := bytes.Clone(good)
		change(b)
		if h, err := shares.ParseHeader(reseal(b)); err == nil {
			t.Errorf("%s: %+v was accepted", name, h)
		}
	}
}

func TestManifestRefuses(t *testing.T) {
	s := storetest.NewSet(t, layout(t, 2, 3, 100), 1)
	for n := range 2 * len(s.Manifest) {
		if n != len(s.Manifest) {
			if _, err := shares.ParseManifest(slices.Concat(s.Manifest, s.Manifest)[:n]); err == nil {
				t.Errorf("%d bytes were accepted", n)
			}
		}
	}
	for name, change := range map[string]func(b []byte){
		"magic":         func(b []byte) { b[0] = 'p' },
		"version":       func(b []byte) { b[7] = 2 },
		"suite":         func(b []byte) { b[8] = 0 },
		"k of 0":        func(b []byte) { b[9] = 0 },
		"k above n":     func(b []byte) { b[9] = 4 },
		"another n":     func(b []byte) { b[10] = 4 },
		"reserved":      func(b []byte) { b[11] = 1 },
		"block of 2^19": func(b []byte) { b[13], b[14], b[15] = 8, 0, 0 },
		"size of 2^63":  func(b []byte) { b[16] = 0x80 },
		"size of 0":     func(b []byte) { clear(b[16:24]) },
	} {
		b := bytes.Clone(s.Manifest)
		change(b)
		if m, err := shares.ParseManifest(b); err == nil {
			t.Errorf("%s: %+v was accepted", name, m)
		}
	}
}

// TestNoBitOfAManifestMayChange: whatever is flipped, the digest that is in the
// cap differs, and so does what a share is sealed against.
func TestNoBitOfAManifestMayChange(t *testing.T) {
	s := storetest.NewSet(t, layout(t, 2, 3, 100), 1)
	want, h := shares.Sum(s.Manifest), s.Header(1)
	if _, err := shares.Seal(h, shares.Sum(s.Data[1]), s.Manifest, s.Crosscheck); err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(s.Manifest) {
		b := bytes.Clone(s.Manifest)
		b[bit/8] ^= 1 << (bit % 8)
		if shares.Sum(b) == want {
			t.Fatalf("bit %d doesn't change the digest", bit)
		}
		sealed, err := shares.Seal(h, shares.Sum(s.Data[1]), b, s.Crosscheck)
		if err == nil && sealed.Manifest == want { // roots of other shares aren't known here
			t.Fatalf("bit %d was flipped and sealed", bit)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	for i, l := range storetest.Layouts(f)[:4] {
		f.Add(storetest.NewSet(f, l, uint64(i)).Manifest)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := shares.ParseManifest(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Marshal(), b) {
			t.Fatalf("%x was read as %+v, which is %x", b, m, m.Marshal())
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	s := storetest.NewSet(f, layout(f, 2, 3, 100), 1)
	f.Add(s.Stored(f, 2)[:shares.HeaderLen])
	coming := s.Header(0).Marshal()
	f.Add(coming[:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == shares.HeaderLen {
			b = reseal(bytes.Clone(b)) // or no input would pass the checksum
		}
		h, err := shares.ParseHeader(b)
		if err != nil {
			return
		}
		if again := h.Marshal(); !bytes.Equal(again[:], b) {
			t.Fatalf("%x was read as %+v, which is %x", b, h, again)
		}
	})
}

// FuzzVerifySlice: whatever comes, what goes out is right, and in order.
func FuzzVerifySlice(f *testing.F) {
	data := make([]byte, 3*shares.Group+100)
	for i := range data {
		data[i] = byte(i % 251)
	}
	size := potluck.Size(len(data))
	h := shares.NewHasher(size)
	if _, err := h.Write(data); err != nil {
		f.Fatal(err)
	}
	whole := func(off, n potluck.Size) []byte {
		var b bytes.Buffer
		if err := shares.Slice(&b, bytes.NewReader(data), bytes.NewReader(h.Outboard()), size, off, n); err != nil {
			f.Fatal(err)
		}
		return b.Bytes()
	}
	// The fuzzer changes few bytes of a small input: patch says what to put where.
	f.Add(int64(0), int64(size), uint32(0), []byte{})
	f.Add(int64(70_000), int64(10), uint32(8), []byte{1})
	f.Add(int64(size-1), int64(1), uint32(100), []byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, off, n int64, at uint32, patch []byte) {
		length := shares.SliceLen(size, potluck.Size(off), potluck.Size(n))
		if length == 0 {
			if shares.VerifySlice(new(bytes.Buffer), bytes.NewReader(data), size, potluck.Size(off), potluck.Size(n), h.Sum()) == nil {
				t.Fatalf("range of %d from %d was accepted", n, off)
			}
			return
		}
		good := whole(potluck.Size(off), potluck.Size(n))
		bad := bytes.Clone(good)
		copy(bad[at%uint32(len(bad)):], patch)
		var out bytes.Buffer
		err := shares.VerifySlice(&out, bytes.NewReader(bad), size, potluck.Size(off), potluck.Size(n), h.Sum())
		if (err == nil) != bytes.Equal(good, bad) {
			t.Fatalf("slice of %d from %d with %x at %d: %v", n, off, patch, at, err)
		}
		if !bytes.HasPrefix(data[off:off+n], out.Bytes()) || err == nil && out.Len() != int(n) {
			t.Fatal("wrong bytes came out")
		}
	})
}
