package testnet

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"potluck"
)

// ticks is the unit of CPU time in /proc, a hundredth of a second on every
// Linux that Go runs on.
const ticks = 100

// attributes keep a terminal's interrupt from the children, which the parent
// stops itself; and end them with the parent, unless they are to be kept.
func attributes(keep bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if !keep {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}

// usageOf reads what a process has used from /proc.
func usageOf(pid int) (u Usage, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		v, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return u, fmt.Errorf("status of process %d: %w", pid, err)
		}
		switch f[0] {
		case "VmRSS:":
			u.Resident = potluck.Size(v) * potluck.KiB
		case "VmHWM:":
			u.Peak = potluck.Size(v) * potluck.KiB
		case "RssAnon:":
			u.Anonymous = potluck.Size(v) * potluck.KiB
		}
	}
	u.CPU, err = cpuOf(pid)
	return u, err
}

// cpuOf reads user and system time: fields 14 and 15 of stat, counted behind
// the name in brackets, which may hold anything.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, fmt.Errorf("stat of process %d has %d fields behind the name", pid, len(f))
	}
	var sum int64
	for _, b := range f[11:13] {
		v, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("stat of process %d: %w", pid, err)
		}
		sum += v
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// resetPeak makes VmHWM start again from what is resident now.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}
