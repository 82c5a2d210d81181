package disk

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// writeback starts the writing of a range to the disk and doesn't wait for it.
// It promises nothing: it only makes the sync at the end short. The flags that
// wait aren't used, because they would take the error that the sync must see.
func writeback(f *os.File, off, n int64) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var e error
	err = conn.Control(func(fd uintptr) {
		e = unix.SyncFileRange(int(fd), off, n, unix.SYNC_FILE_RANGE_WRITE)
	})
	if err = errors.Join(err, e); err == nil || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return fmt.Errorf("start writing of %s: %w", f.Name(), err)
}
