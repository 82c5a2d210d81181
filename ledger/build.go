package ledger

import (
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// builtRanges names the marker row that tells that the rows of ranges are there.
const builtRanges = "ranges"

func builtKey(name string) []byte { return append([]byte{keyBuilt}, name...) }

// build makes the rows that books of an earlier program don't have, before
// anybody writes. A stop in between leaves rows that the next open writes again.
func (b *Book) build(ctx context.Context) error {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	v := view{txn}
	if _, built, err := v.get(builtKey(builtRanges)); err != nil || built {
		return err
	}
	sums, unread, err := v.sumRanges(ctx)
	if err != nil {
		return fmt.Errorf("sum the shares: %w", err)
	}
	if unread > 0 {
		b.log.Warn("rows can't be read, so they are left out of the sums of shares; check the books", "rows", unread)
	}
	w := b.db.NewWriteBatch()
	defer w.Cancel()
	for key, s := range sums {
		if err := w.Set([]byte(key), encodeRange(*s)); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return b.db.Update(func(txn *badger.Txn) error { return txn.Set(builtKey(builtRanges), []byte{}) })
}

// rangeSums are sums by the key of their row.
type rangeSums map[string]*SpanSum

func (r rangeSums) add(sd side, it Item) error {
	key := string(rangeKey(sd, it.Share.Index[0]))
	s := r[key]
	if s == nil {
		s = new(SpanSum)
		r[key] = s
	}
	return s.add(it.sum())
}

// sumRanges sums all shares and placements; unread counts the rows that can't be read.
func (v view) sumRanges(ctx context.Context) (sums rangeSums, unread int, err error) {
	sums = make(rangeSums)
	err = v.pairs(ctx, func(s share, l Lease, err error) error {
		if err == nil && s.counts(l) {
			err = sums.add(side{roleHost, l.Owner}, s.item())
		}
		if err != nil {
			unread++
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	err = v.scan(ctx, span{prefix: []byte{keyPlacement}}, func(key, row []byte) error {
		p, err := readPlacement(key, row)
		if err == nil && p.State == PlacedStable {
			err = sums.add(side{roleOwner, p.Host}, p.item())
		}
		if err != nil {
			unread++
		}
		return nil
	})
	return sums, unread, err
}

// pairs visits every lease with its share; one that can't be read, or has no
// share, with an error.
func (v view) pairs(ctx context.Context, visit func(share, Lease, error) error) error {
	shares := v.walk(span{prefix: []byte{keyShare}})
	defer shares.close()
	more := shares.next()
	return v.scan(ctx, span{prefix: []byte{keyLease}}, func(key, row []byte) error {
		id, l, err := readLease(key, row)
		if err != nil {
			return visit(share{}, l, err)
		}
		for ; more; more = shares.next() {
			if c := parts(shares.key).share().Compare(id); c == 0 {
				s, err := readShare(shares.key, shares.row)
				return visit(s, l, err)
			} else if c > 0 {
				break
			}
		}
		return visit(share{}, l, first(shares.err, fmt.Errorf("share %v is missing, its lease is there: %w", id, ErrDamaged)))
	})
}
