//go:build linux

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"potluck"
)

// disk is a pretended disk whose free bytes a test sets.
type disk struct{ free int64 }

func (d *disk) bytes(string) (int64, error) { return d.free, nil }

func TestGuardGivesUpItsBallast(t *testing.T) {
	c, d := newClock(), &disk{free: int64(potluck.GiB)}
	dir := t.TempDir()
	b, err := open(t.Context(), config(dir, c), d.bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	befriend(t, b, alice)
	ballast := func() bool { _, err := os.Stat(filepath.Join(dir, "ballast")); return err == nil }
	hold(t, b, c, alice, shareID(1, 0), 10)
	var refusal *potluck.Refusal
	reserve := func() error {
		_, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, shareID(1, 1), 10)})
		return err
	}
	if !ballast() {
		t.Fatal("no ballast on a disk with room")
	}
	d.free = tightBelow - 1
	if err := reserve(); !errors.As(err, &refusal) || refusal.Code != potluck.CodeNoRoom {
		t.Error("tight:", err)
	}
	if ballast() {
		t.Error("ballast is kept on a tight disk")
	}
	if err := b.Note(t.Context(), Event{Kind: "x"}); !errors.Is(err, ErrFull) {
		t.Error("tight:", err)
	}
	if _, _, err := b.Cancel(t.Context(), alice, []potluck.ShareID{shareID(1, 0)}); err != nil {
		t.Error("what frees is taken on a tight disk:", err)
	}
	d.free = fullBelow - 1
	if _, _, err := b.Cancel(t.Context(), alice, []potluck.ShareID{shareID(1, 0)}); !errors.Is(err, ErrFull) {
		t.Error("full:", err)
	}
	if _, err := b.Account(t.Context(), alice); err != nil {
		t.Error("full:", err)
	}
	d.free = tightBelow + ballastSize - 1
	if err := b.Note(t.Context(), Event{Kind: "x"}); !errors.Is(err, ErrFull) || ballast() {
		t.Error("not yet:", err)
	}
	d.free = tightBelow + ballastSize
	if err := reserve(); err != nil || !ballast() {
		t.Error("room again:", err)
	}
	clean(t, b)
}

func TestFullDiskIsNotOpened(t *testing.T) {
	if _, err := open(t.Context(), config(t.TempDir(), newClock()), (&disk{free: fullBelow - 1}).bytes); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// Every WAL file that Badger makes gets its blocks, the later ones too.
func TestLogsArePreallocated(t *testing.T) {
	b, _ := newBooks(t)
	evidence := make([]byte, MaxEvidence)
	for range 3 * memTableSize / MaxEvidence {
		if err := b.Note(t.Context(), Event{Kind: "big", Evidence: evidence}); err != nil {
			t.Fatal(err)
		}
	}
	if b.guard.nextMem < 4 {
		t.Fatalf("only %d logs were made", b.guard.nextMem-1)
	}
	path := filepath.Join(b.guard.badger, b.guard.memName(b.guard.nextMem-1))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Sys().(*syscall.Stat_t).Blocks * 512; got < 2*memTableSize {
		t.Errorf("%s has %d bytes of blocks, want %d", path, got, 2*memTableSize)
	}
	clean(t, b)
}
