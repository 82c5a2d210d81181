package node

import (
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
)

// A summary follows every change of files and placements, and isn't made anew for
// anything else.
func TestFilesSummary(t *testing.T) {
	n, _ := start(t, config(t, "owner"))
	host, _ := start(t, config(t, "host"))
	befriend(t, n, host)
	layout := potluck.Layout{Suite: 1, K: 1, N: 2, Block: 1024, Size: 300}
	file := ledger.File{Index: potluck.StorageIndex{1}, Manifest: potluck.Digest{1}, Layout: layout, Name: "x", Put: 1, Wanted: 2}
	at := func(number int, state ledger.PlacementState) ledger.Placement {
		return ledger.Placement{Share: potluck.ShareID{Index: file.Index, Number: potluck.ShareNumber(number)}, Host: host.self, Layout: layout, Charge: 100,
			Root: potluck.Digest{1}, Manifest: potluck.Digest{1}, Receipt: []byte("r"), Placed: 1, State: state}
	}
	share := []potluck.ShareID{at(0, 0).Share}
	for _, step := range []struct {
		what string
		do   func() error
		want FilesSummary
	}{
		{"no file", func() error { return nil }, FilesSummary{}},
		{"a file", func() error { return n.book.PutFile(t.Context(), file) }, FilesSummary{Files: 1, Lost: 1, Thin: 1, Survives: -1}},
		{"one place", func() error { return n.book.Place(t.Context(), []ledger.Placement{at(0, ledger.PlacedStable)}) }, FilesSummary{Files: 1, Thin: 1}},
		{"two places", func() error { return n.book.Place(t.Context(), []ledger.Placement{at(1, ledger.PlacedStable)}) }, FilesSummary{Files: 1, Survives: 1}},
		{"one lost", func() error { return n.book.Mark(t.Context(), host.self, share, ledger.PlacedLost, "") }, FilesSummary{Files: 1, Thin: 1}},
		{"it is back", func() error { return n.book.Mark(t.Context(), host.self, share, ledger.PlacedStable, "") }, FilesSummary{Files: 1, Survives: 1}},
		{"one going", func() error { return n.book.Mark(t.Context(), host.self, share, ledger.PlacedGoing, "") }, FilesSummary{Files: 1, Thin: 1}},
		{"it is gone", func() error { return n.book.Unplace(t.Context(), host.self, share) }, FilesSummary{Files: 1, Thin: 1}},
		{"something else", func() error { return n.book.Note(t.Context(), ledger.Event{Kind: "x"}) }, FilesSummary{Files: 1, Thin: 1}},
		{"no file again", func() error { return n.book.DropFile(t.Context(), file.Index) }, FilesSummary{}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.what, err)
		}
		n.summed.took = 0 // however long the last one took on this machine
		made := n.summed.made
		got, err := n.FilesSummary(t.Context())
		if err != nil || time.Since(time.Unix(got.AsOf, 0)) > time.Minute {
			t.Fatal(step.what, got.AsOf, err)
		}
		if got.AsOf = 0; got != step.want {
			t.Errorf("%s: %+v, want %+v", step.what, got, step.want)
		}
		if step.what == "something else" && !n.summed.made.Equal(made) {
			t.Error("the summary was made anew though no file changed")
		}
	}
	n.summed.took = time.Hour
	if err := n.book.PutFile(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if got, err := n.FilesSummary(t.Context()); err != nil || got.Files != 0 {
		t.Errorf("a summary that takes an hour was made again at once: %+v, %v", got, err)
	}
}
