package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Span is a run of shares: from From, inclusive, to To, exclusive. The zero To is
// the end of all shares.
type Span struct {
	From potluck.ShareID
	To   potluck.ShareID
}

// SpanSum is what one node holds for another in a span. Two books with equal sums
// have equal shares; by accident they differ all the same once in 2^128.
type SpanSum struct {
	Shares int64        // how many
	Bytes  potluck.Size // sum of the charges
	Sum    [16]byte     // sum of the first 16 bytes of each item's BLAKE3 hash, big-endian, modulo 2^128
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
// each span, at one moment. Which shares count is as in Summary. It reads a row
// for each first byte of a storage index that a span has wholly, and the shares of
// the rest. Errors: ErrInvalid (CREDIT.md section 8).
func (b *Book) RangeSums(ctx context.Context, host, owner peer.ID, spans []Span) (sums []SpanSum, err error) {
	side, err := b.side(host, owner)
	if err != nil {
		return nil, err
	}
	err = b.view(ctx, func(v view) error {
		for _, s := range spans {
			sum, err := v.spanSum(ctx, side, s)
			if err != nil {
				return err
			}
			sums = append(sums, sum)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sum what %v holds for %v: %w", host, owner, err)
	}
	return sums, nil
}

// RangeItems lists what host holds for owner, one of which must be this node, in
// a span: at most limit items in the order of shares (0: all), and whether there
// are more. Which shares count is as in Summary. Errors: ErrInvalid.
func (b *Book) RangeItems(ctx context.Context, host, owner peer.ID, s Span, limit int) (items []Item, more bool, err error) {
	side, err := b.side(host, owner)
	if err != nil {
		return nil, false, err
	}
	err = b.view(ctx, func(v view) error {
		return v.items(ctx, side, s, func(it Item) error {
			if limit > 0 && len(items) == limit {
				more = true
				return ErrStop
			}
			items = append(items, it)
			return nil
		})
	})
	if err != nil {
		return nil, false, fmt.Errorf("list what %v holds for %v: %w", host, owner, err)
	}
	return items, more, nil
}

// side is one direction between this node and a peer.
type side struct {
	role byte
	peer peer.ID
}

// Roles of this node.
const (
	roleHost  byte = 1 // the peer's leases
	roleOwner byte = 2 // placements at the peer
)

func (b *Book) side(host, owner peer.ID) (side, error) {
	switch {
	case host == owner || (host != b.self && owner != b.self):
		return side{}, fmt.Errorf("compare what %v holds for %v: one of them must be this node: %w", host, owner, ErrInvalid)
	case host == b.self:
		return side{roleHost, owner}, nil
	}
	return side{roleOwner, host}, nil
}

// ranges is how many parts the shares have: one for each first byte of an index.
const ranges = 256

// rangeStart gives the first share of a part; of the one after the last, the zero
// ID, which is the end.
func rangeStart(part int) (id potluck.ShareID) {
	id.Index[0] = byte(part)
	return id
}

// parts gives the run of parts that the span has wholly, from and to (exclusive).
// There is none when from isn't below to.
func (s Span) parts() (from, to int) {
	from, to = int(s.From.Index[0]), ranges
	if s.From != rangeStart(from) {
		from++
	}
	if s.To != (potluck.ShareID{}) {
		to = int(s.To.Index[0])
	}
	return from, to
}

func (v view) spanSum(ctx context.Context, sd side, s Span) (sum SpanSum, err error) {
	add := func(it Item) error { return sum.add(it.sum()) }
	from, to := s.parts()
	if from >= to {
		return sum, v.items(ctx, sd, s, add)
	}
	if start := rangeStart(from); s.From != start {
		if err := v.items(ctx, sd, Span{s.From, start}, add); err != nil {
			return sum, err
		}
	}
	for part := from; part < to; part++ {
		row, _, err := load(v, rangeKey(sd, byte(part)), decodeRange)
		if err = first(err, sum.add(row)); err != nil {
			return sum, err
		}
	}
	if end := rangeStart(to); to < ranges && s.To != end {
		return sum, v.items(ctx, sd, Span{end, s.To}, add)
	}
	return sum, nil
}

// items visits what counts on one side in a span, in order.
func (v view) items(ctx context.Context, sd side, s Span, visit func(Item) error) error {
	index := keyLeaseByOwner
	item := v.heldItem
	if sd.role == roleOwner {
		index, item = keyPlacementByHost, v.placedItem
	}
	keys := span{prefix: peerKey(index, sd.peer), from: peerShareKey(index, sd.peer, s.From), keysOnly: true}
	return v.scan(ctx, keys, func(key, _ []byte) error {
		k := parts(key)
		k.peer()
		id := k.share()
		if err := k.end(key); err != nil {
			return err
		}
		if s.To != (potluck.ShareID{}) && id.Compare(s.To) >= 0 {
			return ErrStop
		}
		it, counts, err := item(sd.peer, id)
		if err != nil || !counts {
			return err
		}
		return visit(it)
	})
}

// heldItem gives a share that an owner's lease names; counts tells whether it is
// STABLE and the lease isn't pending.
func (v view) heldItem(owner peer.ID, id potluck.ShareID) (it Item, counts bool, err error) {
	l, leased, err := getLease(v, id, owner)
	if err != nil || l.Pending {
		return it, false, err
	}
	s, there, err := getShare(v, id)
	if err == nil && (!leased || !there) {
		err = fmt.Errorf("share %v or the lease of %v on it is missing: %w", id, owner, ErrDamaged)
	}
	return s.item(), s.counts(l), err
}

// placedItem gives a placement at a host; counts tells whether it is stable.
func (v view) placedItem(host peer.ID, id potluck.ShareID) (it Item, counts bool, err error) {
	p, there, err := getPlacement(v, id, host)
	if err == nil && !there {
		err = fmt.Errorf("placement of share %v at %v is missing: %w", id, host, ErrDamaged)
	}
	return p.item(), p.State == PlacedStable, err
}
