// Package testdisk gives tests small ext4 file systems of their own, whose power
// they can cut: a file is the disk, and what the kernel hadn't written to it when
// the power went is gone. It needs Linux, root, loop devices and mkfs.ext4.
package testdisk

import (
	"errors"
	"testing"
)

// ErrCant says that file systems can't be made here, and why: a test that needs
// one must say loudly that it didn't run.
var ErrCant = errors.New("no file system of one's own can be made here")

// prefix of the folders of disks. The number of the process that made one follows,
// so that what a killed test has left mounted is found and taken down.
const prefix = "potluck-disk-"

// Of gives a test a disk of so many bytes, which ends with it. Where none can be
// made the test is skipped, loudly.
func Of(t testing.TB, bytes int64) *Disk {
	t.Helper()
	d, err := New(bytes)
	if errors.Is(err, ErrCant) {
		t.Skipf("!!!!! NOT TESTED: %s: %v !!!!!", t.Name(), err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}
