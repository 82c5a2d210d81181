package shares

import (
	"encoding/binary"
	"fmt"

	"potluck"
)

// HeaderLen is the bytes of a share's header.
const HeaderLen = 256

const (
	headerUsed = 144 // bytes that have a meaning; zeros follow up to the checksum
	headerSum  = HeaderLen - digestLen
)

var headerMagic = [8]byte{'P', 'L', 's', 'h', 'a', 'r', 'e', 1}

// Header is what a host writes before a share's data: enough to rebuild the
// share's rows in the books. It is the host's own; owners never see it.
type Header struct {
	ID       potluck.ShareID
	Layout   potluck.Layout
	Owner    [32]byte       // Ed25519 public key of the node that put the share
	Created  int64          // unix seconds, UTC
	Root     potluck.Digest // of the data; zero while the share is incomplete
	Manifest potluck.Digest // digest of the manifest; zero while the share is incomplete
}

// Complete tells whether root and manifest are set.
func (h Header) Complete() bool {
	return h.Root != potluck.Digest{} && h.Manifest != potluck.Digest{}
}

// Coming is the header as it stands while the share is incomplete.
func (h Header) Coming() Header {
	h.Root, h.Manifest = potluck.Digest{}, potluck.Digest{}
	return h
}

// Validate tells whether the fields fit each other.
func (h Header) Validate() error {
	if err := h.Layout.Validate(); err != nil {
		return err
	}
	if uint8(h.ID.Number) >= h.Layout.N {
		return fmt.Errorf("share number %d is not below n = %d", h.ID.Number, h.Layout.N)
	}
	if (h.Root == potluck.Digest{}) != (h.Manifest == potluck.Digest{}) {
		return fmt.Errorf("only one of root and manifest digest is set")
	}
	return nil
}

// Marshal gives the one encoding, with its checksum.
func (h Header) Marshal() [HeaderLen]byte {
	var out [HeaderLen]byte
	b := append(out[:0], headerMagic[:]...)
	b = append(b, h.ID.Index[:]...)
	b = appendLayout(b, h.Layout)
	out[27] = byte(h.ID.Number) // the layout's byte that is 0 in a manifest
	b = append(b, h.Owner[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Created))
	b = append(b, h.Root[:]...)
	_ = append(b, h.Manifest[:]...)
	sum := Sum(out[:headerSum])
	copy(out[headerSum:], sum[:])
	return out
}

// ParseHeader reads the one encoding and refuses everything else: every
// changed bit is noticed by the checksum.
func ParseHeader(b []byte) (Header, error) {
	var h Header
	if len(b) != HeaderLen {
		return h, fmt.Errorf("share header has %d bytes, want %d", len(b), HeaderLen)
	}
	if [8]byte(b) != headerMagic {
		return h, fmt.Errorf("share header begins with %x, want %x", b[:8], headerMagic)
	}
	if Sum(b[:headerSum]) != potluck.Digest(b[headerSum:]) {
		return h, fmt.Errorf("share header doesn't match its checksum")
	}
	for _, c := range b[headerUsed:headerSum] {
		if c != 0 {
			return h, fmt.Errorf("share header has a byte %d where zeros belong", c)
		}
	}
	layout := [16]byte(b[24:40])
	h.ID.Number, layout[3] = potluck.ShareNumber(layout[3]), 0
	var err error
	if h.Layout, err = parseLayout(layout[:]); err != nil {
		return Header{}, fmt.Errorf("share header: %w", err)
	}
	copy(h.ID.Index[:], b[8:24])
	copy(h.Owner[:], b[40:72])
	h.Created = int64(binary.BigEndian.Uint64(b[72:]))
	copy(h.Root[:], b[80:112])
	copy(h.Manifest[:], b[112:144])
	if err := h.Validate(); err != nil {
		return Header{}, fmt.Errorf("share header: %w", err)
	}
	return h, nil
}
