package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4/table"
)

// Tables are read without their checksums once they are open: Badger would pass over
// some damage that came since, and panic at some. So whoever meets a row that can't be
// read looks at the tables' files again, and so does a check.

// lookAgain is how long a look at the tables holds when it found nothing.
const lookAgain = time.Minute

// errUnread is what Badger said of a row beside that it isn't there.
var errUnread = errors.New("the database doesn't give it")

// checkLive proves the tables of open books as they lie on the disk now. If one is
// damaged the books stop: what is merged from it would be taken for whole.
func (b *Book) checkLive(ctx context.Context) error {
	dir := filepath.Join(filepath.Dir(b.lock.Name()), badgerDir)
	for _, t := range b.db.Tables() {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := checkTable(table.NewFilename(t.ID, dir))
		if errors.Is(err, os.ErrNotExist) && !b.hasTable(t.ID) {
			continue // it was merged into others since
		}
		if errors.Is(err, ErrDamaged) {
			return b.fail(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) hasTable(id uint64) bool {
	for _, t := range b.db.Tables() {
		if t.ID == id {
			return true
		}
	}
	return false
}

// blame lets an error of a read pass, unless it tells of damage and a table is damaged.
func (b *Book) blame(ctx context.Context, err error) error {
	if err == nil || !errors.Is(err, ErrDamaged) && !errors.Is(err, errUnread) || b.failed() != nil || !b.mayLook() {
		return err
	}
	if cause := b.checkLive(ctx); errors.Is(cause, ErrDamaged) {
		return fmt.Errorf("%w; it was met by: %w", cause, err)
	}
	return err
}

// mayLook tells whether the last look at the tables is long enough ago, and counts
// this one.
func (b *Book) mayLook() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock()
	if !b.looked.IsZero() && now.Sub(b.looked).Abs() < lookAgain {
		return false
	}
	b.looked = now
	return true
}
