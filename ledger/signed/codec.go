package signed

import (
	"bytes"
	"fmt"

	"potluck"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"
)

// The two modes make one pair: core deterministic CBOR (RFC 8949, section
// 4.2.1) and a decoder that takes little else. What it still lets pass, such as
// a length that isn't in its shortest form, decode finds by encoding again.
var (
	encMode = must(encOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:          cbor.DupMapKeyEnforcedAPF,
		IndefLength:        cbor.IndefLengthForbidden,
		TagsMd:             cbor.TagsForbidden,
		ExtraReturnErrors:  cbor.ExtraDecErrorUnknownField,
		UTF8:               cbor.UTF8RejectInvalid,
		MaxNestedLevels:    4,
		MaxArrayElements:   MaxPointers,
		MaxMapPairs:        16,
		FieldNameMatching:  cbor.FieldNameMatchingCaseSensitive,
		ByteStringToString: cbor.ByteStringToStringForbidden,
	}.DecMode())
)

func encOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	o.TagsMd = cbor.TagsForbidden
	return o
}

// must is for tables that are built from constants alone.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// valid is what is checked before it is written and after it is read.
type valid interface{ Validate() error }

// encode gives the one encoding of a valid value.
func encode(v valid) ([]byte, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	b, err := encMode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return b, nil
}

// decode reads what encode writes, and nothing else. The result shares no
// memory with data. Errors wrap ErrDocument.
func decode[T valid](data []byte) (v T, err error) {
	var zero T
	if err := decMode.Unmarshal(data, &v); err != nil {
		return zero, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	again, err := encMode.Marshal(v)
	if err != nil {
		return zero, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if !bytes.Equal(again, data) {
		return zero, fmt.Errorf("%w: %d bytes that would be written otherwise", ErrDocument, len(data))
	}
	if err := v.Validate(); err != nil {
		return zero, err
	}
	return v, nil
}

func digest(v valid) (potluck.Digest, error) {
	b, err := encode(v)
	if err != nil {
		return potluck.Digest{}, err
	}
	return blake3.Sum256(b), nil
}

func wirePeers(list []peer.ID) [][]byte {
	w := make([][]byte, len(list))
	for i, p := range list {
		w[i] = []byte(p)
	}
	return w
}

func peersOf(w [][]byte) []peer.ID {
	list := make([]peer.ID, len(w))
	for i, b := range w {
		list[i] = peer.ID(b)
	}
	return list
}
