package testdisk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"potluck/internal/durable"
	"potluck/internal/testdisk"
)

// What was synced is there after a power cut, and what wasn't is not: the disk
// can tell the two apart.
func TestCutTakesWhatWasNotSynced(t *testing.T) {
	d, err := testdisk.New(32 << 20)
	if errors.Is(err, testdisk.ErrCant) {
		t.Skipf("!!!!! NOT TESTED: power cuts: %v !!!!!", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.Dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the closed disk is still there: %v", err)
		}
	})
	kept, lost := filepath.Join(d.Dir, "kept"), filepath.Join(d.Dir, "lost")
	if err := durable.WriteFile(kept, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lost, []byte("lost"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Cut(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Dir, "late"), nil, 0o600); err == nil {
		t.Error("a file was made without power")
	}
	if err := errors.Join(d.Unmount(), d.Mount()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(kept); err != nil || string(b) != "kept" {
		t.Errorf("the synced file is %q, %v", b, err)
	}
	if b, err := os.ReadFile(lost); err == nil && string(b) == "lost" {
		t.Error("an unsynced file survived: the disk proves nothing")
	}
}
