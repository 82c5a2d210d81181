package ledger

import (
	"context"
	"fmt"
)

// Bounds of the positions of loops.
const (
	MaxCursors    = 64  // names in one book
	MaxCursor     = 256 // bytes of a position
	MaxCursorName = 64  // bytes of a name
)

// Cursor gives the position that a loop has kept under a name; nil: none. The
// bytes are the loop's own and belong to the caller.
func (b *Book) Cursor(ctx context.Context, name string) (at []byte, err error) {
	if err := checkCursor(name, nil); err != nil {
		return nil, fmt.Errorf("read cursor: %w: %w", err, ErrInvalid)
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
// a restart; nil or empty: forget it. It makes no event. Errors: ErrInvalid for a
// name or a position that is too long, and for more than MaxCursors names.
func (b *Book) SetCursor(ctx context.Context, name string, at []byte) error {
	if err := checkCursor(name, at); err != nil {
		return fmt.Errorf("keep cursor: %w: %w", err, ErrInvalid)
	}
	return b.do(ctx, "keep a cursor", false, func(t *tx) error {
		t.del(cursorKey(name))
		if len(at) > 0 {
			t.set(cursorKey(name), append([]byte(nil), at...))
		}
		return nil
	})
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
