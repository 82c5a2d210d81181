package caps

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/zeebo/blake3"

	"potluck"
)

// Context strings: one per purpose, never reused, part of the format. The
// first group is for BLAKE3's derive-key mode, the second is HKDF's info.
const (
	contextIndex    = "potluck caps 1: storage index"
	contextPiece    = "potluck caps 1: convergent piece"
	contextConverge = "potluck caps 1: convergent key"
	contextChecksum = "potluck caps 1: text checksum"

	infoSalsaKey   = "potluck caps 1: xsalsa20 key"
	infoSalsaNonce = "potluck caps 1: xsalsa20 nonce"
	infoAESKey     = "potluck caps 1: aes-256-ctr key"
)

// Key is the secret of one file: who has it reads the file. It is used for one
// plaintext in one layout only.
type Key [32]byte

// RandomKey draws a key from rand, which is crypto/rand.Reader outside tests.
func RandomKey(rand io.Reader) (Key, error) {
	var k Key
	if n, err := io.ReadFull(rand, k[:]); err != nil {
		return Key{}, fmt.Errorf("draw a random key: %d of %d bytes: %w", n, len(k), err)
	}
	return k, nil
}

// StorageIndex gives the name under which hosts keep the file's shares. It
// tells nothing about the key.
func (k Key) StorageIndex() (x potluck.StorageIndex) {
	blake3.DeriveKey(contextIndex, k[:], x[:])
	return x
}

// subkeys are what the two halves of the cipher use.
type subkeys struct {
	salsa [32]byte // XSalsa20 key
	nonce [16]byte // XSalsa20 file nonce: the first 16 bytes of every nonce
	aes   [32]byte // AES-256 key
}

// subkeys derives all three by HKDF-SHA256 without salt.
func (k Key) subkeys() (s subkeys) {
	prk, err := hkdf.Extract(sha256.New, k[:], nil)
	if err != nil {
		panic("caps: hkdf extract: " + err.Error()) // only for secrets too short for FIPS mode
	}
	expand := func(out []byte, info string) {
		b, err := hkdf.Expand(sha256.New, prk, info, len(out))
		if err != nil {
			panic("caps: hkdf expand: " + err.Error()) // only for more than 255 hashes of output
		}
		copy(out, b)
	}
	expand(s.salsa[:], infoSalsaKey)
	expand(s.nonce[:], infoSalsaNonce)
	expand(s.aes[:], infoAESKey)
	return s
}
