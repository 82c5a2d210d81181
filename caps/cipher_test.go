package caps

import (
	"bytes"
	"crypto/aes"
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// salsaRounds is the Salsa20 core without the final addition, straight from the
// specification of Salsa20 and XSalsa20.
func salsaRounds(x [16]uint32) [16]uint32 {
	quarter := func(a, b, c, d int) {
		x[b] ^= bits.RotateLeft32(x[a]+x[d], 7)
		x[c] ^= bits.RotateLeft32(x[b]+x[a], 9)
		x[d] ^= bits.RotateLeft32(x[c]+x[b], 13)
		x[a] ^= bits.RotateLeft32(x[d]+x[c], 18)
	}
	for range 10 {
		for i := range 4 {
			quarter(5*i, (5*i+4)%16, (5*i+8)%16, (5*i+12)%16)
		}
		for i := range 4 {
			quarter(5*i, 4*i+(i+1)%4, 4*i+(i+2)%4, 4*i+(i+3)%4)
		}
	}
	return x
}

func salsaState(key [32]byte, input [16]byte) (x [16]uint32) {
	const sigma = "expand 32-byte k"
	for i := range 4 {
		x[5*i] = binary.LittleEndian.Uint32([]byte(sigma[4*i:]))
		x[1+i] = binary.LittleEndian.Uint32(key[4*i:])
		x[6+i] = binary.LittleEndian.Uint32(input[4*i:])
		x[11+i] = binary.LittleEndian.Uint32(key[16+4*i:])
	}
	return x
}

func salsaBlock(key [32]byte, nonce [8]byte, counter uint64) (out [64]byte) {
	var input [16]byte
	copy(input[:], nonce[:])
	binary.LittleEndian.PutUint64(input[8:], counter)
	x := salsaState(key, input)
	for i, w := range salsaRounds(x) {
		binary.LittleEndian.PutUint32(out[4*i:], w+x[i])
	}
	return out
}

func hsalsa(key [32]byte, input [16]byte) (out [32]byte) {
	x := salsaRounds(salsaState(key, input))
	for i, at := range []int{0, 5, 10, 15, 6, 7, 8, 9} {
		binary.LittleEndian.PutUint32(out[4*i:], x[at])
	}
	return out
}

// model gives the stream byte by byte from single blocks, and notes for which
// place in the file each block of each half is used.
type model struct {
	subkeys
	salsaUsed map[salsaID]int64
	aesUsed   map[[16]byte]int64
	blocks    map[any][]byte
}

type salsaID struct {
	nonce   [24]byte
	counter uint64
}

func newModel(k Key) *model {
	return &model{k.subkeys(), map[salsaID]int64{}, map[[16]byte]int64{}, map[any][]byte{}}
}

// at gives the stream's byte at position p, or false when that takes a block
// that is in use for another place.
func (m *model) at(p int64) (byte, bool) {
	segment, i := uint64(p)/65536, uint64(p)%65536

	id := salsaID{counter: i / 64}
	copy(id.nonce[:], m.nonce[:])
	binary.BigEndian.PutUint64(id.nonce[16:], segment)
	if m.blocks[id] == nil {
		b := salsaBlock(hsalsa(m.salsa, [16]byte(id.nonce[:16])), [8]byte(id.nonce[16:]), id.counter)
		m.blocks[id] = b[:]
	}
	var counter [16]byte
	binary.BigEndian.PutUint64(counter[:8], segment)
	binary.BigEndian.PutUint64(counter[8:], i/16)
	if m.blocks[counter] == nil {
		block, _ := aes.NewCipher(m.aes[:])
		b := make([]byte, 16)
		block.Encrypt(b, counter[:])
		m.blocks[counter] = b
	}
	s, salsaSeen := m.salsaUsed[id]
	a, aesSeen := m.aesUsed[counter]
	fresh := (!salsaSeen || s == p/64) && (!aesSeen || a == p/16)
	m.salsaUsed[id], m.aesUsed[counter] = p/64, p/16
	return m.blocks[id][i%64] ^ m.blocks[counter][i%16], fresh
}

// offsets are those where something could go wrong: around blocks, segments,
// 2^32 segments' carries and the end of the stream.
func offsets() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		base := rapid.SampledFrom([]int64{0, 1 << 16, 2 << 16, 255 << 16, 256 << 16, 1 << 32, 1 << 48, 1 << 56, math.MaxInt64 - 3<<16}).Draw(t, "base")
		near := rapid.OneOf(rapid.Int64Range(-200, 200), rapid.Int64Range(-2*Segment, 2*Segment)).Draw(t, "near")
		return max(0, base+near)
	})
}

func TestNoBlockIsUsedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))
		c, m := NewCipher(k), newModel(k)
		for range rapid.IntRange(1, 12).Draw(t, "accesses") {
			offset, n := offsets().Draw(t, "offset"), rapid.IntRange(0, 700).Draw(t, "length")
			got := make([]byte, n)
			c.XOR(got, got, offset)
			for i := range got {
				want, fresh := m.at(offset + int64(i))
				if got[i] != want {
					t.Fatalf("stream at %d is %#x, want %#x", offset+int64(i), got[i], want)
				}
				if !fresh {
					t.Fatalf("the block of byte %d is in use elsewhere", offset+int64(i))
				}
			}
		}
	})
}

// TestStreamsHaveNoEqualBlocks looks at the halves themselves: AES is a
// permutation, so equal blocks would be equal counters.
func TestStreamsHaveNoEqualBlocks(t *testing.T) {
	c := NewCipher(Key{1})
	aesSeen, salsaSeen := map[[16]byte]bool{}, map[[64]byte]bool{}
	for _, segment := range []uint64{0, 1, 2, 15, 16, 255, 256, 1 << 16, 1 << 24, 1 << 32, 1<<47 - 1} {
		a, s := make([]byte, Segment), make([]byte, Segment)
		xorCTR(a, c.block, segmentCounter(segment, 0))
		c.xorSalsa(s, s, segment)
		for i := 0; i < Segment; i += 16 {
			aesSeen[[16]byte(a[i:])] = true
		}
		for i := 0; i < Segment; i += 64 {
			salsaSeen[[64]byte(s[i:])] = true
		}
	}
	if len(aesSeen) != 11*Segment/16 || len(salsaSeen) != 11*Segment/64 {
		t.Errorf("%d AES blocks and %d Salsa20 blocks differ, want %d and %d", len(aesSeen), len(salsaSeen), 11*Segment/16, 11*Segment/64)
	}
}

func TestAnyRangeEqualsTheWhole(t *testing.T) {
	const size = 3*Segment + 777
	plain := make([]byte, size)
	rand.NewChaCha8([32]byte{7}).Read(plain)
	c := NewCipher(Key{2})
	whole := make([]byte, size)
	c.XOR(whole, plain, 0)
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.OneOf(rapid.IntRange(0, size), rapid.SampledFrom([]int{Segment, 2 * Segment})).Draw(t, "from")
		to := rapid.IntRange(from, size).Draw(t, "to")
		got := bytes.Clone(plain[from:to])
		if rapid.Bool().Draw(t, "in place") {
			c.XOR(got, got, int64(from))
		} else {
			room := make([]byte, len(got)+3)
			c.XOR(room, got, int64(from))
			if !bytes.Equal(got, plain[from:to]) || room[len(got)] != 0 {
				t.Fatal("changed the source, or bytes behind the destination")
			}
			got = room[:len(got)]
		}
		if !bytes.Equal(got, whole[from:to]) {
			t.Fatalf("bytes %d to %d differ from the whole", from, to)
		}
		c.XOR(got, got, int64(from))
		if !bytes.Equal(got, plain[from:to]) {
			t.Fatalf("bytes %d to %d don't decrypt", from, to)
		}
	})
}

func TestXORConcurrently(t *testing.T) {
	c := NewCipher(Key{3})
	whole := make([]byte, 2*Segment)
	c.XOR(whole, whole, 0)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				from := g*9000 + i*31
				got := make([]byte, Segment)
				c.XOR(got, got, int64(from))
				if !bytes.Equal(got, whole[from:from+Segment]) {
					t.Errorf("range at %d differs", from)
				}
			}
		})
	}
	wg.Wait()
}

func TestXORRefusesFaults(t *testing.T) {
	buf := make([]byte, 3*Segment)
	for name, call := range map[string]func(*Cipher){
		"negative offset":     func(c *Cipher) { c.XOR(buf, buf, -1) },
		"beyond the stream":   func(c *Cipher) { c.XOR(buf, buf, math.MaxInt64-int64(len(buf))+1) },
		"short destination":   func(c *Cipher) { c.XOR(buf[:1], buf[:2], 0) },
		"shifted by a byte":   func(c *Cipher) { c.XOR(buf[1:], buf[:9], 0) },
		"shifted by segments": func(c *Cipher) { c.XOR(buf[Segment:], buf[:2*Segment], 0) },
		"shifted back":        func(c *Cipher) { c.XOR(buf, buf[Segment:], 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call(NewCipher(Key{}))
		})
	}
	NewCipher(Key{}).XOR(nil, nil, math.MaxInt64)
	NewCipher(Key{}).XOR(buf[:Segment], buf[Segment:2*Segment], 0) // side by side
}

func TestXORMakesLittleGarbage(t *testing.T) {
	c, buf := NewCipher(Key{}), make([]byte, Segment)
	for offset, segments := range map[int64]float64{0: 1, 5: 2} {
		if got := testing.AllocsPerRun(50, func() { c.XOR(buf, buf, offset) }); got > 2*segments {
			t.Errorf("offset %d: %v allocations in %v segments", offset, got, segments)
		}
	}
}
