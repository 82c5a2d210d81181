package ledger

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/zeebo/blake3"

	"potluck"
)

// This file has the rows that sum shares by the first byte of their storage index,
// so that two books are compared without reading them. They change with the rows
// that they sum, in the same operation.

func rangeKey(sd side, part byte) []byte {
	k := append(make([]byte, 0, 4+len(sd.peer)), keyRange, sd.role)
	return append(appendPeer(k, sd.peer), part)
}

// rangeHead is the beginning of a range's row: an array of three.
const rangeHead = 0x83

func encodeRange(s SpanSum) []byte {
	b := append(make([]byte, 0, 36), rangeHead)
	b = appendNumber(appendNumber(b, uint64(s.Shares)), uint64(s.Bytes))
	return append(appendHead(b, 0x40, len(s.Sum)), s.Sum[:]...)
}

func decodeRange(b []byte) (s SpanSum, err error) {
	wrong := fmt.Errorf("range row of %d bytes is not an array of shares, bytes and sum in its one encoding: %w", len(b), ErrDamaged)
	if len(b) == 0 || b[0] != rangeHead {
		return s, wrong
	}
	shares, rest, ok := takeNumber(b[1:])
	if !ok {
		return s, wrong
	}
	size, rest, ok := takeNumber(rest)
	if !ok || len(rest) != 1+len(s.Sum) || rest[0] != 0x40|byte(len(s.Sum)) {
		return s, wrong
	}
	s.Shares, s.Bytes = shares, potluck.Size(size)
	copy(s.Sum[:], rest[1:])
	if s.Shares < 1 || !s.inRange() {
		return SpanSum{}, fmt.Errorf("range row of %d shares and %d bytes is out of range: %w", s.Shares, s.Bytes, ErrDamaged)
	}
	return s, nil
}

// inRange tells whether there are as many bytes as that many shares may have: a
// charge is 1 at least.
func (s SpanSum) inRange() bool {
	return s.Shares >= 0 && s.Bytes >= potluck.Size(s.Shares) && s.Bytes <= potluck.MaxSize &&
		(s.Shares > 0 || s == SpanSum{})
}

// add adds a sum, each part of which is in range or the negative of one.
func (s *SpanSum) add(o SpanSum) error {
	lo, carry := bits.Add64(binary.BigEndian.Uint64(s.Sum[8:]), binary.BigEndian.Uint64(o.Sum[8:]), 0)
	hi, _ := bits.Add64(binary.BigEndian.Uint64(s.Sum[:]), binary.BigEndian.Uint64(o.Sum[:]), carry)
	sum := SpanSum{Shares: s.Shares + o.Shares, Bytes: s.Bytes + o.Bytes}
	binary.BigEndian.PutUint64(sum.Sum[:], hi)
	binary.BigEndian.PutUint64(sum.Sum[8:], lo)
	if !sum.inRange() {
		return fmt.Errorf("%d shares with %d bytes changed by %d with %d: %w", s.Shares, s.Bytes, o.Shares, o.Bytes, ErrDamaged)
	}
	*s = sum
	return nil
}

func (s SpanSum) negative() SpanSum {
	lo, borrow := bits.Sub64(0, binary.BigEndian.Uint64(s.Sum[8:]), 0)
	hi, _ := bits.Sub64(0, binary.BigEndian.Uint64(s.Sum[:]), borrow)
	n := SpanSum{Shares: -s.Shares, Bytes: -s.Bytes}
	binary.BigEndian.PutUint64(n.Sum[:], hi)
	binary.BigEndian.PutUint64(n.Sum[8:], lo)
	return n
}

// sum gives the sum of one item: of the fields that a Summary hashes.
func (it Item) sum() SpanSum {
	b := append(appendShare(make([]byte, 0, 64), it.Share), it.Root[:]...)
	hash := blake3.Sum256(binary.BigEndian.AppendUint64(b, uint64(it.Charge)))
	return SpanSum{Shares: 1, Bytes: it.Charge, Sum: [16]byte(hash[:16])}
}

func (s share) item() Item { return Item{s.ID, s.Layout, s.Charge, s.Root, s.Manifest} }

func (p Placement) item() Item { return Item{p.Share, p.Layout, p.Charge, p.Root, p.Manifest} }

// counts tells whether a lease on the share is one that both books have.
func (s share) counts(l Lease) bool { return s.State == ShareStable && !l.Pending }

// ranged adds a change of one share to the row of its range.
func (t *tx) ranged(sd side, id potluck.ShareID, change SpanSum) error {
	key := rangeKey(sd, id.Index[0])
	s, _, err := load(t, key, decodeRange)
	if err != nil {
		return err
	}
	if err := s.add(change); err != nil {
		return fmt.Errorf("range %02x of %v: %w", id.Index[0], sd.peer, err)
	}
	if s.Shares == 0 {
		t.del(key)
	} else {
		t.set(key, encodeRange(s))
	}
	return nil
}

// turn moves a share with leases into the ranges of their owners, or out of them,
// when it became STABLE or ceased to be.
func (t *tx) turn(old, s share) error {
	if old.State == s.State || s.Leases == 0 || (old.State != ShareStable && s.State != ShareStable) {
		return nil
	}
	if old.State == shareNone || old.State == ShareComing {
		return nil // its one lease is made, or ceases to be pending, after this
	}
	leases, err := t.leasesOn(s.ID)
	if err != nil {
		return err
	}
	change := s.item().sum()
	if s.State != ShareStable {
		change = change.negative()
	}
	for _, l := range leases {
		if l.Pending {
			continue
		}
		if err := t.ranged(side{roleHost, l.Owner}, s.ID, change); err != nil {
			return err
		}
	}
	return nil
}

// leasesOn gives the leases on a share as the operation sees them, in no order.
func (t *tx) leasesOn(id potluck.ShareID) (leases []Lease, err error) {
	rows, err := t.under(shareKey(keyLease, id))
	if err != nil {
		return nil, err
	}
	for k, row := range rows {
		_, l, err := readLease([]byte(k), row)
		if err != nil {
			return nil, err
		}
		leases = append(leases, l)
	}
	return leases, nil
}
