package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/zeebo/blake3"

	"potluck"
)

// Span is a run of shares: from From, inclusive, to To, exclusive. The zero To is
// the end of all shares.
type Span struct {
	From potluck.ShareID
	To   potluck.ShareID
}

// SpanSum is what one node holds for another in a span. Equal sums mean equal
// shares, for whoever can't choose the roots; two books that differ by accident
// have equal sums once in 2^128.
type SpanSum struct {
	Shares int64
	Bytes  potluck.Size
	Sum    [16]byte // sum of the first 16 bytes of each item's BLAKE3 hash, big-endian, modulo 2^128
}

// Item is one share that one node holds for another, as both books have it.
type Item struct {
	Share    potluck.ShareID
	Layout   potluck.Layout
	Charge   potluck.Size
	Root     potluck.Digest
	Manifest potluck.Digest
}

// RangeSums sums what host holds for owner, one of which must be this node, in
// each span. Which shares count is as in Summary. Errors: ErrInvalid.
func (b *Book) RangeSums(ctx context.Context, host, owner peer.ID, spans []Span) ([]SpanSum, error) {
	sums := make([]SpanSum, len(spans))
	for i, s := range spans {
		items, _, err := b.RangeItems(ctx, host, owner, s, 0)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			sums[i].add(it)
		}
	}
	return sums, nil
}

// RangeItems lists what host holds for owner, one of which must be this node, in
// a span: at most limit items in the order of shares (0: all), and whether there
// are more. Which shares count is as in Summary. Errors: ErrInvalid.
func (b *Book) RangeItems(ctx context.Context, host, owner peer.ID, s Span, limit int) (items []Item, more bool, err error) {
	if host == owner || (host != b.self && owner != b.self) {
		return nil, false, fmt.Errorf("list what %v holds for %v: one of them must be this node: %w", host, owner, ErrInvalid)
	}
	take := func(it Item) error {
		if it.Share.Compare(s.From) < 0 || (s.To != (potluck.ShareID{}) && it.Share.Compare(s.To) >= 0) {
			return nil
		}
		if limit > 0 && len(items) == limit {
			more = true
			return errStop
		}
		items = append(items, it)
		return nil
	}
	if host == b.self {
		err = b.Leases(ctx, owner, func(r ShareRow) error {
			for _, l := range r.Leases {
				if l.Owner == owner && !l.Pending && r.State == ShareStable {
					return take(Item{r.ID, r.Layout, r.Charge, r.Root, r.Manifest})
				}
			}
			return nil
		})
	} else {
		err = b.PlacementsAt(ctx, host, func(p Placement) error {
			if p.State != PlacedStable {
				return nil
			}
			return take(Item{p.Share, p.Layout, p.Charge, p.Root, p.Manifest})
		})
	}
	if err != nil {
		return nil, false, fmt.Errorf("list what %v holds for %v: %w", host, owner, err)
	}
	return items, more, nil
}

// hash is the item's part of a sum.
func itemHash(id potluck.ShareID, root potluck.Digest, charge potluck.Size) (hi, lo uint64) {
	var room [shareLen + len(root) + 8]byte
	b := append(appendShare(room[:0], id), root[:]...)
	sum := blake3.Sum256(binary.BigEndian.AppendUint64(b, uint64(charge)))
	return binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
}

func (s *SpanSum) add(it Item) {
	hi, lo := itemHash(it.Share, it.Root, it.Charge)
	s.Shares++
	s.Bytes += it.Charge
	l, carry := bits.Add64(binary.BigEndian.Uint64(s.Sum[8:]), lo, 0)
	h, _ := bits.Add64(binary.BigEndian.Uint64(s.Sum[:]), hi, carry)
	binary.BigEndian.PutUint64(s.Sum[:], h)
	binary.BigEndian.PutUint64(s.Sum[8:], l)
}
