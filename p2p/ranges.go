package p2p

import (
	"fmt"

	"potluck"
)

// Ceilings on what messages about ranges hold.
const (
	MaxSpans = 256 // spans in a RangesRequest
	MaxItems = 512 // items in a ListResponse
)

// Role is what the asker of an exchange about ranges is in the holding that it
// asks about: the two sides of CREDIT.md section 1.
type Role uint8

// The roles.
const (
	AsOwner Role = 1 // the asked one is the host: it tells what it holds for the asker
	AsHost  Role = 2 // the asked one is the owner: it tells what it counts as held by the asker
)

// Validate tells whether r is one of the two.
func (r Role) Validate() error {
	if r != AsOwner && r != AsHost {
		return fmt.Errorf("role %d is not known", uint8(r))
	}
	return nil
}

// Span is a range of the key space: shares from From on, below To. The zero To
// is the end of the space.
type Span struct {
	From, To potluck.ShareID
}

// Holds tells whether id lies in the span.
func (s Span) Holds(id potluck.ShareID) bool {
	return id.Compare(s.From) >= 0 && (s.To == potluck.ShareID{} || id.Compare(s.To) < 0)
}

// Validate tells whether the span has any room.
func (s Span) Validate() error {
	if s.To != (potluck.ShareID{}) && s.From.Compare(s.To) >= 0 {
		return fmt.Errorf("span from %v to %v is empty", s.From, s.To)
	}
	return nil
}

// SpanSum is the digest of one span: which shares it counts, and how each goes
// into the sum, says docs/spec/ledger.md.
type SpanSum struct {
	Shares int64        `cbor:"1,keyasint"`
	Bytes  potluck.Size `cbor:"2,keyasint"` // charged bytes; above potluck.MaxSize they are told as that
	Sum    [16]byte     `cbor:"3,keyasint"`
}

// Validate tells whether every field lies in its range, and whether what sums
// nothing is zero.
func (s SpanSum) Validate() error {
	if s.Shares < 0 || s.Shares > MaxTime {
		return fmt.Errorf("%d shares is not between 0 and %d", s.Shares, int64(MaxTime))
	}
	if s.Shares == 0 && s != (SpanSum{}) {
		return fmt.Errorf("a sum of no shares with %d bytes", int64(s.Bytes))
	}
	return checkSize("sum", s.Bytes)
}

// RangesRequest asks for the digests of some spans of what one of the two holds
// for the other (CREDIT.md, section 8).
type RangesRequest struct {
	Role  Role   `cbor:"1,keyasint"` // the asker's
	Spans []Span `cbor:"2,keyasint"` // 1 to MaxSpans, ascending, none within another
}

// Validate tells whether every field lies in its range.
func (r RangesRequest) Validate() error {
	if err := r.Role.Validate(); err != nil {
		return fmt.Errorf("ranges: %w", err)
	}
	if len(r.Spans) < 1 || len(r.Spans) > MaxSpans {
		return fmt.Errorf("ranges: %d spans, want 1 to %d", len(r.Spans), MaxSpans)
	}
	for i, s := range r.Spans {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("ranges: %w", err)
		}
		if i == 0 {
			continue
		}
		if before := r.Spans[i-1].To; before == (potluck.ShareID{}) || before.Compare(s.From) > 0 {
			return fmt.Errorf("ranges: spans %d and %d are not ascending", i-1, i)
		}
	}
	return nil
}

// RangesResponse has one sum for each span, in the same order.
type RangesResponse struct {
	Sums []SpanSum `cbor:"1,keyasint"`
}

// Validate tells whether every field lies in its range.
func (r RangesResponse) Validate() error {
	if len(r.Sums) > MaxSpans {
		return fmt.Errorf("ranges: %d sums, at most %d are allowed", len(r.Sums), MaxSpans)
	}
	for _, s := range r.Sums {
		if err := s.Validate(); err != nil {
			return fmt.Errorf("ranges: %w", err)
		}
	}
	return nil
}

// ListRequest asks for the shares of one span.
type ListRequest struct {
	Role Role `cbor:"1,keyasint"` // the asker's
	Span Span `cbor:"2,keyasint"`
}

// Validate tells whether every field lies in its range.
func (l ListRequest) Validate() error {
	if err := l.Role.Validate(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if err := l.Span.Validate(); err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return nil
}

// Item is one share of a holding, as the asked one's books have it.
type Item struct {
	Share    potluck.ShareID
	Layout   potluck.Layout
	Charge   potluck.Size
	Root     potluck.Digest
	Manifest potluck.Digest
}

// Validate tells whether every field lies in its range.
func (i Item) Validate() error {
	if err := checkNumber(i.Share.Number); err != nil {
		return err
	}
	if err := i.Layout.Validate(); err != nil {
		return err
	}
	if int(i.Share.Number) >= int(i.Layout.N) {
		return fmt.Errorf("share number %d is not below %d", i.Share.Number, i.Layout.N)
	}
	if i.Charge < 1 {
		return fmt.Errorf("charge of %d bytes", int64(i.Charge))
	}
	return checkSize("charge", i.Charge)
}

// ListResponse has the first shares of the span, ascending.
type ListResponse struct {
	Items []Item `cbor:"1,keyasint"` // at most MaxItems
	More  bool   `cbor:"2,keyasint"` // there are more behind the last: ask for the rest of the span
}

// Validate tells whether every field lies in its range.
func (l ListResponse) Validate() error {
	if l.More && len(l.Items) == 0 {
		return fmt.Errorf("list: more shares are announced, and none came")
	}
	if len(l.Items) > MaxItems {
		return fmt.Errorf("list: %d shares, at most %d are allowed", len(l.Items), MaxItems)
	}
	for i, item := range l.Items {
		if err := item.Validate(); err != nil {
			return fmt.Errorf("list: %w", err)
		}
		if i > 0 && l.Items[i-1].Share.Compare(item.Share) >= 0 {
			return fmt.Errorf("list: shares %v and %v are not ascending", l.Items[i-1].Share, item.Share)
		}
	}
	return nil
}
