package ledger

import (
	"bytes"
	"context"
	"errors"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// view is one consistent sight of what is durable. It doesn't wait for writers
// and they don't wait for it.
type view struct{ txn *badger.Txn }

func (v view) get(key []byte) ([]byte, bool, error) { return getFrom(v.txn, key) }

// view runs f on a view. f may call methods of the book; it holds up Close.
func (b *Book) view(ctx context.Context, f func(v view) error) error {
	if err := b.gate.enter(); err != nil {
		return err
	}
	defer b.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	return b.blame(ctx, f(view{txn}))
}

// ErrStop ends a walk early, without an error, when a visit function returns it.
var ErrStop = errors.New("stop")

// span is a run of keys with one prefix, from the first key greater than after, or
// not less than from (nil both: from the beginning).
type span struct {
	prefix   []byte
	after    []byte
	from     []byte
	keysOnly bool
}

// pastShare is the part of an index by peer that comes after a share; with the zero
// ID all of it.
func pastShare(prefix byte, p peer.ID, after potluck.ShareID) span {
	s := span{prefix: peerKey(prefix, p), keysOnly: true}
	if after != (potluck.ShareID{}) {
		s.after = peerShareKey(prefix, p, after)
	}
	return s
}

// scan visits a span in the order of keys. key and row are borrowed until visit
// returns.
func (b *Book) scan(ctx context.Context, s span, visit func(key, row []byte) error) error {
	return b.view(ctx, func(v view) error { return v.scan(ctx, s, visit) })
}

func (v view) scan(ctx context.Context, s span, visit func(key, row []byte) error) error {
	w := v.walk(s)
	defer w.close()
	for w.next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.err; err != nil {
			return err
		}
		if err := visit(w.key, w.row); err != nil {
			if errors.Is(err, ErrStop) {
				return nil
			}
			return err
		}
	}
	return w.err
}

// walk is a span being visited. After next has returned true, key and row are
// good until the following call.
type walk struct {
	it    *badger.Iterator
	after []byte
	keys  bool
	begun bool
	key   []byte
	row   []byte
	err   error
}

func (v view) walk(s span) *walk {
	o := badger.IteratorOptions{Prefix: s.prefix, PrefetchValues: !s.keysOnly, PrefetchSize: 64}
	w := &walk{it: v.txn.NewIterator(o), after: s.after, keys: s.keysOnly}
	switch {
	case w.after != nil:
		w.it.Seek(w.after)
	case s.from != nil:
		w.it.Seek(s.from)
	default:
		w.it.Rewind()
	}
	return w
}

func (w *walk) close() { w.it.Close() }

func (w *walk) next() bool {
	if w.err != nil {
		return false
	}
	if w.begun {
		w.it.Next()
	}
	w.begun = true
	if w.it.Valid() && w.after != nil && bytes.Equal(w.it.Item().Key(), w.after) {
		w.it.Next()
	}
	return w.read()
}

// skip goes on to the first key that isn't less than one.
func (w *walk) skip(to []byte) bool {
	if w.err != nil {
		return false
	}
	w.begun = true
	w.it.Seek(to)
	return w.read()
}

// read takes what the walk stands at.
func (w *walk) read() bool {
	if !w.it.Valid() {
		return false
	}
	item := w.it.Item()
	w.key = item.KeyCopy(w.key)
	if !w.keys {
		w.row, w.err = item.ValueCopy(w.row)
	}
	return w.err == nil
}
