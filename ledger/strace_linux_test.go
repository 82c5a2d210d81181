package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A sync of the log fails once, and never again: from then on nothing is
// acknowledged. What had been is there when the books are opened again; the
// operation that failed may be, too.
func TestFailedSyncIsTheEnd(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skipf("!!!!! NOT TESTED: a sync of the books that fails: %v !!!!!", err)
	}
	// The first few are those of an opening; some are of the file that holds
	// statistics only, whose syncs Badger doesn't ask about: nothing may come of these.
	ran, noticed := 0, 0
	for _, nth := range []int{40, 60, 90, 120, 200} {
		t.Run(fmt.Sprint(nth), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "books")
			// strace counts the calls of each thread.
			cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=msync",
				"-e", fmt.Sprintf("inject=msync:error=EIO:when=%d", nth), os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", crashEnv, 0, dir))
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			acked, failure := make(map[string]string), ""
			for s := bufio.NewScanner(out); s.Scan() && len(acked) < 5_000; { // many are acknowledged by one sync
				word, rest, _ := strings.Cut(s.Text(), " ")
				if word != "error" {
					acked[rest] = word
				} else if failure == "" {
					failure = rest
				}
			}
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
			_ = cmd.Wait()
			unlocked(t, dir) // strace may be gone before what it traced
			if strings.Contains(failure, "ptrace") || len(acked) == 0 && failure == "" {
				t.Skipf("!!!!! NOT TESTED: a sync of the books that fails: strace isn't allowed: %s !!!!!", failure)
			}
			ran++
			if failure != "" {
				noticed++
			}
			if len(acked) > 0 && failure != "" && !strings.Contains(failure, ErrFailed.Error()) { // else it failed while they were made
				t.Fatalf("after %d acknowledgements the child said %q, want that the books failed", len(acked), failure)
			}
			crashVerify(t, dir, nth, acked)
			t.Logf("%d acknowledgements before %q", len(acked), failure)
		})
	}
	if noticed <= ran/2 && ran > 0 {
		t.Errorf("%d of %d syncs that failed were noticed", noticed, ran)
	}
}

// unlocked waits until no process has books open, if they are there at all.
func unlocked(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		lock, err := lockDir(dir)
		switch {
		case err == nil:
			if err := lock.Close(); err != nil {
				t.Fatal(err)
			}
			return
		case errors.Is(err, fs.ErrNotExist):
			return
		case !errors.Is(err, ErrLocked) || time.Now().After(end):
			t.Fatal(err)
		}
	}
}
