package main

import "golang.org/x/sys/unix"

// ofThread makes cpuTime count the calling thread alone.
const ofThread = unix.RUSAGE_THREAD
