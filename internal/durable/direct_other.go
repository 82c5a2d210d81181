//go:build !linux

package durable

import (
	"errors"
	"os"
)

type direct struct{}

func openDirect(*os.File) *direct                 { return nil }
func (*direct) readAt([]byte, int64) (int, error) { return 0, errors.ErrUnsupported }
func (*direct) close() error                      { return nil }
