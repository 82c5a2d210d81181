//go:build !linux

package ledger

import (
	"math"
	"os"
)

// preallocate does nothing where fallocate isn't known.
func preallocate(*os.File, int64) error { return nil }

// freeBytes can't be told here: the disk is taken to have room.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
