package main

import (
	"context"
	"fmt"
)

type ledgerCmd struct {
	Check  ledgerCheckCmd  `cmd:"" help:"Prove every figure from its rows, and compare the store with the books."`
	Export ledgerExportCmd `cmd:"" help:"Write the books as lines of JSON, on a node that doesn't run."`
	Import ledgerImportCmd `cmd:"" help:"Make books from an export, on a node that doesn't run."`
}

type ledgerCheckCmd struct {
	Read      bool `help:"Read every byte in the store too."`
	AcceptCut bool `help:"Go on with books whose end is gone, or that are an old copy: what is missing is given up. The node mustn't run."`
}

// Run checks the books and the store.
func (l *ledgerCheckCmd) Run(ctx context.Context, c *cli) error {
	if l.AcceptCut {
		return l.acceptCut(ctx, c)
	}
	node, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer node.Close()
	check := node.Check
	if l.Read {
		check = node.CheckBytes
	}
	r, err := check(ctx)
	if err != nil {
		return err
	}
	problems := append(append([]string(nil), r.Books.Problems...), r.Store.Problems...)
	if c.JSON {
		err = c.emit(r)
	} else {
		b := r.Books
		c.printf("books: %s, %s, %s, %s, %s, %s", plural(b.Accounts, "account"), plural(b.Shares, "share"), plural(b.Leases, "lease"),
			plural(b.Placements, "placement"), plural(b.Files, "file"), plural(b.Events, "event"))
		c.printf("held %v, reserved %v, held by friends %v", b.Held, b.Reserved, b.Earned)
		c.printf("store: %s, %v on the disk, %d on their way", plural(r.Store.Shares, "share"), r.Store.Stored, r.Store.Coming)
		if l.Read {
			c.printf("read %s from end to end", plural(r.Store.Read, "share"))
		}
		for _, p := range problems {
			c.printf("problem: %s", p)
		}
		if r.Clean {
			c.printf("clean, as of %s", when(r.AsOf))
		}
	}
	if err == nil && !r.Clean {
		return &exitErr{exitDamage, fmt.Errorf("%s found in the books and the store", plural(len(problems), "problem"))}
	}
	return err
}
