//go:build !linux

package main

import "golang.org/x/sys/unix"

// ofThread makes cpuTime count the whole process: elsewhere than on Linux the
// thread alone can't be asked for. The stages run one at a time.
const ofThread = unix.RUSAGE_SELF
