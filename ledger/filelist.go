package ledger

import (
	"bytes"
	"context"
	"fmt"

	"potluck"
)

// FilesAfter visits files by storage index, from the first after one on, or with
// the zero index from the first, each with how many of its placements are stable.
// It reads one moment of the books, and a row for each file and each placement.
// ErrStop of visit ends it without an error.
func (b *Book) FilesAfter(ctx context.Context, after potluck.StorageIndex, visit func(f File, placed int) error) error {
	files := span{prefix: []byte{keyFile}}
	if after != (potluck.StorageIndex{}) {
		files.after = indexKey(keyFile, after)
	}
	err := b.view(ctx, func(v view) error {
		p := &placedRows{}
		defer p.close()
		return v.scan(ctx, files, func(key, row []byte) error {
			f, err := readFile(key, row)
			if err != nil {
				return err
			}
			placed, err := p.stable(v, f.Index)
			if err != nil {
				return err
			}
			return visit(f, placed)
		})
	})
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	return nil
}

// placedRows walks placements beside the files that they are of: both are in the
// order of the storage index.
type placedRows struct {
	w    *walk // nil before the first file
	more bool
}

// stable counts the stable placements of a file; the files come in order.
func (p *placedRows) stable(v view, index potluck.StorageIndex) (n int, err error) {
	of := indexKey(keyPlacement, index)
	switch {
	case p.w == nil:
		p.w = v.walk(span{prefix: []byte{keyPlacement}, from: of})
		p.more = p.w.next()
	case p.more && bytes.Compare(p.w.key, of) < 0: // those of no file lie between
		p.more = p.w.skip(of)
	}
	for ; p.more && bytes.HasPrefix(p.w.key, of); p.more = p.w.next() {
		row, err := readPlacement(p.w.key, p.w.row)
		if err != nil {
			return 0, err
		}
		if row.State == PlacedStable {
			n++
		}
	}
	return n, p.w.err
}

func (p *placedRows) close() {
	if p.w != nil {
		p.w.close()
	}
}
