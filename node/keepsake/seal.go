package keepsake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
)

// label derives the key of keepsakes from the node's seed. A new version of the
// derivation takes a new label, and blobs another first byte.
const label = "potluck node 1: keepsake"

// version is the first byte of a blob.
const version = 1

// blockLen is what a content is filled up to: friends who keep the blob aren't
// told how many friends there are.
const blockLen = 1 << 10

// Overhead is what a blob has beyond its filled content: version, nonce, tag.
const Overhead = 1 + 12 + 16

// Key opens and seals the blobs of one node. It hides itself from every way of
// printing.
type Key struct{ aead cipher.AEAD }

// NewKey derives the key from the seed of the node key.
func NewKey(seed []byte) (Key, error) {
	raw, err := hkdf.Key(sha256.New, seed, nil, label, 32)
	if err != nil {
		return Key{}, fmt.Errorf("derive the key of keepsakes: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, fmt.Errorf("key of keepsakes: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Key{}, fmt.Errorf("key of keepsakes: %w", err)
	}
	return Key{aead}, nil
}

// String hides the key.
func (Key) String() string { return "[secret]" }

// Format hides the key under every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// bound is what a blob is bound to: it opens under no other owner or number.
func bound(owner peer.ID, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(owner), number)
}

// Seal makes the blob of a content: version ‖ nonce ‖ AES-256-GCM of (length ‖
// content ‖ zeros). random gives the nonce: crypto/rand.Reader outside of tests.
// What is at the end is left out until the blob has at most most bytes: addresses of
// friends first, then recent files, then friends; left is how many friends were. Errors wrap ErrInvalid.
func (k Key) Seal(c Content, owner peer.ID, number uint64, most int, random io.Reader) (blob []byte, left int, err error) {
	plain, left, err := fit(c, most-Overhead)
	if err != nil {
		return nil, 0, err
	}
	blob = make([]byte, 1+k.aead.NonceSize(), most)
	blob[0] = version
	if _, err := io.ReadFull(random, blob[1:]); err != nil {
		return nil, 0, fmt.Errorf("draw a nonce: %w", err)
	}
	return k.aead.Seal(blob, blob[1:], plain, bound(owner, number)), left, nil
}

// Fitted gives what a blob of at most most bytes would say of a content. Errors wrap
// ErrInvalid.
func Fitted(c Content, most int) (Content, error) {
	plain, _, err := fit(c, most-Overhead)
	if err != nil {
		return Content{}, err
	}
	return unfill(plain)
}

// fewAddrs are tried in turn when a content is too long.
var fewAddrs = [...]int{8, 2, 1}

// fit gives the filled encoding of as much of a content as most bytes hold.
func fit(c Content, most int) (plain []byte, left int, err error) {
	all := len(c.Friends)
	for _, addrs := range fewAddrs {
		if plain, err = fill(c); err != nil || len(plain) <= most {
			return plain, 0, err
		}
		c.Friends = slices.Clone(c.Friends)
		for i, f := range c.Friends {
			c.Friends[i].Addrs = f.Addrs[:min(len(f.Addrs), addrs)]
		}
	}
	for len(c.Recent) > 0 { // a friend finds more than a name does
		c.Recent = c.Recent[:len(c.Recent)*3/4]
		if plain, err = fill(c); err != nil || len(plain) <= most {
			return plain, 0, err
		}
	}
	for {
		if plain, err = fill(c); err != nil || len(plain) <= most {
			return plain, all - len(c.Friends), err
		}
		if len(c.Friends) == 0 {
			return nil, 0, fmt.Errorf("%w: %d bytes without friends, at most %d are allowed", ErrInvalid, len(plain), most)
		}
		c.Friends = c.Friends[:len(c.Friends)-max(1, len(c.Friends)/16)]
	}
}

// fill is the length, the content, and zeros up to a whole number of blocks.
func fill(c Content) ([]byte, error) {
	b, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	plain := make([]byte, (4+len(b)+blockLen-1)/blockLen*blockLen)
	binary.BigEndian.PutUint32(plain, uint32(len(b)))
	copy(plain[4:], b)
	return plain, nil
}

// Open reads the blob that Seal made for this owner and number. Errors: ErrKey,
// ErrNewer, ErrInvalid.
func (k Key) Open(blob []byte, owner peer.ID, number uint64) (Content, error) {
	size := k.aead.NonceSize()
	if len(blob) < 1+size {
		return Content{}, fmt.Errorf("%w: blob of %d bytes", ErrInvalid, len(blob))
	}
	if blob[0] != version {
		return Content{}, fmt.Errorf("%w: its version is %d, this program knows %d", ErrNewer, blob[0], version)
	}
	plain, err := k.aead.Open(nil, blob[1:1+size], blob[1+size:], bound(owner, number))
	if err != nil {
		return Content{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return unfill(plain)
}

// unfill reads what fill wrote, and nothing else.
func unfill(plain []byte) (Content, error) {
	if len(plain) < 4 || len(plain)%blockLen != 0 {
		return Content{}, fmt.Errorf("%w: %d bytes, not a whole number of blocks", ErrInvalid, len(plain))
	}
	n := int64(binary.BigEndian.Uint32(plain))
	rest := plain[4:]
	if n > int64(len(rest)) || int64(len(rest))-n >= blockLen {
		return Content{}, fmt.Errorf("%w: %d bytes said to be in %d", ErrInvalid, n, len(plain))
	}
	for _, b := range rest[n:] {
		if b != 0 {
			return Content{}, fmt.Errorf("%w: a byte %d where zeros belong", ErrInvalid, b)
		}
	}
	return ParseContent(rest[:n])
}
