package ledger

import (
	"context"
	"fmt"

	"potluck"
)

// PutFile writes a file's row, over an older one with the same storage index.
// Errors: ErrInvalid, ErrFull.
func (b *Book) PutFile(ctx context.Context, f File) error {
	if err := f.check(); err != nil {
		return fmt.Errorf("note file %v: %w: %w", f.Index, err, ErrInvalid)
	}
	return b.do(ctx, "note a file", true, func(t *tx) error {
		return t.putFile(f)
	})
}

func (t *tx) putFile(f File) error {
	key := indexKey(keyFile, f.Index)
	old, _, err := load(t, key, func(row []byte) (File, error) { return decodeFile(f.Index, row) })
	if err != nil {
		return err
	}
	if err := t.recallVersion(versionOf(old)); err != nil {
		return err
	}
	if err := t.putVersion(versionOf(f)); err != nil {
		return err
	}
	t.set(key, encodeFile(f))
	t.note(Event{Kind: KindFile, Bytes: f.Layout.Size, Reason: f.Index.String()})
	return nil
}

// File gives one file's row. Errors: ErrNotFound.
func (b *Book) File(ctx context.Context, index potluck.StorageIndex) (f File, err error) {
	err = b.view(ctx, func(v view) error {
		var found bool
		f, found, err = load(v, indexKey(keyFile, index), func(row []byte) (File, error) { return decodeFile(index, row) })
		if err == nil && !found {
			err = fmt.Errorf("file %v: %w", index, ErrNotFound)
		}
		return err
	})
	return f, err
}

// Files visits all files by storage index. visit may call methods of the book.
func (b *Book) Files(ctx context.Context, visit func(File) error) error {
	return b.scan(ctx, span{prefix: []byte{keyFile}}, func(key, row []byte) error {
		f, err := readFile(key, row)
		if err != nil {
			return err
		}
		return visit(f)
	})
}

func readFile(key, row []byte) (File, error) {
	k := parts(key)
	index := k.index()
	if err := k.end(key); err != nil {
		return File{}, err
	}
	return decodeFile(index, row)
}

// DropFile forgets a file; one that isn't known is left alone. Its placements
// stay until Unplace.
func (b *Book) DropFile(ctx context.Context, index potluck.StorageIndex) error {
	return b.do(ctx, "forget a file", false, func(t *tx) error {
		key := indexKey(keyFile, index)
		f, found, err := load(t, key, func(row []byte) (File, error) { return decodeFile(index, row) })
		if err != nil || !found {
			return err
		}
		if err := t.recallVersion(versionOf(f)); err != nil {
			return err
		}
		if err := t.endVersions(f.Name, func(v Version) bool { return v.Index == index }); err != nil {
			return err
		}
		t.del(key)
		t.note(Event{Kind: KindDropFile, Bytes: f.Layout.Size, Reason: index.String()})
		return nil
	})
}
