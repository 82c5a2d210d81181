package durable

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// startWriting starts the writing of a range and doesn't wait for it.
func startWriting(f *os.File, off, n int64) error {
	return control(f, "start writing", func(fd int) error {
		return unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE)
	})
}

// letGo waits until a range is written, and drops it from the page cache. An
// error of the disk is returned here; a later fsync needn't see it again.
func letGo(f *os.File, off, n int64) error {
	err := control(f, "finish writing", func(fd int) error {
		return unix.SyncFileRange(fd, off, n,
			unix.SYNC_FILE_RANGE_WAIT_BEFORE|unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER)
	})
	if err != nil {
		return err
	}
	return forget(f, off, n)
}

// forget drops a range from the page cache, as far as it is written.
func forget(f *os.File, off, n int64) error {
	return control(f, "let go", func(fd int) error { return unix.Fadvise(fd, off, n, unix.FADV_DONTNEED) })
}

// control runs a call that some file systems don't have; that is no error.
func control(f *os.File, what string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var e error
	if err = errors.Join(conn.Control(func(fd uintptr) { e = call(int(fd)) }), e); err == nil ||
		errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESPIPE) {
		return nil
	}
	return fmt.Errorf("%s of %s: %w", what, f.Name(), err)
}
