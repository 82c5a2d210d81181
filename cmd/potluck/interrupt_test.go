package main

import (
	"bufio"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// friendsOfTwo starts alice and bob, friends.
const friendsOfTwo = `
alice$ potluck up --name alice &
bob$ potluck up --name bob &
alice$ LINK=$(potluck invite bob)
bob$ potluck join $LINK
alice$ await '^bob +yes' potluck friends
`

// A put that is interrupted says how to go on, and nothing of it is charged
// once it is repeated and removed.
func TestInterruptedPut(t *testing.T) {
	s := newScript(t)
	s.play("friends of two", friendsOfTwo+"$ make film 200000000")
	cmd := exec.Command(binary, "--json", "put", "film")
	cmd.Dir, cmd.Env = s.dir, s.environment("alice")
	var errout safeBuffer
	cmd.Stderr = &errout
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), `"sending"`) {
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"result"`) {
			t.Errorf("there is a result after the interrupt: %s", lines.Text())
		}
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(errout.String(), "run the same command again") {
		t.Errorf("exit code %d, stderr %q", code, errout.String())
	}
	s.play("after the interrupt", `
alice$ potluck files
>! film
alice$ CAP=$(potluck put film)
alice$ potluck get $CAP -o copy
$ cmp film copy
alice$ potluck rm $CAP
bob$ potluck who alice
> ^you hold for alice: 0 B in 0 shares, 0 B reserved$
bob$ potluck ledger check
> ^clean
`)
}

// A get that is interrupted leaves nothing where the file should have been.
func TestInterruptedGet(t *testing.T) {
	s := newScript(t)
	s.play("friends of two", friendsOfTwo+"$ make film 200000000\nalice$ CAP=$(potluck put film)")
	cmd := exec.Command(binary, "--json", "get", s.vars["CAP"], "-o", "copy")
	cmd.Dir, cmd.Env = s.dir, s.environment("alice")
	var errout safeBuffer
	cmd.Stderr = &errout
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), `"reading"`) {
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(errout.String(), "copy was not written") {
		t.Errorf("exit code %d, stderr %q", code, errout.String())
	}
	s.play("after the interrupt", "$ absent copy")
}
