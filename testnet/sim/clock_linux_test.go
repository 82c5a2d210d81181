package sim

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is the CPU time of this process, without the kernel's: what else
// runs on the machine doesn't count.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano())
}
