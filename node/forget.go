package node

import (
	"cmp"
	"context"
	"errors"

	"potluck/files"
	"potluck/ledger"
)

// noted does what the books still owe to a put: they keep a small file's name, or
// what was there already under this one, or forget a cap.
func (n *Node) noted(ctx context.Context, o files.PutOptions, r *files.PutResult) (err error) {
	if o.Forget {
		r.Forgot, err = n.forget(ctx, *r)
		return err
	}
	if r.Layout.N == 0 {
		return n.noteSmall(ctx, o, *r)
	}
	return n.noteName(ctx, o, *r)
}

// noteName notes what a file is called from now on, and its cap, unless the books
// say so: a put of what is whole at its hosts already writes nothing.
func (n *Node) noteName(ctx context.Context, o files.PutOptions, r files.PutResult) error {
	f, err := n.book.File(ctx, r.Index)
	if errors.Is(err, ledger.ErrNotFound) { // removed since
		return nil
	}
	if err != nil {
		return err
	}
	meant := o.Name == "" // a file without a name has no versions
	err = n.book.VersionsOf(ctx, o.Name, func(v ledger.Version) error {
		meant = v.Index == r.Index && v.Removed == 0 // the newest counts, and comes last
		return nil
	})
	if err != nil || meant && f.Cap != "" {
		return err
	}
	f.Name, f.Cap, f.Put = cmp.Or(o.Name, f.Name), r.Cap, n.config.Clock().Unix()
	return n.book.PutFile(ctx, f)
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
