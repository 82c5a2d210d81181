package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inTables gives open books whose rows are in one table, and its path.
func inTables(t *testing.T) (*Book, string) {
	t.Helper()
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	befriend(t, b, alice)
	note(t, b, 100, "kept")
	mustClose(t, b)
	b = openBook(t, dir, c)
	tables, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	return b, tables[0]
}

// flipRow flips a bit at the start of alice's account in a table.
func flipRow(t *testing.T, b *Book, path string) {
	t.Helper()
	var row []byte
	err := b.view(t.Context(), func(v view) (err error) {
		row, _, err = v.get(peerKey(keyAccount, alice))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	at := bytes.Index(whole, row)
	if err != nil || len(row) == 0 || at < 0 {
		t.Fatalf("%x is at %d, %v", row, at, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte{whole[at] ^ 0x40}, int64(at))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A table that is damaged under open books is told with its name by whoever meets
// it, and the books stop before it is merged into others.
func TestDamageUnderOpenBooks(t *testing.T) {
	for what, meet := range map[string]func(b *Book) error{
		"a read":  func(b *Book) error { _, err := b.Account(t.Context(), alice); return err },
		"a write": func(b *Book) error { return b.Know(t.Context(), alice, "x", nil) },
		"a check": func(b *Book) error {
			r, err := b.Check(t.Context())
			return fmt.Errorf("%v, %w: %w", r.Problems, err, ErrDamaged)
		},
	} {
		b, table := inTables(t)
		clean(t, b)
		flipRow(t, b, table)
		if err := meet(b); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filepath.Base(table)) {
			t.Errorf("%s: %v", what, err)
		}
		if err := b.Note(t.Context(), Event{Kind: "x"}); !errors.Is(err, ErrFailed) || !errors.Is(err, ErrDamaged) {
			t.Errorf("after %s the books go on: %v", what, err)
		}
	}
}

// A damaged row in whole tables is told once for itself, and stops nothing.
func TestDamagedRowInWholeTables(t *testing.T) {
	b, _ := inTables(t)
	err := b.do(t.Context(), "damage", false, func(t *tx) error {
		t.set(peerKey(keyAccount, alice), []byte{0xff})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := b.Account(t.Context(), alice); !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	}
	if err := b.Note(t.Context(), Event{Kind: "x"}); err != nil {
		t.Error(err)
	}
}
