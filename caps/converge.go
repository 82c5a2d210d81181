package caps

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/blake3"

	"potluck"
)

// Secret is a node's convergence secret. Equal files get equal keys under one
// secret, and unrelated keys under two, so that nobody without the secret can
// tell by guessing whether somebody stores a given file.
type Secret [32]byte

// Converger derives the key of one file from its content and layout. It is safe
// for concurrent use.
type Converger struct {
	piece  *blake3.Hasher // keyed for pieces; cloned, never written to
	key    *blake3.Hasher // keyed for keys; cloned, never written to
	layout potluck.Layout
}

// NewConverger makes a Converger for one file with the valid layout l.
func NewConverger(s Secret, l potluck.Layout) *Converger {
	return &Converger{piece: keyed(contextPiece, s), key: keyed(contextConverge, s), layout: l}
}

// keyed makes a keyed BLAKE3 hasher whose key is derived from s for one
// purpose.
func keyed(context string, s Secret) *blake3.Hasher {
	var k [32]byte
	blake3.DeriveKey(context, s[:], k[:])
	h, err := blake3.NewKeyed(k[:])
	if err != nil {
		panic("caps: keyed hash: " + err.Error()) // only for keys that aren't 32 bytes
	}
	return h
}

// pieceLen is the number of bytes in which content is hashed for a convergent
// key: a stripe, so that whoever encodes one can check exactly it before
// encrypting it. The last piece is shorter where the size isn't a multiple.
func (c *Converger) pieceLen() int64 { return int64(c.layout.K) * int64(c.layout.Block) }

// Digest hashes one piece: one stripe of content, K blocks of the layout, the
// last one shorter. It panics on a piece that is empty or longer than a stripe.
// The writer must make sure that it encrypts the bytes that it digested: a
// file that changed in between would put two plaintexts under one key.
func (c *Converger) Digest(piece []byte) (d potluck.Digest) {
	if len(piece) == 0 || int64(len(piece)) > c.pieceLen() {
		panic(fmt.Sprintf("caps: piece of %d bytes is not between 1 and %d", len(piece), c.pieceLen()))
	}
	h := c.piece.Clone()
	_, _ = h.Write(piece) // never fails
	h.Sum(d[:0])
	return d
}

// Key derives the key from the layout and the digests of all pieces, in order.
// It panics unless there are exactly as many as the layout's size has pieces,
// since a key over a part of a file would be shared by files that differ.
func (c *Converger) Key(pieces []potluck.Digest) (k Key) {
	if want := (int64(c.layout.Size) + c.pieceLen() - 1) / c.pieceLen(); int64(len(pieces)) != want {
		panic(fmt.Sprintf("caps: %d piece digests for a file of %d bytes, want %d", len(pieces), c.layout.Size, want))
	}
	h := c.key.Clone()
	_, _ = h.Write(appendLayout(nil, c.layout)) // never fails
	for i := range pieces {
		_, _ = h.Write(pieces[i][:])
	}
	h.Sum(k[:0])
	return k
}

// layoutLen is the length of a layout's encoding.
const layoutLen = 1 + 1 + 1 + 4 + 8

// appendLayout appends suite, k, n, block (4 bytes) and size (8 bytes), big
// endian. It maps different layouts to different bytes, valid or not.
func appendLayout(b []byte, l potluck.Layout) []byte {
	b = append(b, l.Suite, l.K, l.N)
	b = binary.BigEndian.AppendUint32(b, l.Block)
	return binary.BigEndian.AppendUint64(b, uint64(l.Size))
}

// parseLayout reads what appendLayout wrote, without validating it.
func parseLayout(b *[layoutLen]byte) potluck.Layout {
	return potluck.Layout{
		Suite: b[0], K: b[1], N: b[2],
		Block: binary.BigEndian.Uint32(b[3:7]),
		Size:  potluck.Size(binary.BigEndian.Uint64(b[7:15])),
	}
}
