//go:build linux

package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// Without a byte free, what frees bytes goes on as long as the log has room for
// it, and then nothing more is written; after that it goes on where it was.
func TestFullDiskLetsGo(t *testing.T) {
	c, d := newClock(), &disk{free: int64(potluck.GiB)}
	b, err := open(t.Context(), config(t.TempDir(), c), d.bytes)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	befriend(t, b, alice)
	const shares = 3000
	for n := 0; n < shares; n += 500 {
		var rs []Reservation
		for i := range 500 {
			rs = append(rs, reservation(c, shareID(n+i, 0), 10))
		}
		if _, err := b.Reserve(t.Context(), alice, roomy, rs); err != nil {
			t.Fatal(err)
		}
	}
	evidence := make([]byte, MaxEvidence)
	for logs := b.guard.nextMem; b.guard.nextMem == logs; { // until there is a new log
		if err := b.Note(t.Context(), Event{Kind: "big", Evidence: evidence}); err != nil {
			t.Fatal(err)
		}
	}
	d.free = 0
	logs, freed := b.guard.nextMem, 0
	for ; freed < shares; freed++ {
		_, err := b.Abort(t.Context(), alice, []potluck.ShareID{shareID(freed, 0)})
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d leases ended without a free byte", freed)
	if freed < 300 || freed == shares {
		t.Errorf("%d of %d leases ended on a full disk", freed, shares)
	}
	if _, err := os.Stat(filepath.Join(b.guard.badger, b.guard.memName(logs))); !errors.Is(err, os.ErrNotExist) {
		t.Error("a full disk got another log:", err)
	}
	var refusal *potluck.Refusal
	d.free = fullBelow
	if _, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, shareID(shares, 0), 10)}); !errors.As(err, &refusal) || refusal.Code != potluck.CodeNoRoom {
		t.Error("tight:", err)
	}
	if _, err := b.Abort(t.Context(), alice, []potluck.ShareID{shareID(freed, 0)}); err != nil {
		t.Error("tight:", err)
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

// New books aren't begun on a disk on which they could take nothing in; old ones
// open there.
func TestSmallDisk(t *testing.T) {
	c, d := newClock(), &disk{free: newNeeds - 1}
	dir := filepath.Join(t.TempDir(), "a", "ledger")
	_, err := open(t.Context(), config(dir, c), d.bytes)
	if !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "72 MiB must be free") {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("something was made:", err)
	}
	d.free = newNeeds
	b, err := open(t.Context(), config(dir, c), d.bytes)
	if err != nil {
		t.Fatal(err)
	}
	d.free = tightBelow - 1
	if err := b.Note(t.Context(), Event{Kind: "x"}); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "56 MiB must be free") {
		t.Error(err)
	}
	mustClose(t, b)
	b, err = open(t.Context(), config(dir, c), d.bytes)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, b)
}
