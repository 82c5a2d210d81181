//go:build unix

package disk

import (
	"fmt"

	"golang.org/x/sys/unix"

	"potluck"
)

// room is the bytes that the file system of path has free for this user.
func room(path string) (potluck.Size, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", path, err)
	}
	blocks := uint64(max(0, int64(s.Bavail))) // signed on some systems, and below 0 when root used the reserve
	return potluck.Size(min(blocks, uint64(potluck.MaxSize)/uint64(s.Bsize)) * uint64(s.Bsize)), nil
}
