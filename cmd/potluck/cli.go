package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

// streams are the standard streams of one invocation.
type streams struct {
	in          io.Reader
	out, err    io.Writer
	inTerminal  bool
	outTerminal bool
	errTerminal bool
	errWidth    int // columns of the terminal at err; 0: unknown
}

func processStreams() streams {
	s := streams{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if s.errTerminal {
		s.errWidth, _, _ = term.GetSize(int(os.Stderr.Fd()))
	}
	return s
}

// cli is what every verb is given: the streams and the flags that all share.
type cli struct {
	streams
	Data  string // the node's data directory, absolute
	JSON  bool   // print JSON in place of text
	Quiet bool   // no progress, and no remarks on stderr
}

// printf writes one line of text for people to stdout, escaped for terminals.
func (c *cli) printf(format string, args ...any) {
	fmt.Fprintln(c.out, escape(fmt.Sprintf(format, args...)))
}

// remark writes one line to stderr, escaped; --quiet and --json drop it.
func (c *cli) remark(format string, args ...any) {
	if !c.Quiet && !c.JSON {
		fmt.Fprintln(c.err, escape(fmt.Sprintf(format, args...)))
	}
}

// emit writes v as one line of JSON to stdout.
func (c *cli) emit(v any) error { return emitTo(c.out, v) }

func emitTo(w io.Writer, v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// dataDir makes the data directory's path absolute; "~" is the home directory.
func dataDir(path string) (string, error) {
	if path == "" {
		return "", usagef("the data directory's name is empty; name one with --data DIR or POTLUCK_DATA, or neither")
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usagef("%v: name the data directory with --data DIR or POTLUCK_DATA", err)
		}
		path = filepath.Join(home, strings.TrimPrefix(path, "~"))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("data directory %q: %w", path, err)
	}
	return abs, nil
}
