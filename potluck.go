// Package potluck holds the nouns of a friendnet node: storage indexes, share
// numbers, sizes, layouts and refusals. It imports nothing else of this module,
// so that every other package can speak the same words.
//
// A node's name for a peer is libp2p's peer.ID. Byte slices that are passed to
// a function of this module are borrowed until it returns, unless its comment
// says otherwise; byte slices that are returned belong to the caller.
package potluck

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Version is the version of this program, printed by "potluck version" and
// told to friends. Formats and protocols carry their own versions.
const Version = "0.1.0"

// Size is a number of bytes. Sizes from strangers are checked to lie in
// [0, MaxSize] before any arithmetic.
type Size int64

// Units of Size, binary.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	TiB Size = 1 << 40
)

// MaxSize is the largest size that any message, row or file may name: 2^56
// bytes. Sums of up to 127 such sizes don't overflow.
const MaxSize Size = 1 << 56

// String gives the size for people: exact below 1 KiB, else with a binary unit
// and at most one decimal.
func (s Size) String() string {
	if s < 0 {
		return "-" + (-s).String()
	}
	units := []struct {
		size Size
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}}
	for _, u := range units {
		if s >= u.size {
			t := strconv.FormatFloat(float64(s)/float64(u.size), 'f', 1, 64)
			return strings.TrimSuffix(t, ".0") + " " + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + " B"
}

// ParseSize reads a size as people write it: "500", "64K", "1.5 GiB", "10GB".
// K, M, G, T, P and KiB, MiB, ... are binary; KB, MB, ... are decimal. Whole bytes
// are read exactly.
func ParseSize(text string) (Size, error) {
	t := strings.ToLower(strings.TrimSpace(text))
	i := strings.IndexFunc(t, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(t)
	}
	units := map[string]float64{"": 1, "b": 1,
		"k": 1 << 10, "kib": 1 << 10, "kb": 1e3, "m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
		"g": 1 << 30, "gib": 1 << 30, "gb": 1e9, "t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
		"p": 1 << 50, "pib": 1 << 50, "pb": 1e15}
	unit, ok := units[strings.TrimSpace(t[i:])]
	v, err := strconv.ParseFloat(t[:i], 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("size %q is not a number with a unit like 500, 64K, 1.5GiB or 10GB", text)
	}
	size := Size(min(v*unit, 2*float64(MaxSize)))
	if n, err := strconv.ParseInt(t[:i], 10, 64); err == nil && unit == 1 {
		size = Size(n)
	}
	if size > MaxSize {
		return 0, fmt.Errorf("size %q is larger than the greatest size, %d bytes", text, MaxSize)
	}
	return size, nil
}

// StorageIndex names a share set: all shares of one file. It is derived from
// the file's key, so only those who know the key, or were told, can ask for it.
type StorageIndex [16]byte

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// String gives the one text form: 26 characters of lower-case base32.
func (x StorageIndex) String() string { return base32Lower.EncodeToString(x[:]) }

// ParseStorageIndex reads the text form and nothing else.
func ParseStorageIndex(text string) (x StorageIndex, err error) {
	if len(text) != 26 {
		return x, fmt.Errorf("storage index has %d characters, want 26", len(text))
	}
	b, err := base32Lower.DecodeString(text)
	if err != nil {
		return x, fmt.Errorf("storage index %q: %w", text, err)
	}
	copy(x[:], b)
	if x.String() != text {
		return StorageIndex{}, fmt.Errorf("storage index %q is not in its one form, %q", text, x.String())
	}
	return x, nil
}

// MarshalText gives the text form.
func (x StorageIndex) MarshalText() ([]byte, error) { return []byte(x.String()), nil }

// UnmarshalText reads the text form.
func (x *StorageIndex) UnmarshalText(text []byte) (err error) {
	*x, err = ParseStorageIndex(string(text))
	return err
}

// ShareNumber is the place of a share in its share set, from 0 to n-1.
type ShareNumber uint8

// ShareID names one share.
type ShareID struct {
	Index  StorageIndex `json:"index"`
	Number ShareNumber  `json:"number"`
}

// String gives "index/number".
func (id ShareID) String() string { return id.Index.String() + "/" + strconv.Itoa(int(id.Number)) }

// Compare orders share IDs by storage index, then by number.
func (id ShareID) Compare(other ShareID) int {
	if c := bytes.Compare(id.Index[:], other.Index[:]); c != 0 {
		return c
	}
	return int(id.Number) - int(other.Number)
}

// Digest is a BLAKE3 hash: a share's root, a manifest's hash and the like.
type Digest [32]byte

// String gives 64 hexadecimal characters.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText gives the text form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(d) {
		return fmt.Errorf("digest %q is not 64 hexadecimal characters", text)
	}
	copy(d[:], b)
	return nil
}

// MaxShares is the greatest n: Reed-Solomon over GF(2^8).
const MaxShares = 255

// MaxBlock is the greatest block size in bytes.
const MaxBlock = 256 << 10

// SuiteOne is the one suite so far: XSalsa20 xor AES-256-CTR, Reed-Solomon over
// GF(2^8), BLAKE3 with Bao trees.
const SuiteOne = 1

// Layout is how one file is cut into shares. It is bound by the manifest and by
// the cap, and every length of a share follows from it (package shares).
type Layout struct {
	Suite uint8  `json:"suite"` // SuiteOne
	K     uint8  `json:"k"`     // shares needed, at least 1
	N     uint8  `json:"n"`     // shares made, at least K
	Block uint32 `json:"block"` // bytes of a whole block: a power of two from 1 KiB to MaxBlock
	Size  Size   `json:"size"`  // bytes of the file (and of its ciphertext), at least 1
}

// Validate tells whether every field lies in its range.
func (l Layout) Validate() error {
	switch {
	case l.Suite != SuiteOne:
		return fmt.Errorf("layout: suite %d is not known", l.Suite)
	case l.K < 1 || l.N < l.K:
		return fmt.Errorf("layout: %d-of-%d is not between 1-of-1 and %d-of-%d", l.K, l.N, MaxShares, MaxShares)
	case l.Block < 1<<10 || l.Block > MaxBlock || l.Block&(l.Block-1) != 0:
		return fmt.Errorf("layout: block of %d bytes is not a power of two from 1024 to %d", l.Block, MaxBlock)
	case l.Size < 1 || l.Size > MaxSize:
		return fmt.Errorf("layout: file of %d bytes is not between 1 and %d", l.Size, MaxSize)
	}
	return nil
}
