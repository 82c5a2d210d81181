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
// ways. It reads no share's data, and changes nothing: that is Crawl's. What
// changes while it runs is looked at again before it is called a problem.
func (n *Node) Check(ctx context.Context) (CheckReport, error) { return n.check(ctx, false) }

// CheckBytes is Check that reads every byte in the store too.
func (n *Node) CheckBytes(ctx context.Context) (CheckReport, error) { return n.check(ctx, true) }

func (n *Node) check(ctx context.Context, read bool) (CheckReport, error) {
	b, err := n.book.Check(ctx)
	if err != nil {
		return CheckReport{}, n.checked(err)
	}
	r := CheckReport{AsOf: n.config.Clock().Unix(), Books: BooksCheck{Accounts: b.Accounts, Shares: b.Shares, Leases: b.Leases,
		Placements: b.Placements, Files: b.Files, Events: b.Events, Held: b.Held, Reserved: b.Reserved, Earned: b.Earned,
		Problems: append([]string{}, b.Problems...)}}
	c := &storeCheck{n: n, read: read, StoreCheck: StoreCheck{Problems: []string{}}}
	if err := c.walk(ctx); err != nil {
		return r, n.checked(err)
	}
	if c.more > 0 {
		c.Problems = append(c.Problems, fmt.Sprintf("%d more problems", c.more))
	}
	r.Store = c.StoreCheck
	r.Clean = len(r.Books.Problems) == 0 && len(r.Store.Problems) == 0
	return r, nil
}

// storeCheck goes through the store and the books as a crawl does, and only looks.
type storeCheck struct {
	StoreCheck
	n    *Node
	read bool
	more int // problems that aren't listed
}

func (c *storeCheck) problem(format string, args ...any) {
	if len(c.Problems) == maxProblems {
		c.more++
		return
	}
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

func (c *storeCheck) walk(ctx context.Context) error {
	for after, more := (potluck.ShareID{}), true; more; {
		pairs, end, rest, err := c.n.pairsAfter(ctx, after)
		if err != nil {
			return err
		}
		for p := range pairs {
			if err := c.one(ctx, p); err != nil {
				return err
			}
		}
		after, more = end, rest
	}
	return nil
}

// one looks at one share.
func (c *storeCheck) one(ctx context.Context, p twin) error {
	l := c.n.keep.look(ctx, p)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if l.sight == seenWhole || l.sight == seenOther {
		c.Shares++
		c.Stored += l.stored
	}
	switch p.state() {
	case ledger.ShareComing:
		c.Coming++
	case ledger.ShareLost, ledger.ShareCorrupt:
		c.problem("share %v is marked %s", p.id, stateWord(p.row.State))
		return nil
	}
	if l.sight == seenUnknown || faults[p.state()][l.sight] != faultNone {
		return c.again(ctx, p.id)
	}
	if !c.read || p.state() != ledger.ShareStable {
		return nil
	}
	c.Read++
	if err := c.n.keep.reread(ctx, *p.row); err != nil {
		return c.readAgain(ctx, p.id)
	}
	return nil
}

// again looks at a share again: since it was listed it may have been deleted, or
// its writing may have ended.
func (c *storeCheck) again(ctx context.Context, id potluck.ShareID) error {
	p, err := c.n.twinOf(ctx, id)
	if err != nil {
		return err
	}
	l := c.n.keep.look(ctx, p)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case l.sight == seenUnknown, faults[p.state()][l.sight] != faultNone && !c.n.keep.writing(id):
		c.problem("share %v: %s", id, l.text)
	}
	return nil
}

// readAgain reads a share again whose bytes weren't right.
func (c *storeCheck) readAgain(ctx context.Context, id potluck.ShareID) error {
	p, err := c.n.twinOf(ctx, id)
	if err != nil || p.state() != ledger.ShareStable {
		return err
	}
	err = c.n.keep.reread(ctx, *p.row)
	if ctx.Err() != nil || errors.Is(err, shares.ErrClosed) {
		return errors.Join(ctx.Err(), err)
	}
	if err != nil {
		c.problem("share %v: %v", id, err)
	}
	return nil
}
