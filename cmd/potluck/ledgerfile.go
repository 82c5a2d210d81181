package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"potluck/files"
	"potluck/ledger"
	"potluck/node"
)

type ledgerExportCmd struct {
	File string `arg:"" optional:"" help:"Where to; made, and not overwritten. Without it: stdout."`
}

// Help says more than one line.
func (l *ledgerExportCmd) Help() string {
	return `Writes the books of a node that doesn't run as lines of JSON, all but the secrets of invites: for reading, for other programs, and for "potluck ledger import". It has names and caps of files: who has it can read them.`
}

// Run exports the books in the data directory.
func (l *ledgerExportCmd) Run(ctx context.Context, c *cli) (err error) {
	if l.File == "" {
		return booksErr(node.ExportBooks(ctx, c.Data, c.out))
	}
	f, err := os.OpenFile(l.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return usagef("%s is there already; name another file", l.File)
	}
	if err != nil {
		return fmt.Errorf("make the export's file: %w", err)
	}
	err = errors.Join(node.ExportBooks(ctx, c.Data, f), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(booksErr(err), os.Remove(l.File))
	}
	c.remark("exported the books to %s; keep it to yourself", l.File)
	return nil
}

type ledgerImportCmd struct {
	File string `arg:"" help:"An export; - reads stdin."`
}

// Help says more than one line.
func (l *ledgerImportCmd) Help() string {
	return `Makes the books of a node from an export of the same node: into a data directory that has its node.key and no ledger, while the node doesn't run. All of it is taken, or nothing: the first line that was changed or is missing is named.`
}

// Run imports books into the data directory.
func (l *ledgerImportCmd) Run(ctx context.Context, c *cli) error {
	r := c.in
	if l.File != "-" {
		f, err := os.Open(l.File)
		if errors.Is(err, os.ErrNotExist) {
			return &exitErr{exitNotFound, fmt.Errorf("there is no file %s", l.File)}
		} else if err != nil {
			return fmt.Errorf("open the export: %w", err)
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return usagef("%s is a folder; name a file that \"potluck ledger export\" wrote", l.File)
		}
		r = f
	}
	if err := node.ImportBooks(ctx, c.Data, r); err != nil {
		return booksErr(err)
	}
	c.remark("imported the books; \"potluck up\" runs the node")
	return nil
}

// acceptCut goes on with books whose end is gone, on the operator's word.
func (l *ledgerCheckCmd) acceptCut(ctx context.Context, c *cli) error {
	r, err := node.AcceptCut(ctx, c.Data)
	if err != nil {
		return booksErr(err)
	}
	if c.JSON {
		err = c.emit(r)
	} else {
		c.printf("the books end at event %d; what came after it is given up", r.Events)
		for _, p := range r.Problems {
			c.printf("problem: %s", p)
		}
	}
	if err == nil && len(r.Problems) > 0 {
		return &exitErr{exitDamage, fmt.Errorf("%s found in the books", plural(len(r.Problems), "problem"))}
	}
	return err
}

// booksErr gives what is wrong with books the exit code that people expect.
func booksErr(err error) error {
	var books *node.BooksError
	var usage *files.UsageError
	switch {
	case errors.Is(err, ledger.ErrImport), errors.Is(err, ledger.ErrDamaged), errors.Is(err, ledger.ErrCut), errors.As(err, &books):
		return &exitErr{exitDamage, err}
	case errors.Is(err, ledger.ErrFull):
		return &exitErr{exitRefused, err}
	case errors.Is(err, ledger.ErrInvalid), errors.As(err, &usage):
		return &exitErr{exitUsage, err}
	}
	return err
}
