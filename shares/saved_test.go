package shares

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

// TestSavedHasherGoesOn: a Hasher that was saved at any points, and loaded from
// what is left of that, makes the same root and tree.
func TestSavedHasherGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 40*unit).Draw(t, "size")
		data := random(size)
		h := NewHasher(potluck.Size(size))
		var saved bytes.Buffer
		var covered potluck.Size
		for at := 0; at < size && rapid.IntRange(0, 5).Draw(t, "go on") > 0; {
			n := rapid.IntRange(1, size-at).Draw(t, "written")
			if _, err := h.Write(data[at : at+n]); err != nil {
				t.Fatal(err)
			}
			at += n
			before := saved.Len()
			c, n64, err := h.Save(&saved)
			if err != nil || int(n64) != saved.Len()-before || c < covered || int(c) > at || at < size && int(c) != at/unit*unit {
				t.Fatalf("saved %d bytes after %d, said %d bytes, %d covered: %v", saved.Len()-before, at, n64, c, err)
			}
			covered = c
		}
		left := saved.Bytes()
		cut := rapid.IntRange(0, len(left)).Draw(t, "left")
		left = append(bytes.Clone(left[:cut]), rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "garbage")...)
		again, from, used := LoadHasher(potluck.Size(size), bytes.NewReader(left))
		if int(used) > cut || from > covered || cut == saved.Len() && (from != covered || int(used) != cut) {
			t.Fatalf("%d of %d bytes used, %d of %d covered", used, cut, from, covered)
		}
		if _, err := again.Write(data[from:]); err != nil {
			t.Fatal(err)
		}
		want := NewHasher(potluck.Size(size))
		if _, err := want.Write(data); err != nil {
			t.Fatal(err)
		}
		if again.Sum() != want.Sum() || !bytes.Equal(again.Outboard(), want.Outboard()) {
			t.Fatal("another tree")
		}
	})
}

// TestSavedPartsAreBound: a part with one wrong bit counts for nothing.
func TestSavedPartsAreBound(t *testing.T) {
	data := random(30 * unit)
	h := NewHasher(40 * unit)
	var saved bytes.Buffer
	var first int64
	for part := range 2 {
		if _, err := h.Write(data[part*15*unit : (part+1)*15*unit]); err != nil {
			t.Fatal(err)
		}
		_, n, err := h.Save(&saved)
		if err != nil {
			t.Fatal(err)
		}
		if part == 0 {
			first = n
		}
	}
	for at := range saved.Len() {
		b := bytes.Clone(saved.Bytes())
		b[at] ^= 1
		want := first
		if int64(at) < first {
			want = 0
		}
		if _, _, used := LoadHasher(40*unit, bytes.NewReader(b)); used != want {
			t.Fatalf("with a wrong bit at %d, %d bytes count, want %d", at, used, want)
		}
	}
}

func FuzzLoadHasher(f *testing.F) {
	h := NewHasher(100 * unit)
	var saved bytes.Buffer
	for range 3 {
		if _, err := h.Write(make([]byte, 20*unit)); err != nil {
			f.Fatal(err)
		}
		if _, _, err := h.Save(&saved); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(int64(100*unit), saved.Bytes())
	f.Add(int64(0), []byte{})
	f.Fuzz(func(t *testing.T, size int64, b []byte) {
		if size < 0 || size > int64(potluck.MaxSize) {
			return
		}
		h, covered, used := LoadHasher(potluck.Size(size), bytes.NewReader(b))
		if used < 0 || used > int64(len(b)) || covered < 0 || covered > potluck.Size(size) {
			t.Fatalf("%d of %d bytes used, %d of %d covered", used, len(b), covered, size)
		}
		if _, again, same := LoadHasher(potluck.Size(size), bytes.NewReader(b[:used])); again != covered || same != used {
			t.Fatalf("what counts gives %d bytes covered, not %d", again, covered)
		}
		if h.Sum() != (potluck.Digest{}) && size > 0 {
			t.Fatal("a root without the last bytes")
		}
	})
}
