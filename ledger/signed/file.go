package signed

import (
	"bytes"
	"encoding/json"
	"fmt"
)

const fileFormat = "document/1"

// fileForm is the JSON object of a document in a file. json writes bytes in
// base64 with padding.
type fileForm struct {
	Potluck string   `json:"potluck"`
	Kind    Kind     `json:"kind"`
	Sealed  [][]byte `json:"sealed"`
}

// FormatFile gives a document as a JSON file of one line, for mail and
// "credit verify". Errors wrap ErrDocument.
func FormatFile(d Document) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	f := fileForm{fileFormat, d.Kind, make([][]byte, len(d.Sealed))}
	for i, s := range d.Sealed {
		f.Sealed[i] = append([]byte{}, s...) // nil would be null
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("format document: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseFile reads what FormatFile wrote; white space between tokens may differ,
// nothing else. It doesn't open the envelopes. Errors wrap ErrDocument.
func ParseFile(b []byte) (Document, error) {
	if len(b) > MaxFile {
		return Document{}, fmt.Errorf("%w: file of %d bytes, at most %d are allowed", ErrDocument, len(b), MaxFile)
	}
	var f fileForm
	if err := json.Unmarshal(b, &f); err != nil {
		return Document{}, fmt.Errorf("%w: file: %w", ErrDocument, err)
	}
	if f.Potluck != fileFormat {
		return Document{}, fmt.Errorf("%w: file of format %.20q, want %q", ErrDocument, f.Potluck, fileFormat)
	}
	d := Document{f.Kind, f.Sealed}
	again, err := FormatFile(d)
	if err != nil {
		return Document{}, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return Document{}, fmt.Errorf("%w: file: %w", ErrDocument, err)
	}
	if !bytes.Equal(compact.Bytes(), bytes.TrimSuffix(again, []byte("\n"))) {
		return Document{}, fmt.Errorf("%w: file isn't in its one form: keys potluck, kind and sealed, in this order, each once", ErrDocument)
	}
	return d, nil
}
