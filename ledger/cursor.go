package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Bounds of the positions of loops.
const (
	MaxCursors    = 64  // names in one book
	MaxCursor     = 256 // bytes of a position
	MaxCursorName = 64  // bytes of a name
)

// Cursor gives the position that a loop has kept under a name; nil: none. The
// bytes are the loop's own and belong to the caller. Errors: ErrInvalid.
func (b *Book) Cursor(ctx context.Context, name string) (at []byte, err error) {
	if err := checkCursor(name, nil); err != nil {
		return nil, fmt.Errorf("read a cursor: %w: %w", err, ErrInvalid)
	}
	err = b.view(ctx, func(v view) error {
		at, _, err = v.get(cursorKey(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read cursor %s: %w", name, err)
	}
	return at, nil
}

// SetCursor keeps a loop's position under a name, so that it goes on there after
// a restart; empty: forget it. The position is borrowed until it returns. It makes
// no event. Errors: ErrInvalid for a name or a position that is too long, and for
// more than MaxCursors names.
func (b *Book) SetCursor(ctx context.Context, name string, at []byte) error {
	if err := checkCursor(name, at); err != nil {
		return fmt.Errorf("keep a cursor: %w: %w", err, ErrInvalid)
	}
	return b.do(ctx, "keep a cursor", false, func(t *tx) error {
		key := cursorKey(name)
		_, there, err := t.get(key)
		switch {
		case err != nil:
			return err
		case len(at) == 0 && there:
			t.del(key)
		case len(at) > 0 && !there:
			if n, err := t.cursors(); err != nil || n >= MaxCursors {
				return first(err, fmt.Errorf("%d cursors are kept, at most %d: %w", n, MaxCursors, ErrInvalid))
			}
			fallthrough
		case len(at) > 0:
			t.set(key, slices.Clone(at))
		}
		return nil
	})
}

// cursors counts the names, as the operation sees them.
func (t *tx) cursors() (n int, err error) {
	rows, err := t.under([]byte{keyCursor})
	return len(rows), err
}

// under gives the rows whose keys have a prefix, as the operation sees them. It is
// for prefixes that few rows have.
func (t *tx) under(prefix []byte) (rows map[string][]byte, err error) {
	rows = make(map[string][]byte)
	w := view{t.batch.txn}.walk(span{prefix: prefix})
	for w.next() {
		rows[string(w.key)] = slices.Clone(w.row)
	}
	w.close()
	if w.err != nil {
		return nil, fmt.Errorf("read rows %x: %w", prefix, w.err)
	}
	for _, writes := range []map[string][]byte{t.batch.writes, t.writes} {
		for k, row := range writes {
			switch {
			case !strings.HasPrefix(k, string(prefix)):
			case row == nil:
				delete(rows, k)
			default:
				rows[k] = row
			}
		}
	}
	return rows, nil
}

func checkCursor(name string, at []byte) error {
	if name == "" {
		return fmt.Errorf("cursor without a name")
	}
	if len(at) > MaxCursor {
		return fmt.Errorf("cursor %s of %d bytes, at most %d", name, len(at), MaxCursor)
	}
	return checkText("cursor name", name, MaxCursorName)
}

func cursorKey(name string) []byte { return append([]byte{keyCursor}, name...) }
