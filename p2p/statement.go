package p2p

import (
	"fmt"

	"potluck"
)

// StatementRequest proposes a statement of holdings (CREDIT.md, section 8),
// signed by the asker.
type StatementRequest struct {
	Sealed []byte `cbor:"1,keyasint"` // 1 to MaxStatement bytes
}

// Validate tells whether every field lies in its range.
func (s StatementRequest) Validate() error {
	if len(s.Sealed) < 1 || len(s.Sealed) > MaxStatement {
		return fmt.Errorf("statement: %d bytes, want 1 to %d", len(s.Sealed), MaxStatement)
	}
	return nil
}

// StatementResponse has the same statement with the other's signature, or, when
// the books differ, the other's own figures and no signature.
type StatementResponse struct {
	Sealed []byte         `cbor:"1,keyasint"` // at most MaxStatement bytes; empty: the books differ
	Bytes  potluck.Size   `cbor:"2,keyasint"` // charged bytes; 0 with Sealed
	Shares int64          `cbor:"3,keyasint"` // 0 with Sealed
	Digest potluck.Digest `cbor:"4,keyasint"` // of the shares; zero with Sealed
}

// Validate tells whether every field lies in its range.
func (s StatementResponse) Validate() error {
	if len(s.Sealed) > MaxStatement {
		return fmt.Errorf("statement: %d bytes, at most %d are allowed", len(s.Sealed), MaxStatement)
	}
	if len(s.Sealed) > 0 && (s.Bytes != 0 || s.Shares != 0 || s.Digest != potluck.Digest{}) {
		return fmt.Errorf("statement: signed, and with other figures")
	}
	if s.Shares < 0 || s.Shares > MaxTime {
		return fmt.Errorf("statement: %d shares is not between 0 and %d", s.Shares, int64(MaxTime))
	}
	return checkSize("statement", s.Bytes)
}
