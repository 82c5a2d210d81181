package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
)

// Small books go on where Badger without compactors takes no more writes, reserve
// nothing on the disk, and are there after a stop.
func TestSmallBooks(t *testing.T) {
	clock, dir := newClock(), t.TempDir()
	c := config(dir, clock)
	c.Small = true
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	evidence := make([]byte, MaxEvidence)
	rounds := 20 * memTableSize / MaxEvidence // twenty tables; fifteen are the most without compaction
	for i := range rounds {
		if err := b.Note(t.Context(), Event{Kind: "big", Reason: fmt.Sprint(i), Evidence: evidence}); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.db.Levels()[0].NumTables; n > compactAt {
		t.Errorf("%d tables wait to be merged, want at most %d", n, compactAt)
	}
	if _, err := os.Stat(filepath.Join(dir, "ballast")); err == nil {
		t.Error("small books have a ballast")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, err := b.Check(t.Context())
	if err != nil || len(r.Problems) > 0 || r.Events < int64(rounds) {
		t.Errorf("after a stop: %+v, %v; want %d events and no problems", r, err, rounds)
	}
}

// Small books go on too when as much waits to be written at once.
func TestSmallBooksInOneGo(t *testing.T) {
	c := config(t.TempDir(), newClock())
	c.Small = true
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	befriend(t, b, alice)
	const most = 100 // of the longest rows that fit into one operation
	var g errgroup.Group
	for n := range 24 * memTableSize / (most * MaxReceipt) {
		g.Go(func() error {
			ps := make([]Placement, most)
			for i := range ps {
				ps[i] = placementOf(n*most+i, 0, alice, PlacedStable)
				ps[i].Receipt = make([]byte, MaxReceipt)
			}
			return b.Place(t.Context(), ps)
		})
	}
	if err := errors.Join(g.Wait(), b.Close()); err != nil {
		t.Fatal(err)
	}
}
