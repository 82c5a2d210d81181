//go:build !linux

package testdisk

import "fmt"

// Disk is a file system of a test's own.
type Disk struct{ Dir string }

// New fails: only Linux can.
func New(int64) (*Disk, error) { return nil, fmt.Errorf("not Linux: %w", ErrCant) }

// Mount fails.
func (*Disk) Mount() error { return ErrCant }

// Unmount fails.
func (*Disk) Unmount() error { return ErrCant }

// Cut fails.
func (*Disk) Cut() error { return ErrCant }

// Shrink fails.
func (*Disk) Shrink(int64) error { return ErrCant }

// Close does nothing.
func (*Disk) Close() error { return nil }
