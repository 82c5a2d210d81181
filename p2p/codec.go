package p2p

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// message is what every request and answer can do.
type message interface {
	Validate() error
}

// Errors of decoding. Both mean that the sender broke the protocol.
var (
	errEncoding = errors.New("not the one encoding of a message")
	errTooLong  = errors.New("message is over its ceiling")
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
		MaxNestedLevels:    8,
		MaxArrayElements:   MaxHeld,
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

// encode gives the one encoding of a valid message.
func encode(m message) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	b, err := encMode.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", m, err)
	}
	return b, nil
}

// decode reads a message of one type and nothing else: it refuses every input
// that encode doesn't make. The result shares no memory with data.
func decode[T message](data []byte) (m T, err error) {
	var zero T
	if err := decMode.Unmarshal(data, &m); err != nil {
		return zero, fmt.Errorf("%w: %w", errEncoding, err)
	}
	again, err := encMode.Marshal(m)
	if err != nil {
		return zero, fmt.Errorf("%w: %w", errEncoding, err)
	}
	if !bytes.Equal(again, data) {
		return zero, fmt.Errorf("%w: %d bytes that would be written otherwise", errEncoding, len(data))
	}
	if err := m.Validate(); err != nil {
		return zero, err
	}
	return m, nil
}
