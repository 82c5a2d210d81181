package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A table that was cut anywhere, and a flipped bit anywhere in one, are damage,
// before Badger sees them.
func TestCutTables(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	note(t, b, 300, "kept")
	mustClose(t, b)
	tables, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	whole, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	parse := func(b []byte) error { return parseTable(bytes.NewReader(b), int64(len(b))) }
	if err := parse(whole); err != nil {
		t.Fatalf("a whole table: %v", err)
	}
	for n := range len(whole) {
		if err := parse(whole[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for i := range whole {
		bit := 8*i + i%8
		whole[bit/8] ^= 1 << (bit % 8)
		if err := parse(whole); !errors.Is(err, ErrDamaged) {
			t.Errorf("bit %d of byte %d of %d: %v", bit%8, bit/8, len(whole), err)
		}
		whole[bit/8] ^= 1 << (bit % 8)
	}
	for _, n := range []int{0, 7, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(tables[0], whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrDamaged) {
			t.Errorf("books with a table cut to %d bytes: %v", n, err)
		}
	}
	if err := os.Remove(tables[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrDamaged) {
		t.Errorf("books without a table: %v", err)
	}
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("index\x00\x00\x00\x05\x10\x01\x00\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := parseTable(bytes.NewReader(b), int64(len(b))); err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	})
}
