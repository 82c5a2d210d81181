package node

import (
	"context"

	"potluck/files"
)

// noted does what the books still owe to a put: they keep a small file's name, or
// forget a cap.
func (n *Node) noted(ctx context.Context, o files.PutOptions, r *files.PutResult) (err error) {
	if o.Forget {
		r.Forgot, err = n.forget(ctx, *r)
		return err
	}
	return n.noteSmall(ctx, o, *r)
}

// forget takes the cap of a file that was put just now out of the books, if an
// earlier put left it there, and tells whether it did.
func (n *Node) forget(ctx context.Context, r files.PutResult) (bool, error) {
	if r.Layout.N == 0 {
		gone, err := n.book.DropSmall(ctx, r.Cap)
		return gone > 0, err
	}
	f, err := n.book.File(ctx, r.Index)
	if err != nil || f.Cap == "" {
		return false, err
	}
	f.Cap = ""
	return true, n.book.PutFile(ctx, f)
}
