package p2p

import (
	"fmt"

	"potluck"
)

// QuoteRequest asks how many bytes the host would take now. Nothing is reserved.
type QuoteRequest struct {
	Bytes potluck.Size `cbor:"1,keyasint"` // charged bytes wanted
}

// Validate tells whether every field lies in its range.
func (q QuoteRequest) Validate() error { return checkSize("quote", q.Bytes) }

// QuoteResponse tells what an ask would be answered with.
type QuoteResponse struct {
	Free    potluck.Size     // the most charged bytes that would be taken now
	Refusal *potluck.Refusal // nil when the asked bytes would be taken
	Name    string           // what the host calls itself
	Version string           // its program's version
}

// Validate tells whether every field lies in its range.
func (q QuoteResponse) Validate() error {
	if err := checkSize("quote", q.Free); err != nil {
		return err
	}
	if q.Refusal != nil {
		if err := checkRefusal(q.Refusal); err != nil {
			return err
		}
	}
	if len(q.Version) > MaxVersion {
		return fmt.Errorf("version has %d bytes, at most %d are allowed", len(q.Version), MaxVersion)
	}
	if err := CheckName(q.Version); err != nil {
		return fmt.Errorf("version: %w", err)
	}
	return CheckName(q.Name)
}
