package keepsake

import (
	"fmt"

	"potluck"
	"potluck/ledger"
)

// A backup has what names meant, too: contents that a name had before, and files so
// small that they lie in their caps.

type wireName struct {
	Kind    uint8  `cbor:"0,keyasint"`
	Name    string `cbor:"1,keyasint"`
	Put     int64  `cbor:"2,keyasint"`
	Size    int64  `cbor:"3,keyasint"`
	Index   []byte `cbor:"4,keyasint,omitempty"`
	Cap     string `cbor:"5,keyasint,omitempty"`
	Removed int64  `cbor:"6,keyasint,omitempty"`
}

// Name writes what a name meant from one put on. It comes after all files.
// Errors: ErrInvalid.
func (x *Writer) Name(v ledger.Version) error {
	w := wireName{Kind: kindName, Name: v.Name, Put: v.Time, Size: int64(v.Size), Cap: v.Cap, Removed: v.Removed}
	if v.Index != (potluck.StorageIndex{}) {
		w.Index = v.Index[:]
	}
	if err := v.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	x.names++
	b, err := x.record(w, maxFile)
	_, _ = x.sum.Write(b) // never fails
	return err
}

// name reads a record that has a name.
func (x *Reader) name(b []byte) error {
	w, err := decode[wireName](b)
	if err != nil {
		return err
	}
	v := ledger.Version{Name: w.Name, Time: w.Put, Size: potluck.Size(w.Size), Cap: w.Cap, Removed: w.Removed}
	if len(w.Index) != 0 && len(w.Index) != len(v.Index) {
		return fmt.Errorf("%w: name with an index of %d bytes", ErrInvalid, len(w.Index))
	}
	copy(v.Index[:], w.Index)
	if err := v.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	x.Names = append(x.Names, v)
	return nil
}
