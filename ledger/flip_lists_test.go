package ledger

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// No bit of the list of tables can be flipped unnoticed: Badger would delete
// tables that a shorter list doesn't name.
func TestFlippedBitsOfTheManifest(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	for range 3 { // a table each
		b := openBook(t, dir, c)
		note(t, b, 3, "kept")
		mustClose(t, b)
	}
	b, err := os.ReadFile(filepath.Join(dir, badgerDir, badger.ManifestFilename))
	if err != nil {
		t.Fatal(err)
	}
	if err := parseManifest(b); err != nil {
		t.Fatalf("the manifest of whole books: %v", err)
	}
	for bit := range 8 * len(b) {
		if bit/8 < 8 {
			continue // the magic, which Badger compares
		}
		b[bit/8] ^= 1 << (bit % 8)
		if err := parseManifest(b); !errors.Is(err, ErrDamaged) {
			t.Errorf("bit %d of byte %d of %d: %v", bit%8, bit/8, len(b), err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
	// A crash cuts the last record off anywhere: that is no damage.
	last := append(binary.BigEndian.AppendUint32(nil, 3), binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte("abc"), crc32.MakeTable(crc32.Castagnoli)))...)
	last = append(last, "abc"...)
	for n := range last {
		if err := parseManifest(append(b[:len(b):len(b)], last[:n]...)); err != nil {
			t.Errorf("with %d bytes of a record more: %v", n, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("Bdgr\x00\x00\x00\x08\x00\x00\x00\x03\x01\x02\x03\x04abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := parseManifest(b); err != nil && !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	})
}

// Without its list of tables a database is nothing that may be opened.
func TestMissingManifestIsNoticed(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openBook(t, dir, c)
	note(t, b, 3, "kept")
	mustClose(t, b)
	if err := os.Remove(filepath.Join(dir, badgerDir, badger.ManifestFilename)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if tables, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.sst")); err != nil || len(tables) == 0 {
		t.Errorf("the tables are %v, %v", tables, err)
	}
}

// twoLogs gives books as a kill leaves them between the filling of a log and the
// writing of its table: the older log is in the path.
func twoLogs(t *testing.T) (dir, older string) {
	t.Helper()
	c := newClock()
	from := t.TempDir()
	filling := "" // the books before the operation under way, once their log is nearly full
	n := 0
	conf := config(from, c)
	conf.Clock = func() time.Time {
		// The books ask before each operation, from the goroutine that alone writes.
		if n++; n > 230 && filling == "" || filling != "" && logs(t, from) == 1 && len(fresh(t, filling, from)) == 0 {
			if filling != "" {
				os.RemoveAll(filling)
			}
			filling = copyBooks(t, from)
		}
		return c.now()
	}
	b, err := Open(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	evidence := make([]byte, 16<<10)
	for range 400 {
		if err := b.Note(t.Context(), Event{Kind: "big", Evidence: evidence}); err != nil {
			t.Fatal(err)
		}
		if filling != "" && len(fresh(t, filling, from)) == 1 {
			break
		}
	}
	newer := fresh(t, filling, from)
	if len(newer) != 1 {
		t.Fatalf("the logs beside the first are %v", newer)
	}
	// The log's last operation is in the first image, or was lost with the switch.
	note(t, b, 1, "after")
	for _, name := range []string{newer[0], "../head"} {
		b, err := os.ReadFile(filepath.Join(from, badgerDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(filling, badgerDir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := filepath.Glob(filepath.Join(filling, badgerDir, "*.mem"))
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	return filling, all[0]
}

func logs(t *testing.T, dir string) int {
	all, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.mem"))
	if err != nil {
		t.Error(err)
	}
	return len(all)
}

// fresh gives the logs of books that an older image of them doesn't have.
func fresh(t *testing.T, image, dir string) (names []string) {
	all, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.mem"))
	if err != nil {
		t.Error(err)
	}
	for _, path := range all {
		if _, err := os.Stat(filepath.Join(image, badgerDir, filepath.Base(path))); errors.Is(err, os.ErrNotExist) {
			names = append(names, filepath.Base(path))
		}
	}
	return names
}

// Damage in a log behind which a newer one goes on leaves a gap in the books'
// midst, which the head file can't tell.
func TestFlippedBitInAnOlderLogIsNoticed(t *testing.T) {
	dir, older := twoLogs(t)
	whole := copyBooks(t, dir)
	b, err := os.ReadFile(older)
	if err != nil {
		t.Fatal(err)
	}
	b[2<<20] ^= 4
	if err := os.WriteFile(older, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClock()
	if _, err := Open(t.Context(), config(dir, c)); !errors.Is(err, ErrCut) {
		t.Fatalf("books with a gap: %v", err)
	}
	if !openBook(t, whole, c).Unclean() {
		t.Error("a killed book counts as closed")
	}
	accepted := config(dir, c)
	accepted.AcceptCut = true
	for range 2 { // the second time nothing needs to be accepted
		book, err := Open(t.Context(), accepted)
		if err != nil {
			t.Fatal(err)
		}
		killed := copyBooks(t, dir)
		mustClose(t, book)
		accepted = config(killed, c)
	}
}
