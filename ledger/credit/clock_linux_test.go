package credit

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock is the CPU time of this thread: what else runs on the machine doesn't
// count.
func clock() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
