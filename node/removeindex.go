package node

import (
	"context"
	"fmt"
	"strings"

	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
)

// RemoveIndexed is Remove of a file that the books know, with its cap or without:
// by its storage index, or a start of it that fits no other. Errors: as of Remove;
// *files.UsageError for a start that fits several, or the backup of the books.
func (n *Node) RemoveIndexed(ctx context.Context, start string) (files.RemoveResult, error) {
	f, err := n.fileOf(ctx, start)
	if err != nil {
		return files.RemoveResult{}, err
	}
	backups, err := n.backups(ctx)
	if err != nil {
		return files.RemoveResult{}, n.checked(err)
	}
	if backups[f.Index] {
		return files.RemoveResult{}, usagef("%v is the backup of the books, which the node itself puts and removes", f.Index)
	}
	return n.Remove(ctx, caps.Verify{Layout: f.Layout, Index: f.Index, Manifest: f.Manifest})
}

// indexStart is the fewest characters of a storage index that name a file.
const indexStart = 4

// fileOf finds the one file whose storage index begins so.
func (n *Node) fileOf(ctx context.Context, start string) (found ledger.File, err error) {
	if len(start) < indexStart {
		return found, usagef("%q is too short for a storage index: give at least %d of its characters", start, indexStart)
	}
	fits := 0
	err = n.book.Files(ctx, func(f ledger.File) error {
		if strings.HasPrefix(f.Index.String(), start) {
			found = f
			fits++
		}
		return nil
	})
	switch {
	case err != nil:
		return found, n.checked(err)
	case fits == 0:
		return found, &NotFoundError{What: fmt.Sprintf("file with a storage index that begins with %q among those that this node put", start)}
	case fits > 1:
		return found, usagef("%d files have storage indexes that begin with %q; give more of it", fits, start)
	}
	return found, nil
}
