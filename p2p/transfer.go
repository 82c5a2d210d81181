package p2p

import (
	"fmt"

	"potluck"
)

// MaxTrailer is the most bytes that a manifest may have in a WriteRequest; a
// crosscheck grows with the file and is bounded by MaxSize alone.
const MaxTrailer = 64 * potluck.KiB

// WriteRequest opens the sending of one share. BodyLen() raw bytes follow it on
// the stream: Length of data, then the manifest, then the crosscheck.
type WriteRequest struct {
	Index      potluck.StorageIndex
	Number     potluck.ShareNumber // below Layout.N
	Layout     potluck.Layout
	Offset     potluck.Size // where the data begins, as granted
	Length     potluck.Size // bytes of data from there on
	Manifest   potluck.Size // bytes of the manifest, at most MaxTrailer
	Crosscheck potluck.Size // bytes of the crosscheck
	Authority  []byte       // as in the AllocateRequest that granted the share
}

// BodyLen is the number of raw bytes that follow the request.
func (w WriteRequest) BodyLen() potluck.Size { return w.Length + w.Manifest + w.Crosscheck }

// Validate tells whether every field lies in its range.
func (w WriteRequest) Validate() error {
	if err := w.Layout.Validate(); err != nil {
		return err
	}
	if uint8(w.Number) >= w.Layout.N {
		return fmt.Errorf("write: share number %d is not below n = %d", w.Number, w.Layout.N)
	}
	for _, s := range []potluck.Size{w.Offset, w.Length, w.Manifest, w.Crosscheck, w.Offset + w.Length} {
		if err := checkSize("write", s); err != nil {
			return err
		}
	}
	if w.Manifest > MaxTrailer {
		return fmt.Errorf("write: manifest of %d bytes, at most %d are allowed", w.Manifest, MaxTrailer)
	}
	if err := checkAuthority(w.Authority); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return checkSize("write: body", w.BodyLen())
}

// WriteResponse tells that the share is durable and leased.
type WriteResponse struct {
	Receipt []byte `cbor:"1,keyasint"` // a sealed Receipt, at most MaxReceipt bytes
}

// Validate tells whether every field lies in its range.
func (w WriteResponse) Validate() error {
	if len(w.Receipt) > MaxReceipt {
		return fmt.Errorf("receipt of %d bytes, at most %d are allowed", len(w.Receipt), MaxReceipt)
	}
	return nil
}

// Part names what is read of a share.
type Part uint8

// The parts of a share.
const (
	PartData       Part = 1 // the Bao slice of data bytes [Offset, Offset+Length)
	PartManifest   Part = 2 // the manifest; Offset and Length are 0
	PartCrosscheck Part = 3 // the crosscheck; Offset and Length are 0
)

// ReadRequest asks for a part of one share. The answer is a length and as many
// raw bytes behind it.
type ReadRequest struct {
	Index  potluck.StorageIndex `cbor:"1,keyasint"`
	Number potluck.ShareNumber  `cbor:"2,keyasint"`
	Part   Part                 `cbor:"3,keyasint"`
	Offset potluck.Size         `cbor:"4,keyasint"`
	Length potluck.Size         `cbor:"5,keyasint"`
}

// Validate tells whether every field lies in its range.
func (r ReadRequest) Validate() error {
	if err := checkNumber(r.Number); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if r.Part < PartData || r.Part > PartCrosscheck {
		return fmt.Errorf("read: part %d is not known", r.Part)
	}
	if r.Part != PartData && (r.Offset != 0 || r.Length != 0) {
		return fmt.Errorf("read: a range of part %d was asked for, only data has ranges", r.Part)
	}
	for _, s := range []potluck.Size{r.Offset, r.Length, r.Offset + r.Length} {
		if err := checkSize("read", s); err != nil {
			return err
		}
	}
	return nil
}

// readResponse stands before the raw bytes of a read.
type readResponse struct {
	Length potluck.Size `cbor:"1,keyasint"`
}

// Validate tells whether every field lies in its range.
func (r readResponse) Validate() error { return checkSize("read: answer", r.Length) }
