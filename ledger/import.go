package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"potluck"
	"potluck/internal/durable"
)

// Import makes the books in c.Dir, where there must be none, from what Export
// wrote for the same node: all of them, checked, or nothing. They are made in a
// directory beside it and moved, so a stop in between leaves nothing that counts.
// Errors: ErrImport with the number of the line; ErrInvalid when there are books,
// or they are another node's; ErrFull.
func Import(ctx context.Context, c Config, r io.Reader) (err error) {
	if err := checkPeer(c.Self); err != nil {
		return fmt.Errorf("import books: their node: %w: %w", err, ErrInvalid)
	}
	if entries, err := os.ReadDir(c.Dir); len(entries) > 0 || (err != nil && !errors.Is(err, os.ErrNotExist)) {
		return fmt.Errorf("import books into %s, which has %d files and must be empty: %w", c.Dir, len(entries), first(err, ErrInvalid))
	}
	made := c
	made.Dir = c.Dir + ".importing"
	if err := os.RemoveAll(made.Dir); err != nil {
		return fmt.Errorf("import books: remove what an import before left: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("import books: %w", err), os.RemoveAll(made.Dir))
		}
	}()
	if err := fillBooks(ctx, made, r); err != nil {
		return err
	}
	if err := proveBooks(ctx, made); err != nil {
		return err
	}
	if err := os.Remove(c.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(made.Dir, c.Dir); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(c.Dir))
}

// fillBooks makes a directory with the rows of an export.
func fillBooks(ctx context.Context, c Config, r io.Reader) (err error) {
	dir := filepath.Join(c.Dir, badgerDir)
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(c.Dir, formatFile), fmt.Appendf(nil, formatText, formatVersion), 0o600); err != nil {
		return err
	}
	g := newGuard(c.Dir, dir, freeBytes)
	g.sparse = c.Small
	if err := g.beforeOpen(); err != nil {
		return err
	}
	db, err := badger.Open(badgerOptions(dir, c.Log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := g.afterOpen(); err != nil {
		return err
	}
	w := &importer{db: db, guard: g, self: c.Self.String()}
	if err := w.readAll(ctx, r); err != nil {
		return err
	}
	file, _, _, err := openHead(filepath.Join(c.Dir, headName))
	if err != nil {
		return err
	}
	return errors.Join(file.write(w.head, true), file.sync(), file.f.Close())
}

// proveBooks opens what was imported, and checks it.
func proveBooks(ctx context.Context, c Config) error {
	b, err := Open(ctx, c)
	if err != nil {
		return err
	}
	report, err := b.Check(ctx)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("%d problems in what it says, the first: %s: %w", len(report.Problems), report.Problems[0], ErrImport)
	}
	return errors.Join(err, b.Close())
}

// importPiece is how many bytes of rows are written in one transaction.
const importPiece = 256 << 10

// importer writes the rows of an export into an empty database.
type importer struct {
	db    *badger.DB
	guard *guard
	self  string
	sum   exportSum
	head  head
	rows  int64
	piece [][2][]byte
	size  int
}

// readAll reads line by line. Its errors name the line.
func (w *importer) readAll(ctx context.Context, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 1<<16), exportLineMax)
	n, ended := 0, false
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		n++
		if ended {
			return fmt.Errorf("line %d comes after the end: %w", n, ErrImport)
		}
		l, err := w.sum.parseLine(lines.Bytes())
		switch {
		case err != nil:
		case n == 1:
			err = w.begin(l)
		case l.Rows != nil:
			ended, err = true, w.end(l)
		default:
			err = w.row(l)
		}
		if errors.Is(err, ErrFull) {
			return err
		}
		if err != nil {
			return fmt.Errorf("line %d: %w: %w", n, err, ErrImport)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w: %w", n+1, err, ErrImport)
	}
	if !ended {
		return fmt.Errorf("it ends at line %d, without its end: %w", n, ErrImport)
	}
	return w.flush()
}

func (w *importer) begin(l exportLine) error {
	switch {
	case l.Form == 0 || l.Row != "" || l.Rows != nil || l.Value != nil:
		return errors.New("it doesn't begin as an export does")
	case l.Form != exportForm:
		return fmt.Errorf("form %d of an export, this program knows %d", l.Form, exportForm)
	case l.Self != w.self:
		return fmt.Errorf("books of %s, this node is %s: %w", l.Self, w.self, ErrInvalid)
	}
	return nil
}

func (w *importer) end(l exportLine) error {
	if *l.Rows != w.rows || l.Form != 0 || l.Row != "" || l.Value != nil {
		return fmt.Errorf("%d rows were read, the end says %d", w.rows, *l.Rows)
	}
	return nil
}

// row writes one row and the indexes that follow from it.
func (w *importer) row(l exportLine) error {
	key, value, err := l.row()
	if err != nil {
		return err
	}
	w.rows++
	w.put(key, value)
	switch key[0] {
	case keyShare:
		s, err := readShare(key, value)
		if err != nil {
			return err
		}
		if s.State == ShareGoing {
			w.put(goingKey(s.Deadline, s.ID), []byte{})
		}
	case keyLease:
		id, lease, err := readLease(key, value)
		if err != nil {
			return err
		}
		w.put(peerShareKey(keyLeaseByOwner, lease.Owner, id), []byte{})
		if lease.Until != 0 {
			w.put(leaseEndKey(lease.Until, id, lease.Owner), []byte{})
		}
	case keyPlacement:
		p, err := readPlacement(key, value)
		if err != nil {
			return err
		}
		w.put(peerShareKey(keyPlacementByHost, p.Host, p.Share), []byte{})
	case keyEvent:
		k := parts(key)
		w.head.seq = k.number()
		if err := k.end(key); err != nil || len(value) < len(potluck.Digest{}) {
			return fmt.Errorf("event of %d bytes: %w", len(value), first(err, ErrDamaged))
		}
		copy(w.head.sum[:], value)
	}
	if w.size > importPiece {
		return w.flush()
	}
	return nil
}

func (w *importer) put(key, value []byte) {
	w.piece = append(w.piece, [2][]byte{key, value})
	w.size += len(key) + len(value) + 64
}

// flush writes what was put, if the disk has room.
func (w *importer) flush() error {
	space, err := w.guard.check()
	if err != nil {
		return err
	}
	if space != spaceOK {
		return fmt.Errorf("the disk is nearly full: %w", ErrFull)
	}
	err = w.db.Update(func(txn *badger.Txn) error {
		for _, kv := range w.piece {
			if err := txn.Set(kv[0], kv[1]); err != nil {
				return err
			}
		}
		return nil
	})
	w.piece, w.size = w.piece[:0], 0
	return err
}
