// Package durable holds the rules by which a file that was written is there
// after a power cut. Each function names the system calls that it must make.
package durable

import (
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile makes path hold data, whole and durable when it returns nil: a
// reader, or a crash, sees the old content or the new, never a mix. Expected
// system calls:
//
//	openat(dir/.NAME.RANDOM, O_RDWR|O_CREAT|O_EXCL)
//	fchmod(perm)
//	write(data)
//	fsync(file)
//	close(file)
//	renameat(dir/.NAME.RANDOM, path)
//	openat(dir), fsync(dir), close(dir)
//
// After an error from a sync it is unknown which content a crash would leave.
func WriteFile(path string, data []byte, perm os.FileMode) (err error) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error tells more
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := fill(f, data, perm); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

// fill writes, syncs and closes f.
func fill(f *os.File, data []byte, perm os.FileMode) error {
	err := f.Chmod(perm)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// MkdirAll makes a directory and the parents that are missing, each durable
// when it returns nil. Expected system calls, from the first missing one down:
//
//	mkdirat(dir)
//	openat(parent), fsync(parent), close(parent)
func MkdirAll(path string, perm os.FileMode) error {
	switch fi, err := os.Stat(path); {
	case err == nil && fi.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("make directory %s: it is a file", path)
	case !os.IsNotExist(err):
		return fmt.Errorf("make directory: %w", err)
	}
	parent := filepath.Dir(filepath.Clean(path))
	if err := MkdirAll(parent, perm); err != nil {
		return err
	}
	if err := os.Mkdir(path, perm); err != nil && !os.IsExist(err) {
		return fmt.Errorf("make directory: %w", err)
	}
	return SyncDir(parent)
}
