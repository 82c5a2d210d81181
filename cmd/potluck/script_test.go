package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A script under testdata/*.txt reads like a terminal. Every line is one of:
//
//	# a remark
//	alice$ potluck ARGS [< FILE] [> FILE]     run to the end, on alice's data directory
//	alice$ VAR=$(potluck ARGS)                the same; its stdout is $VAR afterwards
//	alice$ potluck up ARGS &                  run until the end of the script; goes on when it says "ready"
//	alice$ kill -TERM                         end alice's "up" (or -KILL), and wait for it
//	alice$ await REGEXP potluck ARGS          run again and again until stdout matches
//	$ make FILE BYTES                         a file of pseudo-random bytes
//	$ write FILE TEXT                         a file of that text
//	$ cmp FILE FILE                           both are equal
//	$ absent FILE                             there is no such file
//
// and after a command come what it must have done, else its exit code is 0:
//
//	= CODE                                    the exit code
//	> REGEXP     >! REGEXP                    a line of stdout matches; none does
//	! REGEXP     !! REGEXP                    the same for stderr
//	> nothing    ! nothing                    the stream is empty
//	? VAR REGEXP                              the first group of its match in stdout is $VAR from here on
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			newScript(t).play(file, string(text))
		})
	}
}

type script struct {
	t       *testing.T
	dir     string
	vars    map[string]string
	running map[string]*process // "up" by actor
	at      string              // file:line
	last    outcome
	checked bool // the last command's exit code was asked for
}

// outcome is what a finished command left.
type outcome struct {
	line        string
	code        int
	out, errout string
}

func newScript(t *testing.T) *script {
	buildProgram(t)
	s := &script{t: t, dir: t.TempDir(), vars: map[string]string{}, running: map[string]*process{}}
	s.vars["WORK"] = s.dir
	return s
}

var (
	actorLine   = regexp.MustCompile(`^(\w*)\$ (.*)$`)
	captureLine = regexp.MustCompile(`^(\w+)=\$\((.*)\)$`)
	variable    = regexp.MustCompile(`\$\w+`)
)

func (s *script) play(file, text string) {
	for i, line := range strings.Split(text, "\n") {
		s.at = fmt.Sprintf("%s:%d", filepath.Base(file), i+1)
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := actorLine.FindStringSubmatch(line); m != nil {
			s.settle()
			s.command(m[1], s.expand(m[2]))
		} else {
			s.expect(line)
		}
	}
	s.settle()
}

func (s *script) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s\n--- %s\nexit code %d\nstdout:\n%sstderr:\n%s", s.at, fmt.Sprintf(format, args...),
		s.last.line, s.last.code, s.last.out, s.last.errout)
}

// settle checks that a command whose exit code nobody asked for was done.
func (s *script) settle() {
	if !s.checked && s.last.code != exitOK {
		s.fatalf("the command before failed with exit code %d", s.last.code)
	}
}

func (s *script) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		if v, ok := s.vars[name[1:]]; ok {
			return v
		}
		return name
	})
}

func (s *script) command(actor, line string) {
	s.checked, s.last = false, outcome{line: line}
	capture := captureLine.FindStringSubmatch(line)
	if capture != nil {
		line = capture[2]
	}
	words := split(line)
	switch {
	case actor == "":
		s.builtin(words)
	case words[0] == "kill":
		s.kill(actor, words[1])
	case words[0] == "await":
		s.await(actor, regexp.MustCompile("(?m)"+words[1]), words[3:])
	case words[len(words)-1] == "&":
		s.start(actor, words[1:len(words)-1])
	default:
		s.last = s.runHere(actor, line, words[1:])
	}
	if capture != nil {
		s.vars[capture[1]] = strings.TrimSpace(s.last.out)
	}
}

// split cuts a line at spaces; single quotes keep words together.
func split(line string) (words []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|\S+`).FindAllStringSubmatch(line, -1) {
		if strings.HasPrefix(m[0], "'") {
			words = append(words, m[1])
		} else {
			words = append(words, m[0])
		}
	}
	return words
}

func (s *script) builtin(words []string) {
	path := func(i int) string { return filepath.Join(s.dir, words[i]) }
	switch words[0] {
	case "make":
		size, err := strconv.Atoi(words[2])
		s.must(err)
		data := make([]byte, size)
		rand.NewChaCha8(sha256.Sum256([]byte(words[1]))).Read(data)
		s.must(os.WriteFile(path(1), data, 0o600))
	case "write":
		s.must(os.MkdirAll(filepath.Dir(path(1)), 0o700))
		s.must(os.WriteFile(path(1), []byte(strings.Join(words[2:], " ")+"\n"), 0o600))
	case "cmp":
		a, err := os.ReadFile(path(1))
		s.must(err)
		b, err := os.ReadFile(path(2))
		s.must(err)
		if !bytes.Equal(a, b) {
			s.fatalf("%s (%d bytes) and %s (%d bytes) differ", words[1], len(a), words[2], len(b))
		}
	case "absent":
		if _, err := os.Lstat(path(1)); !os.IsNotExist(err) {
			s.fatalf("%s is there (%v)", words[1], err)
		}
	default:
		s.fatalf("unknown command %q", words[0])
	}
}

func (s *script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.fatalf("%v", err)
	}
}

func (s *script) expect(line string) {
	mark, want, _ := strings.Cut(line, " ")
	want = s.expand(want)
	switch mark {
	case "=":
		s.checked = true
		if strconv.Itoa(s.last.code) != want {
			s.fatalf("exit code %d, want %s", s.last.code, want)
		}
	case ">", ">!":
		s.match("stdout", s.last.out, mark == ">!", want)
	case "!", "!!":
		s.match("stderr", s.last.errout, mark == "!!", want)
	case "?":
		name, re, _ := strings.Cut(want, " ")
		m := regexp.MustCompile("(?m)" + re).FindStringSubmatch(s.last.out)
		if m == nil {
			s.fatalf("stdout doesn't match %q", re)
		}
		s.vars[name] = m[1]
	default:
		s.fatalf("not a line of a script: %q", line)
	}
}

func (s *script) match(name, text string, not bool, want string) {
	if want == "nothing" {
		if text != "" {
			s.fatalf("%s isn't empty", name)
		}
		return
	}
	re := regexp.MustCompile(want)
	found := slices.ContainsFunc(strings.Split(text, "\n"), re.MatchString)
	if found == not {
		s.fatalf("%s: %s line matches %q", name, pick(not, "a", "no"), want)
	}
}
