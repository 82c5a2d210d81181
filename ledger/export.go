package ledger

import (
	"context"
	"errors"
	"io"
)

// Export writes the books as lines of JSON, without the secrets of invites.
func (b *Book) Export(ctx context.Context, w io.Writer) error {
	return errors.New("export: not there yet")
}

// Import fills empty books from what Export wrote: all of it or nothing.
func (b *Book) Import(ctx context.Context, r io.Reader) error {
	return errors.New("import: not there yet")
}
