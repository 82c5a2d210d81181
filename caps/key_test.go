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

// pieces digests the stripes, which are cut here without the product's help.
func (c content) pieces() (digests []potluck.Digest) {
	conv := NewConverger(c.secret, c.layout)
	for p := range slices.Chunk(c.data, int(c.layout.K)*int(c.layout.Block)) {
		digests = append(digests, conv.Digest(p))
	}
	return digests
}

func (c content) key() Key { return NewConverger(c.secret, c.layout).Key(c.pieces()) }

func TestConvergentKeyBindsEverything(t *testing.T) {
	const block, stripe = 2 << 10, 6 << 10
	data := make([]byte, 2*stripe+5)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 1000, stripe - 1, stripe, stripe + 1, 2 * stripe, 2*stripe + 5}).Draw(t, "size")
		a := content{layout: potluck.Layout{Suite: 1, K: 3, N: 10, Block: block, Size: potluck.Size(n)}, data: data[:n]}
		if ka, again := a.key(), a.key(); ka != again {
			t.Fatal("equal content gives two keys")
		}
		b := a
		switch rapid.IntRange(0, 8).Draw(t, "change") {
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
		case 8: // the same stripes of other blocks
			b.layout.K, b.layout.Block = 2*a.layout.K, a.layout.Block/2
		}
		ka, kb := a.key(), b.key()
		if ka == kb || ka.StorageIndex() == kb.StorageIndex() {
			t.Fatal("a change kept the key")
		}
	})
}

func TestConvergentKeyBindsOrder(t *testing.T) {
	c := NewConverger(Secret{1}, potluck.Layout{Suite: 1, K: 1, N: 2, Block: 1 << 10, Size: 3 << 10})
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
	l := potluck.Layout{Suite: 1, K: 1, N: 2, Block: 1 << 10, Size: 1}
	piece := append(appendLayout(nil, l), make([]byte, 32)...) // just what the key of one zero digest hashes
	c := NewConverger(Secret{1}, l)
	d, k := c.Digest(piece), c.Key([]potluck.Digest{{}})
	if bytes.Equal(d[:], k[:]) {
		t.Error("piece digest equals key")
	}
	if NewConverger(Secret{2}, l).Digest(piece) == d {
		t.Error("two secrets give equal digests")
	}
}

// panics tells whether a call panics with a message of this package, not of the
// runtime.
func panics(call func()) (own bool) {
	defer func() {
		message, _ := recover().(string)
		own = strings.HasPrefix(message, "caps: ")
	}()
	call()
	return false
}

func TestLiteralRefusesLargeData(t *testing.T) {
	if !panics(func() { Literal{Data: make([]byte, LiteralMax+1)}.Text() }) {
		t.Error("no panic")
	}
}

func TestConvergerTakesStripesOnly(t *testing.T) {
	longest := make([]byte, 255*8<<10+1)
	rapid.Check(t, func(t *rapid.T) {
		l := potluck.Layout{Suite: 1, N: 255,
			K:     rapid.Uint8Range(1, 255).Draw(t, "k"),
			Block: 1 << 10 << rapid.IntRange(0, 3).Draw(t, "block"),
		}
		stripe := int(l.K) * int(l.Block)
		whole := rapid.IntRange(0, 20).Draw(t, "whole stripes")
		rest := rapid.SampledFrom([]int{1, 2, stripe / 2, stripe - 1, stripe}).Draw(t, "rest")
		l.Size = potluck.Size(whole*stripe + rest)
		c, pieces := NewConverger(Secret{}, l), make([]potluck.Digest, whole+2)
		for n := range pieces {
			if refused := panics(func() { c.Key(pieces[:n]) }); refused != (n != whole+1) {
				t.Fatalf("%+v: %d pieces refused: %t", l, n, refused)
			}
		}
		if !panics(func() { c.Key(append(pieces, potluck.Digest{})) }) {
			t.Fatalf("%+v: %d pieces taken", l, whole+3)
		}
		for n, want := range map[int]bool{0: true, 1: false, rest: false, stripe: false, stripe + 1: true} {
			if refused := panics(func() { c.Digest(longest[:n]) }); refused != want {
				t.Fatalf("%+v: piece of %d bytes refused: %t", l, n, refused)
			}
		}
	})
}

func TestDigestConcurrently(t *testing.T) {
	c := NewConverger(Secret{1}, potluck.Layout{Suite: 1, K: 1, N: 2, Block: 1 << 10, Size: 5})
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
