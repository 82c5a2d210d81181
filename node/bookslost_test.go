package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"potluck/ledger"
	"potluck/shares"
)

// A host loses its books, all of them, and dies once more before anybody looks:
// no share is deleted. The next crawl adopts all from their headers, with leases
// that leave their owners time, and the owner has what it had.
func TestLostBooksDeleteNothing(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	hostConfig := config(t, "host")
	var time clock
	hostConfig.Clock = time.now
	hostConfig.CrawlShare = -1 // not before this test says so
	host, stop := start(t, hostConfig)
	befriend(t, host, owner)
	small, large := smallContent(t, 9<<10), makeContent(t, 700<<10)
	if _, err := small.store(t, owner, host); err != nil {
		t.Fatal(err)
	}
	large.put(t, owner, host)
	stop()
	if err := os.RemoveAll(filepath.Join(hostConfig.Data, "ledger")); err != nil {
		t.Fatal(err)
	}
	time.forward(2e9)
	hostConfig.EmptyBooks = true
	_, stop = start(t, hostConfig)
	killed := clone(t, hostConfig.Data)
	stop()
	hostConfig.Data = killed
	host, _ = start(t, hostConfig)
	for _, c := range []content{small, large} {
		if _, err := host.store.Stat(t.Context(), c.id()); err != nil {
			t.Fatalf("a share is gone with the books: %v", err)
		}
	}
	if _, err := host.Crawl(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []content{small, large} {
		row, err := host.book.Share(t.Context(), c.id())
		if err != nil || row.State != ledger.ShareStable || row.Root != c.root || len(row.Leases) != 1 {
			t.Fatalf("the row is %+v, %v", row, err)
		}
		if until, least := row.Leases[0].Until, host.config.Clock().Add(59*24*hour).Unix(); until != 0 && until < least {
			t.Errorf("the lease ends at %d, want %d at least", until, least)
		}
	}
	if who, err := host.Who(t.Context()); err != nil || len(who.Rows) != 1 || who.Rows[0].Name != "anonymous" {
		t.Errorf("before the owner is known: %+v, %v", who.Rows, err)
	}
	befriend(t, host, owner)
	for _, c := range []content{small, large} {
		if _, err := c.allocate(t.Context(), owner, host); err != nil {
			t.Fatal(err)
		}
		if err := c.write(t, owner, host, shares.DataLen(c.layout)); err != nil { // it proves that it has them
			t.Fatal(err)
		}
		c.checkRead(t, owner, host)
	}
	wantHeld(t, host, owner, shares.Charge(small.layout)+shares.Charge(large.layout), 0)
	clean(t, host)
}

// A disk that people put where shares come to lie is no part of a node.
func TestANewNodeWithADiskForShares(t *testing.T) {
	c := config(t, "host")
	if err := os.MkdirAll(filepath.Join(c.Data, "shares", "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, c)
}

// A node from which the books or the key are gone doesn't run, and stays as it is.
func TestLostPartsAreRefused(t *testing.T) {
	c := config(t, "host")
	_, stop := start(t, c)
	stop()
	manifest := filepath.Join("ledger", "badger", "MANIFEST")
	for _, lost := range []struct {
		parts []string
		want  error
		cure  string
	}{
		{[]string{"ledger"}, ErrNoBooks, "potluck recover"},
		{[]string{"ledger/badger", "ledger/head"}, ErrNoBooks, "--empty-books"},
		{[]string{"ledger/badger", "ledger/head", "ledger/format", "ledger/ballast"}, ErrNoBooks, "potluck recover"},
		{[]string{"ledger", "shares"}, ErrNoBooks, "potluck recover"},
		{[]string{manifest}, ledger.ErrDamaged, "potluck recover"},
		{[]string{"ledger/badger"}, ledger.ErrDamaged, "potluck recover"},
		{[]string{"ledger/format"}, ledger.ErrDamaged, "potluck recover"},
		{[]string{"ledger/head"}, ledger.ErrCut, "--accept-cut"},
		{[]string{"node.key"}, ErrNoKey, "potluck recover"},
		{[]string{"node.key", "version"}, ErrNoKey, "potluck recover"},
		{[]string{"node.key", "ledger"}, ErrNoKey, "potluck recover"},
	} {
		half := c
		half.Data = clone(t, c.Data)
		for _, part := range lost.parts {
			if err := os.RemoveAll(filepath.Join(half.Data, part)); err != nil {
				t.Fatal(err)
			}
		}
		before := lengths(t, half.Data)
		_, err := New(t.Context(), half)
		var books *BooksError
		if !errors.Is(err, lost.want) || !errors.As(err, &books) || !strings.Contains(err.Error(), lost.cure) {
			t.Errorf("without %v: %v", lost.parts, err)
		}
		if after := lengths(t, half.Data); !slices.Equal(before, after) {
			t.Errorf("without %v it is refused, and changed:\n%v\n%v", lost.parts, before, after)
		}
	}
}

// lengths gives the files of a directory with their lengths, other than locks.
func lengths(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "lock" {
			return err
		}
		size := int64(0)
		if info, err := d.Info(); err != nil {
			return err
		} else if !d.IsDir() {
			size = info.Size()
		}
		all = append(all, fmt.Sprint(path, " ", size))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const hour = time.Hour
