package caps

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"unsafe"

	"golang.org/x/crypto/salsa20"
)

// Segment is the number of bytes that share one XSalsa20 nonce and one run of
// AES counters. Offsets that are multiples of it are fast.
const Segment = 64 << 10

// Cipher is the stream of one key: XSalsa20 xor AES-256-CTR. Encrypting and
// decrypting are the same. It is safe for concurrent use, and gives no integrity.
type Cipher struct {
	salsa   [32]byte
	nonce   [16]byte
	block   cipher.Block // AES-256, expanded once
	scratch sync.Pool    // of *[Segment]byte, for ranges that begin inside a segment
}

// NewCipher derives the subkeys of k.
func NewCipher(k Key) *Cipher {
	s := k.subkeys()
	block, err := aes.NewCipher(s.aes[:])
	if err != nil {
		panic("caps: aes: " + err.Error()) // only for wrong key lengths
	}
	c := &Cipher{salsa: s.salsa, nonce: s.nonce, block: block}
	c.scratch.New = func() any { return new([Segment]byte) }
	return c
}

// XOR sets dst to src xor the stream's bytes [offset, offset+len(src)). dst is
// at least as long as src, and they are the same memory or don't overlap;
// offset isn't negative. Anything else is a fault of the caller, and panics.
//
// A range that begins inside a segment costs the segment from its start.
func (c *Cipher) XOR(dst, src []byte, offset int64) {
	switch {
	case offset < 0 || offset > math.MaxInt64-int64(len(src)):
		panic(fmt.Sprintf("caps: %d bytes at offset %d of a stream", len(src), offset))
	case len(dst) < len(src):
		panic(fmt.Sprintf("caps: %d bytes don't fit into %d", len(src), len(dst)))
	case shifted(dst[:len(src)], src):
		panic("caps: source and destination overlap in part")
	}
	for len(src) > 0 {
		segment, skip := uint64(offset/Segment), int(offset%Segment)
		n := min(len(src), Segment-skip)
		if skip == 0 {
			c.xorSegment(dst[:n], src[:n], segment)
		} else {
			c.xorInside(dst[:n], src[:n], segment, skip)
		}
		dst, src, offset = dst[n:], src[n:], offset+int64(n)
	}
}

// xorSegment works on the beginning of a segment, or on all of it.
func (c *Cipher) xorSegment(dst, src []byte, segment uint64) {
	c.xorSalsa(dst, src, segment)
	xorCTR(dst, c.block, segmentCounter(segment, 0))
}

// xorInside works on a range that begins at byte skip of a segment. The library
// can start Salsa20 at a nonce's first block only, so the bytes before skip are
// made in scratch memory and dropped, whatever it held.
func (c *Cipher) xorInside(dst, src []byte, segment uint64, skip int) {
	scratch := c.scratch.Get().(*[Segment]byte)
	defer c.scratch.Put(scratch)
	whole := scratch[:skip+len(src)]
	copy(whole[skip:], src)
	c.xorSalsa(whole, whole, segment)
	block := skip / aes.BlockSize
	xorCTR(whole[block*aes.BlockSize:], c.block, segmentCounter(segment, uint64(block)))
	copy(dst, whole[skip:])
}

// xorSalsa sets dst to src xor the segment's XSalsa20 stream.
func (c *Cipher) xorSalsa(dst, src []byte, segment uint64) {
	nonce := segmentNonce(c.nonce, segment)
	salsa20.XORKeyStream(dst, src, nonce[:], &c.salsa)
}

// xorCTR xors dst in place with the CTR stream of block that begins at counter.
func xorCTR(dst []byte, block cipher.Block, counter [aes.BlockSize]byte) {
	cipher.NewCTR(block, counter[:]).XORKeyStream(dst, dst)
}

// segmentNonce is file nonce ‖ BE64 segment. The segment is Salsa20's own nonce
// and the file nonce goes into its key, so no two segments share a block.
func segmentNonce(file [16]byte, segment uint64) (nonce [24]byte) {
	copy(nonce[:], file[:])
	binary.BigEndian.PutUint64(nonce[16:], segment)
	return nonce
}

// segmentCounter is BE64 segment ‖ BE64 block. A segment has 4096 AES blocks, so
// the lower half never carries into the upper one.
func segmentCounter(segment, block uint64) (counter [aes.BlockSize]byte) {
	binary.BigEndian.PutUint64(counter[:8], segment)
	binary.BigEndian.PutUint64(counter[8:], block)
	return counter
}

// shifted tells whether a and b, of equal length, share memory without being
// the same. Segments are worked on one by one, so the libraries' own checks
// would miss an overlap that is shifted by a segment or more.
func shifted(a, b []byte) bool {
	if len(a) == 0 || &a[0] == &b[0] {
		return false
	}
	p, q := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	n := uintptr(len(a))
	return p < q+n && q < p+n
}
