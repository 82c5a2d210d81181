package p2p

import "potluck"

// The wire forms of messages that hold types of package potluck, which know
// nothing of CBOR. Each has the same fields as its twin, with integer keys.

type wireLayout struct {
	Suite uint8        `cbor:"1,keyasint"`
	K     uint8        `cbor:"2,keyasint"`
	N     uint8        `cbor:"3,keyasint"`
	Block uint32       `cbor:"4,keyasint"`
	Size  potluck.Size `cbor:"5,keyasint"`
}

type wireShareID struct {
	Index  potluck.StorageIndex `cbor:"1,keyasint"`
	Number potluck.ShareNumber  `cbor:"2,keyasint"`
}

type wireQuote struct {
	Free    potluck.Size `cbor:"1,keyasint"`
	Refusal *wireError   `cbor:"2,keyasint,omitempty"`
	Name    string       `cbor:"3,keyasint"`
	Version string       `cbor:"4,keyasint"`
}

// MarshalCBOR gives the wire form.
func (q QuoteResponse) MarshalCBOR() ([]byte, error) {
	w := wireQuote{Free: q.Free, Name: q.Name, Version: q.Version}
	if q.Refusal != nil {
		r := sealRefusal(q.Refusal)
		w.Refusal = &r
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (q *QuoteResponse) UnmarshalCBOR(data []byte) error {
	var w wireQuote
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*q = QuoteResponse{Free: w.Free, Name: w.Name, Version: w.Version}
	if w.Refusal == nil {
		return nil
	}
	r, err := openRefusal(*w.Refusal)
	q.Refusal = r
	return err
}

type wireAllocate struct {
	Index   potluck.StorageIndex `cbor:"1,keyasint"`
	Layout  wireLayout           `cbor:"2,keyasint"`
	Numbers []byte               `cbor:"3,keyasint"` // one byte each

	Authority []byte `cbor:"4,keyasint,omitempty"`
}

// MarshalCBOR gives the wire form.
func (a AllocateRequest) MarshalCBOR() ([]byte, error) {
	w := wireAllocate{Index: a.Index, Layout: wireLayout(a.Layout), Numbers: make([]byte, len(a.Numbers)), Authority: a.Authority}
	for i, n := range a.Numbers {
		w.Numbers[i] = byte(n)
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (a *AllocateRequest) UnmarshalCBOR(data []byte) error {
	var w wireAllocate
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*a = AllocateRequest{Index: w.Index, Layout: potluck.Layout(w.Layout), Numbers: make([]potluck.ShareNumber, len(w.Numbers)), Authority: w.Authority}
	for i, n := range w.Numbers {
		a.Numbers[i] = potluck.ShareNumber(n)
	}
	return nil
}

type wireWrite struct {
	Index      potluck.StorageIndex `cbor:"1,keyasint"`
	Number     potluck.ShareNumber  `cbor:"2,keyasint"`
	Layout     wireLayout           `cbor:"3,keyasint"`
	Offset     potluck.Size         `cbor:"4,keyasint"`
	Length     potluck.Size         `cbor:"5,keyasint"`
	Manifest   potluck.Size         `cbor:"6,keyasint"`
	Crosscheck potluck.Size         `cbor:"7,keyasint"`
	Authority  []byte               `cbor:"8,keyasint,omitempty"`
}

// MarshalCBOR gives the wire form.
func (w WriteRequest) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireWrite{w.Index, w.Number, wireLayout(w.Layout), w.Offset, w.Length, w.Manifest, w.Crosscheck, w.Authority})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (w *WriteRequest) UnmarshalCBOR(data []byte) error {
	var f wireWrite
	if err := decMode.Unmarshal(data, &f); err != nil {
		return err
	}
	*w = WriteRequest{f.Index, f.Number, potluck.Layout(f.Layout), f.Offset, f.Length, f.Manifest, f.Crosscheck, f.Authority}
	return nil
}

type wireCancel struct {
	Shares []wireShareID `cbor:"1,keyasint"`
}

// MarshalCBOR gives the wire form.
func (c CancelRequest) MarshalCBOR() ([]byte, error) {
	return encMode.Marshal(wireCancel{wireShares(c.Shares)})
}

// UnmarshalCBOR reads the wire form; the caller validates.
func (c *CancelRequest) UnmarshalCBOR(data []byte) error {
	var w wireCancel
	if err := decMode.Unmarshal(data, &w); err != nil {
		return err
	}
	*c = CancelRequest{plainShares(w.Shares)}
	return nil
}
