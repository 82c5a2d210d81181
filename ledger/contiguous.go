package ledger

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// logBytes is more than all rows that only logs hold after a kill: one log is
// written, and at most two wait to become tables.
const logBytes = 3 * 2 * memTableSize

// contiguous proves the chain of the newest events, back beyond all that only
// logs hold. A damaged log is cut silently by Badger; of the newest one the head
// file tells, but behind an older one the newer go on, and the books lack rows in
// their midst. It is called before anybody is inside.
func (b *Book) contiguous() error {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(badger.IteratorOptions{Reverse: true, Prefix: []byte{keyEvent}, PrefetchValues: true, PrefetchSize: 100})
	defer it.Close()
	it.Seek(eventKey(b.head.seq))
	newer, seen := Event{}, int64(0)
	var encoded []byte
	for ; it.Valid() && seen < logBytes; it.Next() {
		k := parts(it.Item().Key())
		seq := k.number()
		row, err := it.Item().ValueCopy(nil)
		if err != nil {
			return err
		}
		e, raw, err := decodeEvent(seq, row)
		if err != nil {
			return err
		}
		if newer.Seq != 0 {
			if newer.Seq != seq+1 {
				return fmt.Errorf("event %d follows event %d: %w", newer.Seq, seq, ErrCut)
			}
			if (head{seq: seq, sum: e.Chain}).next(encoded).sum != newer.Chain {
				return fmt.Errorf("event %d doesn't go on from event %d: %w", newer.Seq, seq, ErrCut)
			}
		}
		if e.Kind == KindCut {
			return nil // the operator knows of what is missing before it
		}
		newer, encoded, seen = e, raw, seen+int64(len(row))
	}
	if newer.Seq > 1 && seen < logBytes {
		return fmt.Errorf("the first event is %d: %w", newer.Seq, ErrCut)
	}
	return nil
}
