package ledger

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"potluck"
)

// unpack gives books that a program wrote which knew no documents: testdata/books-1.tgz.
func unpack(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	f, err := os.Open("testdata/books-1.tgz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Books of the first program open, agree with themselves and go on.
func TestFirstBooksOpen(t *testing.T) {
	c := newClock()
	b := openBook(t, unpack(t), c)
	if b.Unclean() {
		t.Error("closed books count as killed")
	}
	r := clean(t, b)
	if r.Accounts != 3 || r.Shares != 4 || r.Leases != 4 || r.Placements != 5 || r.Files != 1 || r.Documents != 0 {
		t.Errorf("%+v", r)
	}
	if u := usageOf(t, b, alice); u != (Usage{Held: 3000, HeldShares: 2, Reserved: 40, ReservedShares: 1}) {
		t.Errorf("%+v", u)
	}
	v, err := b.Credit(t.Context(), bob)
	// 1.5 × 204 earned, gift 500, opening 700, paid 900.
	if err != nil || v.Supply != 306+500+700+900 || v.Earned != 204 || v.Free != 0 || !v.Friend {
		t.Errorf("%+v, %v", v, err)
	}
	c.move(1000 * time.Second)
	if v, err = b.Credit(t.Context(), bob); err != nil || v.Supply != 306+500+700 || v.Paid != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	hold(t, b, c, alice, shareID(4, 0), 7)
	if u, err := b.Usage(t.Context(), alice); err != nil || u.Newest != c.now().Unix() {
		t.Error(u, err)
	}
	if err := b.Commit(t.Context(), alice, shareID(3, 0), digest(1), digest(2)); err != nil {
		t.Error(err)
	}
	if freed, _, err := b.Evict(t.Context(), alice); err != nil || freed != potluck.Size(3047) {
		t.Error(freed, err)
	}
	clean(t, b)
}
