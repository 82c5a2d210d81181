package node

import (
	"context"
	"errors"
	"fmt"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

// maxProblems bounds the list of a check; a count of the rest follows.
const maxProblems = 1000

// Check proves the books from their rows, and compares the store with them both
// ways. It reads no share's data. What changes while it runs is looked at
// again before it is called a problem.
func (n *Node) Check(ctx context.Context) (CheckReport, error) {
	b, err := n.book.Check(ctx)
	if err != nil {
		return CheckReport{}, n.checked(err)
	}
	r := CheckReport{AsOf: n.config.Clock().Unix(), Books: BooksCheck{Accounts: b.Accounts, Shares: b.Shares, Leases: b.Leases,
		Placements: b.Placements, Files: b.Files, Events: b.Events, Held: b.Held, Reserved: b.Reserved, Earned: b.Earned,
		Problems: append([]string{}, b.Problems...)}}
	c := &storeCheck{keep: n.keep, StoreCheck: StoreCheck{Problems: []string{}}}
	if err := c.rows(ctx); err != nil {
		return r, n.checked(err)
	}
	if err := c.bytes(ctx); err != nil {
		return r, n.checked(err)
	}
	if c.more > 0 {
		c.Problems = append(c.Problems, fmt.Sprintf("%d more problems", c.more))
	}
	r.Store = c.StoreCheck
	r.Clean = len(r.Books.Problems) == 0 && len(r.Store.Problems) == 0
	return r, nil
}

type storeCheck struct {
	StoreCheck
	*keep
	more int // problems that aren't listed
}

func (c *storeCheck) problem(format string, args ...any) {
	if len(c.Problems) == maxProblems {
		c.more++
		return
	}
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// rows looks for the bytes of every row.
func (c *storeCheck) rows(ctx context.Context) error {
	var doubtful []potluck.ShareID
	err := c.book.Shares(ctx, potluck.ShareID{}, func(row ledger.ShareRow) error {
		switch row.State {
		case ledger.ShareComing:
			c.Coming++
		case ledger.ShareGoing:
		case ledger.ShareStable:
			text, err := c.compare(ctx, row)
			if text != "" {
				doubtful = append(doubtful, row.ID)
			}
			return err
		default:
			c.problem("share %v is marked %s", row.ID, stateWord(row.State))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range doubtful { // a row that was read may have been deleted since
		row, err := c.book.Share(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) || err == nil && row.State != ledger.ShareStable {
			continue
		}
		if err != nil {
			return err
		}
		text, err := c.compare(ctx, row)
		if err != nil {
			return err
		}
		if text != "" {
			c.problem("share %v: %s", id, text)
		}
	}
	return nil
}

// compare tells how the bytes of a STABLE row differ from it; "" if they don't.
func (c *storeCheck) compare(ctx context.Context, row ledger.ShareRow) (string, error) {
	info, err := c.store.Stat(ctx, row.ID)
	h := info.Header
	switch {
	case errors.Is(err, shares.ErrNotFound):
		return fmt.Sprintf("the books have %d bytes, the store has none", row.Charge), nil
	case errors.Is(err, shares.ErrDamaged):
		return "the store's bytes are damaged", nil
	case err != nil:
		return "", err
	case h.Layout != row.Layout:
		return fmt.Sprintf("the books have layout %+v, the store has %+v", row.Layout, h.Layout), nil
	case h.Root != row.Root || h.Manifest != row.Manifest:
		return "the store has another root or manifest than the books", nil
	case info.Stored != shares.StoredLen(row.Layout):
		return fmt.Sprintf("the store has %d bytes, want %d", info.Stored, shares.StoredLen(row.Layout)), nil
	}
	return "", nil
}

// bytes looks for the row of every share in the store.
func (c *storeCheck) bytes(ctx context.Context) error {
	var unknown []potluck.ShareID
	err := c.store.List(ctx, potluck.ShareID{}, func(info shares.Info) error {
		c.Shares++
		c.Stored += info.Stored
		_, err := c.book.Share(ctx, info.ID)
		if errors.Is(err, ledger.ErrNotFound) {
			unknown = append(unknown, info.ID)
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range unknown { // listed bytes may be deleted by now
		info, err := c.store.Stat(ctx, id)
		if err != nil {
			continue
		}
		if _, err := c.book.Share(ctx, id); errors.Is(err, ledger.ErrNotFound) && !c.keep.writing(id) {
			c.problem("share %v: the store has %d bytes, the books have no row", id, info.Stored)
		}
	}
	return nil
}
