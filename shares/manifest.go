package shares

import (
	"encoding/binary"
	"fmt"

	"potluck"
)

const (
	digestLen    = 32
	manifestHead = 72 // bytes of a manifest before the roots
)

var manifestMagic = [8]byte{'P', 'L', 'm', 'a', 'n', 'i', 'f', 1}

// Manifest binds all that a reader must know of a file's shares. Its digest is
// in the cap, so a reader needs to trust nothing else.
type Manifest struct {
	Layout     potluck.Layout
	Index      potluck.StorageIndex
	Roots      []potluck.Digest // root of each share's data, by share number; N of them
	Crosscheck potluck.Digest   // BLAKE3 of the crosscheck
}

// Marshal gives the one encoding, of ManifestLen bytes. The layout must be
// valid and Roots must hold N digests.
func (m Manifest) Marshal() []byte {
	if len(m.Roots) != int(m.Layout.N) {
		panic(fmt.Sprintf("shares: manifest of %d shares has %d roots", m.Layout.N, len(m.Roots)))
	}
	b := make([]byte, 0, ManifestLen(m.Layout))
	b = append(b, manifestMagic[:]...)
	b = appendLayout(b, m.Layout)
	b = append(b, m.Index[:]...)
	b = append(b, m.Crosscheck[:]...)
	for _, r := range m.Roots {
		b = append(b, r[:]...)
	}
	return b
}

// Digest is the BLAKE3 hash of the encoding.
func (m Manifest) Digest() potluck.Digest { return Sum(m.Marshal()) }

// ParseManifest reads the one encoding and refuses everything else. It keeps
// nothing of b.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	if len(b) < manifestHead {
		return m, fmt.Errorf("manifest has %d bytes, want at least %d", len(b), manifestHead)
	}
	if [8]byte(b) != manifestMagic {
		return m, fmt.Errorf("manifest begins with %x, want %x", b[:8], manifestMagic)
	}
	l, err := parseLayout(b[8:24])
	if err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	if len(b) != ManifestLen(l) {
		return m, fmt.Errorf("manifest of %d shares has %d bytes, want %d", l.N, len(b), ManifestLen(l))
	}
	m.Layout = l
	copy(m.Index[:], b[24:40])
	copy(m.Crosscheck[:], b[40:72])
	m.Roots = make([]potluck.Digest, l.N)
	for i := range m.Roots {
		copy(m.Roots[i][:], b[manifestHead+digestLen*i:])
	}
	return m, nil
}

// appendLayout appends the 16 bytes of a layout: suite, k, n, 0, block, size.
func appendLayout(b []byte, l potluck.Layout) []byte {
	b = append(b, l.Suite, l.K, l.N, 0)
	b = binary.BigEndian.AppendUint32(b, l.Block)
	return binary.BigEndian.AppendUint64(b, uint64(l.Size))
}

func parseLayout(b []byte) (potluck.Layout, error) {
	size := binary.BigEndian.Uint64(b[8:])
	if b[3] != 0 {
		return potluck.Layout{}, fmt.Errorf("layout: byte 3 is %d, want 0", b[3])
	}
	if size > uint64(potluck.MaxSize) {
		return potluck.Layout{}, fmt.Errorf("layout: file of %d bytes is larger than %d", size, potluck.MaxSize)
	}
	l := potluck.Layout{Suite: b[0], K: b[1], N: b[2],
		Block: binary.BigEndian.Uint32(b[4:]), Size: potluck.Size(size)}
	return l, l.Validate()
}
