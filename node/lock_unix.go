//go:build unix

package node

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// lockFile takes the lock of a file for as long as it is open. The kernel gives
// it back when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w by another potluck; stop that one first, or name another directory with --data", ErrInUse)
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// diskSize is the bytes of the disk that holds path.
func diskSize(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("size of the disk under %s: %w", path, err)
	}
	return int64(st.Blocks) * int64(st.Bsize), nil
}
