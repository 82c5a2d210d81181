//go:build !linux

package testnet

import (
	"errors"
	"syscall"
)

var errNoProc = errors.New("testnet: memory and CPU of processes are only measured on Linux")

func attributes(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func usageOf(int) (Usage, error) { return Usage{}, errNoProc }

func resetPeak(int) error { return errNoProc }
