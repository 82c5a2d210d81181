package durable

import (
	"fmt"
	"os"
	"runtime"
)

// SyncDir makes the names in a directory durable: what was created, renamed or
// removed in it. Expected system calls:
//
//	openat(dir, O_RDONLY), fsync(dir), close(dir)
//
// On Windows, which has no call for it, it does nothing: NTFS keeps the names
// in its journal by itself.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	return syncDir(f, err)
}

// SyncDirIn is SyncDir of a directory beneath root; "." is root itself.
func SyncDirIn(root *os.Root, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := root.Open(dir)
	return syncDir(f, err)
}

func syncDir(f *os.File, err error) error {
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", f.Name(), err)
	}
	return nil
}
