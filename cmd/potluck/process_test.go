package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is where the program under test is built, by the first test that
// needs it: fuzzing starts many processes of this test, and needs none.
var (
	binary string
	build  sync.Once
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "potluck-cli")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "potluck")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func buildProgram(t *testing.T) {
	build.Do(func() {
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			t.Errorf("build: %v\n%s", err, out)
		}
	})
	if _, err := os.Stat(binary); err != nil {
		t.Fatal("there is no program to test")
	}
}

// patience bounds each command of a script.
const patience = 60 * time.Second

// process is an "up" that runs. What it says is kept.
type process struct {
	cmd      *exec.Cmd
	out, err safeBuffer
	ended    chan struct{} // closed after Wait
}

// safeBuffer is written by a process and read by the test.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // under mu
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// environment gives each actor its own data directory, and loopback only.
func (s *script) environment(actor string) []string {
	env := []string{"POTLUCK_DATA=" + filepath.Join(s.dir, actor+".data"), "POTLUCK_LISTEN=/ip4/127.0.0.1/tcp/0", "COLUMNS=100"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POTLUCK_") && !strings.HasPrefix(v, "COLUMNS=") {
			env = append(env, v)
		}
	}
	return env
}

// runHere runs one command to its end; "< FILE" and "> FILE" are obeyed.
func (s *script) runHere(actor, line string, words []string) outcome {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	var args []string
	var in io.Reader
	var out, errout bytes.Buffer
	target := ""
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "<":
			path := words[i+1]
			if !filepath.IsAbs(path) {
				path = filepath.Join(s.dir, path)
			}
			f, err := os.Open(path)
			s.must(err)
			defer f.Close()
			in = f
			i++
		case ">":
			target = filepath.Join(s.dir, words[i+1])
			i++
		default:
			args = append(args, words[i])
		}
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = s.dir, s.environment(actor), in, &out, &errout
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.fatalf("%s: %v", line, err)
	}
	if target != "" {
		s.must(os.WriteFile(target, out.Bytes(), 0o600))
	}
	return outcome{line: line, code: cmd.ProcessState.ExitCode(), out: out.String(), errout: errout.String()}
}

// start runs "up" and waits until it says that it is ready.
func (s *script) start(actor string, args []string) {
	p := &process{cmd: exec.Command(binary, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = s.dir, s.environment(actor), &p.err
	pipe, err := p.cmd.StdoutPipe()
	s.must(err)
	s.must(p.cmd.Start())
	ready := make(chan struct{})
	go func() { // ends when the process does
		defer close(p.ended)
		lines := bufio.NewScanner(pipe)
		for said := false; lines.Scan(); {
			fmt.Fprintln(&p.out, lines.Text())
			if !said && strings.HasPrefix(lines.Text(), "ready") {
				said = true
				close(ready)
			}
		}
		p.cmd.Wait()
	}()
	s.running[actor] = p
	s.t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		if s.t.Failed() {
			s.t.Logf("%s's node said:\n%s%s", actor, p.out.String(), p.err.String())
		}
	})
	select {
	case <-ready:
		s.last = outcome{line: "up", out: p.out.String(), errout: p.err.String()}
	case <-p.ended:
		s.last = outcome{line: "up", code: p.cmd.ProcessState.ExitCode(), out: p.out.String(), errout: p.err.String()}
	case <-time.After(patience):
		s.fatalf("%s's node isn't ready after %v", actor, patience)
	}
}

// kill ends an "up"; its exit code is that of the line.
func (s *script) kill(actor, signal string) {
	p := s.running[actor]
	s.must(p.cmd.Process.Signal(map[string]syscall.Signal{"-TERM": syscall.SIGTERM, "-INT": syscall.SIGINT, "-KILL": syscall.SIGKILL}[signal]))
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		s.fatalf("%s's node runs on 10 s after %s", actor, signal)
	}
	s.last = outcome{line: "kill " + signal, code: p.cmd.ProcessState.ExitCode(), out: p.out.String(), errout: p.err.String()}
	if signal == "-KILL" {
		s.last.code = exitOK
	}
}

// await repeats a command until a line of its stdout matches.
func (s *script) await(actor string, want *regexp.Regexp, args []string) {
	deadline := time.After(patience)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		s.last = s.runHere(actor, strings.Join(args, " "), args)
		if s.last.code == exitOK && want.MatchString(s.last.out) {
			return
		}
		select {
		case <-deadline:
			s.fatalf("no line of stdout matches %q within %v", want, patience)
		case <-again.C:
		}
	}
}
