package ledger

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// preallocate gives the first size bytes of a file real blocks, without
// changing its length. A mapped sparse file kills the process when the disk is
// full; a file with blocks doesn't. Where the file system can't, nothing is done.
func preallocate(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
			return nil
		}
		return err
	}
}

// freeBytes is what this process may still write to the directory's disk.
func freeBytes(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(min(s.Bavail, 1<<40)) * int64(s.Bsize), nil
}
