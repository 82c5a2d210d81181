package p2p

import (
	"bytes"
	"fmt"

	"potluck"
)

// The wire forms of messages about ranges. The end of a span is the 17 bytes of
// a share ID, storage index and number, without the zeros at its end: spans that
// are cut at whole bytes are short.

// boundLen is the length of a share ID as one string of bytes.
const boundLen = len(potluck.StorageIndex{}) + 1

type wireSpan struct {
	From []byte `cbor:"1,keyasint"`
	To   []byte `cbor:"2,keyasint"`
}

func sealBound(id potluck.ShareID) []byte {
	return bytes.TrimRight(append(id.Index[:], byte(id.Number)), "\x00")
}

func openBound(b []byte) (id potluck.ShareID, err error) {
	if len(b) > boundLen {
		return id, fmt.Errorf("end of a span of %d bytes, at most %d are allowed", len(b), boundLen)
	}
	var whole [boundLen]byte
	copy(whole[:], b) // zeros at the end of b are found out by encoding again
	copy(id.Index[:], whole[:])
	id.Number = potluck.ShareNumber(whole[boundLen-1])
	return id, nil
}

// MarshalCBOR gives the wire form.
func (s Span) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireSpan{sealBound(s.From), sealBound(s.To)})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (s *Span) UnmarshalCBOR(data []byte) error {
	var w wireSpan
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	from, err := openBound(w.From)
	if err != nil {
		return err
	}
	to, err := openBound(w.To)
	*s = Span{from, to}
	return err
}

type wireItem struct {
	Share    wireShareID    `cbor:"1,keyasint"`
	Layout   wireLayout     `cbor:"2,keyasint"`
	Charge   potluck.Size   `cbor:"3,keyasint"`
	Root     potluck.Digest `cbor:"4,keyasint"`
	Manifest potluck.Digest `cbor:"5,keyasint"`
}

// MarshalCBOR gives the wire form.
func (i Item) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireItem{wireShareID(i.Share), wireLayout(i.Layout), i.Charge, i.Root, i.Manifest})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (i *Item) UnmarshalCBOR(data []byte) error {
	var w wireItem
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*i = Item{potluck.ShareID(w.Share), potluck.Layout(w.Layout), w.Charge, w.Root, w.Manifest}
	return nil
}
