package disk

import (
	"fmt"

	"golang.org/x/sys/windows"

	"potluck"
)

// room is the bytes that the file system of path has free for this user.
func room(path string) (potluck.Size, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", path, err)
	}
	return potluck.Size(min(free, uint64(potluck.MaxSize))), nil
}
