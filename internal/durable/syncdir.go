//go:build !windows

package durable

import (
	"fmt"
	"os"
)

// SyncDir makes the names in a directory durable: what was created, renamed or
// removed in it. Expected system calls:
//
//	openat(dir, O_RDONLY), fsync(dir), close(dir)
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	err = f.Sync()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}
