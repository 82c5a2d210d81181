package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
)

// listedFile is what a list of files says.
type listedFile struct {
	index  potluck.StorageIndex
	placed int
}

// listFiles reads a page of at most limit files; 0: all.
func listFiles(t testing.TB, b *Book, after potluck.StorageIndex, limit int) (page []listedFile) {
	t.Helper()
	err := b.FilesAfter(t.Context(), after, func(f File, placed int) error {
		page = append(page, listedFile{f.Index, placed})
		if len(page) == limit {
			return ErrStop
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// pagesOfFiles reads all files, page by page.
func pagesOfFiles(t testing.TB, b *Book, limit int) (all []listedFile) {
	t.Helper()
	var after potluck.StorageIndex
	for {
		page := listFiles(t, b, after, limit)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		after = page[len(page)-1].index
	}
}

func fileOf(n int) File {
	return File{Index: shareID(n, 0).Index, Manifest: digest(n), Layout: layout, Name: fmt.Sprint("file ", n), Put: 1, Wanted: 10}
}

func placementOf(n, number int, host peer.ID, state PlacementState) Placement {
	return Placement{Share: shareID(n, number), Host: host, Layout: layout, Charge: 100, Root: digest(n), Manifest: digest(n), Receipt: []byte("r"), Placed: 1, State: state}
}

// A list of files counts the stable placements of each, whatever lies between, and
// pages of any length make the same list.
func TestFilesAfter(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice, bob)
	want := make(map[potluck.StorageIndex]int)
	known := make(map[int]bool)
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(r, "file")
		index := fileOf(n).Index
		var err error
		switch rapid.IntRange(0, 3).Draw(r, "act") {
		case 0:
			known[n], err = true, b.PutFile(t.Context(), fileOf(n))
		case 1: // its placements stay
			err = b.DropFile(t.Context(), index)
			delete(known, n)
		default:
			p := placementOf(n, rapid.IntRange(0, 3).Draw(r, "number"), rapid.SampledFrom([]peer.ID{alice, bob}).Draw(r, "host"),
				rapid.SampledFrom([]PlacementState{PlacedStable, PlacedLost, PlacedComing, PlacedGoing}).Draw(r, "state"))
			err = b.Place(t.Context(), []Placement{p})
		}
		if err != nil {
			r.Fatal(err)
		}
		clear(want)
		for n := range known {
			rows, err := b.Placements(t.Context(), fileOf(n).Index)
			if err != nil {
				r.Fatal(err)
			}
			want[fileOf(n).Index] = 0
			for _, p := range rows {
				if p.State == PlacedStable {
					want[fileOf(n).Index]++
				}
			}
		}
		var all []listedFile
		for _, index := range slices.SortedFunc(maps.Keys(want), func(a, b potluck.StorageIndex) int { return slices.Compare(a[:], b[:]) }) {
			all = append(all, listedFile{index, want[index]})
		}
		limit := rapid.IntRange(1, 12).Draw(r, "limit")
		if got := pagesOfFiles(t, b, limit); !slices.Equal(got, all) {
			r.Fatalf("pages of %d: %v, want %v", limit, got, all)
		}
		if got := listFiles(t, b, potluck.StorageIndex{}, 0); !slices.Equal(got, all) {
			r.Fatalf("at once: %v, want %v", got, all)
		}
	})
}

// While files come and go, pages have every file that is there all the while, once,
// and none twice.
func TestPagesWhileFilesComeAndGo(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice)
	stay := make(map[potluck.StorageIndex]bool)
	for n := range 60 {
		if err := b.PlaceFile(t.Context(), []Placement{placementOf(n, 0, alice, PlacedStable)}, fileOf(n)); err != nil {
			t.Fatal(err)
		}
		stay[fileOf(n).Index] = true
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() { // ends with stop
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			n := 1000 + rand.N(60)
			err := b.PlaceFile(t.Context(), []Placement{placementOf(n, 0, alice, PlacedStable)}, fileOf(n))
			if err == nil {
				err = b.DropFile(t.Context(), fileOf(1000+rand.N(60)).Index)
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 20 {
		seen := make(map[potluck.StorageIndex]bool)
		for _, f := range pagesOfFiles(t, b, 7) {
			if seen[f.index] {
				t.Errorf("file %v comes twice", f.index)
			}
			if seen[f.index] = true; stay[f.index] && f.placed != 1 {
				t.Errorf("file %v has %d placements", f.index, f.placed)
			}
		}
		for index := range stay {
			if !seen[index] {
				t.Errorf("file %v is missed", index)
			}
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
