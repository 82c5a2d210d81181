package caps

import (
	"encoding/base32"
	"fmt"

	"github.com/zeebo/blake3"

	"potluck"
)

// LiteralMax is the greatest number of bytes that a literal cap holds.
const LiteralMax = 128

// Cap is a capability: Read, Verify or Literal. Compare caps by Text.
type Cap interface {
	// Text gives the capability itself, which Parse reads. It is as secret as
	// the file.
	Text() string
	// String describes the capability without its secrets.
	String() string
	cap()
}

// Read lets its holder read one file, and check, audit and repair it.
type Read struct {
	Layout   potluck.Layout
	Key      Key
	Manifest potluck.Digest // hash of the manifest
}

// Verify lets its holder find, check, audit and repair the shares of one file
// without reading it.
type Verify struct {
	Layout   potluck.Layout
	Index    potluck.StorageIndex
	Manifest potluck.Digest // hash of the manifest
}

// Literal holds a small file itself, with no shares anywhere.
type Literal struct {
	Data []byte // at most LiteralMax bytes, may be none
}

func (Read) cap()    {}
func (Verify) cap()  {}
func (Literal) cap() {}

// Index names the file's share set.
func (r Read) Index() potluck.StorageIndex { return r.Key.StorageIndex() }

// Verify gives the weaker cap of the same file. There is no way back.
func (r Read) Verify() Verify {
	return Verify{Layout: r.Layout, Index: r.Index(), Manifest: r.Manifest}
}

// Text gives the capability, 144 characters. The layout must be valid.
func (r Read) Text() string {
	b := appendLayout(make([]byte, 0, readLen), r.Layout)
	b = append(b, r.Key[:]...)
	return seal(letterRead, append(b, r.Manifest[:]...))
}

// Text gives the capability, 118 characters. The layout must be valid.
func (v Verify) Text() string {
	b := appendLayout(make([]byte, 0, verifyLen), v.Layout)
	b = append(b, v.Index[:]...)
	return seal(letterVerify, append(b, v.Manifest[:]...))
}

// Text gives the capability, 19 to 224 characters. It panics when Data is longer
// than LiteralMax, which is a fault of the caller.
func (l Literal) Text() string {
	if len(l.Data) > LiteralMax {
		panic(fmt.Sprintf("caps: literal of %d bytes is longer than %d", len(l.Data), LiteralMax))
	}
	return seal(letterLiteral, append([]byte{byte(len(l.Data))}, l.Data...))
}

// The text is head, letter of the kind, then base32 of payload and checksum.
const (
	word          = "potluck"
	version       = '1' // of the text
	head          = word + string(version)
	letterRead    = 'r'
	letterVerify  = 'v'
	letterLiteral = 'l'
	headLen       = len(head) + 1

	checksumLen = 5
	readLen     = layoutLen + 32 + 32 // payload bytes
	verifyLen   = layoutLen + 16 + 32 // payload bytes
	alphabet    = "abcdefghijklmnopqrstuvwxyz234567"
)

var base32Lower = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// textLen is the length of the text of a payload in characters.
func textLen(payload int) int { return headLen + base32Lower.EncodedLen(payload+checksumLen) }

// seal writes the text of one payload.
func seal(letter byte, payload []byte) string {
	sum := checksum(letter, payload)
	return head + string(letter) + base32Lower.EncodeToString(append(payload, sum[:]...))
}

// checksum finds typing mistakes; a wrong text passes once in 2^40.
func checksum(letter byte, payload []byte) (sum [checksumLen]byte) {
	h := blake3.NewDeriveKey(contextChecksum)
	_, _ = h.Write([]byte{letter}) // never fails
	_, _ = h.Write(payload)
	h.Digest().Read(sum[:])
	return sum
}
