package caps

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"potluck"
)

func TestRandomKey(t *testing.T) {
	from := bytes.Repeat([]byte{1, 2, 3, 4}, 16)
	r := bytes.NewReader(from)
	a, err := RandomKey(r)
	if err != nil || !bytes.Equal(a[:], from[:32]) || r.Len() != 32 {
		t.Fatalf("key %x, %d bytes left, %v", [32]byte(a), r.Len(), err)
	}
	k, err := RandomKey(bytes.NewReader(from[:31]))
	if !errors.Is(err, io.ErrUnexpectedEOF) || k != (Key{}) || !strings.Contains(err.Error(), "31 of 32 bytes") {
		t.Errorf("short source gives %v", err)
	}
}

func TestSubkeysAreIndependent(t *testing.T) {
	seen := map[string]string{}
	for i := range 64 {
		k := Key{byte(i)}
		s, x := k.subkeys(), k.StorageIndex()
		for name, b := range map[string][]byte{"key": k[:16], "index": x[:], "salsa": s.salsa[:16], "nonce": s.nonce[:], "aes": s.aes[:16]} {
			if other, ok := seen[string(b)]; ok {
				t.Fatalf("key %d: %s equals %s", i, name, other)
			}
			seen[string(b)] = name
		}
	}
}

// content is what goes into one convergent key.
type content struct {
	secret Secret
	layout potluck.Layout
	data   []byte
}

func (c content) key() Key {
	conv := NewConverger(c.secret, c.layout)
	var pieces []potluck.Digest
	for p := range slices.Chunk(c.data, PieceSize) {
		pieces = append(pieces, conv.Digest(p))
	}
	return conv.Key(pieces)
}

func TestConvergentKeyBindsEverything(t *testing.T) {
	data := make([]byte, 2*PieceSize+5)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 1000, PieceSize, PieceSize + 1, 2*PieceSize + 5}).Draw(t, "size")
		a := content{layout: potluck.Layout{Suite: 1, K: 3, N: 10, Block: 1 << 18, Size: potluck.Size(n)}, data: data[:n]}
		if ka, again := a.key(), a.key(); ka != again {
			t.Fatal("equal content gives two keys")
		}
		b := a
		switch rapid.IntRange(0, 7).Draw(t, "change") {
		case 0:
			b.secret[rapid.IntRange(0, 31).Draw(t, "at")] ^= 1
		case 1:
			b.layout.Suite++
		case 2:
			b.layout.K++
		case 3:
			b.layout.N++
		case 4:
			b.layout.Block >>= 1
		case 5: // the same bytes and one more
			b.data = append(slices.Clone(a.data), 0)
			b.layout.Size++
		case 6:
			b.data = slices.Clone(a.data)
			b.data[rapid.IntRange(0, n-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "xor"))
		case 7: // k and n exchanged
			b.layout.K, b.layout.N = a.layout.N, a.layout.K
		}
		ka, kb := a.key(), b.key()
		if ka == kb || ka.StorageIndex() == kb.StorageIndex() {
			t.Fatal("a change kept the key")
		}
	})
}

func TestConvergentKeyBindsOrder(t *testing.T) {
	c := NewConverger(Secret{1}, potluck.Layout{Suite: 1, K: 1, N: 2, Block: 1 << 10, Size: 3 * PieceSize})
	a, b := potluck.Digest{1}, potluck.Digest{2}
	seen := map[Key]bool{}
	for _, pieces := range [][]potluck.Digest{{a, a, b}, {a, b, a}, {b, a, a}, {b, b, a}} {
		seen[c.Key(pieces)] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 lists of pieces give %d keys", len(seen))
	}
}

func TestPieceKeyIsNotContentKey(t *testing.T) {
	piece := make([]byte, layoutLen+32) // as long as what a key of one piece hashes
	c := NewConverger(Secret{1}, potluck.Layout{Size: 1})
	d, k := c.Digest(piece), c.Key([]potluck.Digest{{}})
	if bytes.Equal(d[:], k[:]) {
		t.Error("piece digest equals key")
	}
	if NewConverger(Secret{2}, potluck.Layout{Size: 1}).Digest(piece) == d {
		t.Error("two secrets give equal digests")
	}
}

func TestConvergerRefusesFaults(t *testing.T) {
	c := NewConverger(Secret{}, potluck.Layout{Size: PieceSize + 1})
	for name, call := range map[string]func(){
		"empty piece":     func() { c.Digest(nil) },
		"oversized piece": func() { c.Digest(make([]byte, PieceSize+1)) },
		"missing piece":   func() { c.Key(make([]potluck.Digest, 1)) },
		"spare piece":     func() { c.Key(make([]potluck.Digest, 3)) },
		"large literal":   func() { Literal{Data: make([]byte, LiteralMax+1)}.Text() },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func TestDigestConcurrently(t *testing.T) {
	c := NewConverger(Secret{1}, potluck.Layout{Size: 4})
	want := c.Digest([]byte("piece"))
	done := make(chan bool)
	for range 8 {
		go func() { done <- c.Digest([]byte("piece")) == want }()
	}
	for range 8 {
		if !<-done {
			t.Error("digests differ")
		}
	}
}
