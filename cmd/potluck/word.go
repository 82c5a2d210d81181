package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"potluck/caps"
)

// maxWord bounds a cap or link that is read from a stream or file, in bytes.
const maxWord = 16 << 10

// word gives text, or what stdin says when it is "-", without space around it.
func (c *cli) word(text, what string) (string, error) {
	if text != "-" {
		return text, nil
	}
	return readWord(c.in, what)
}

func readWord(r io.Reader, what string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWord+1))
	if err != nil {
		return "", fmt.Errorf("read the %s: %w", what, err)
	}
	text := strings.TrimSpace(string(b))
	if len(b) > maxWord || text == "" {
		return "", usagef("want a %s of 1 to %d characters, got %s", what, maxWord, pick(text == "", "none", "more"))
	}
	return text, nil
}

// capFlags name a cap without the need to have it in the shell's history.
type capFlags struct {
	Cap     string `arg:"" optional:"" help:"A cap, as \"potluck put\" prints it; - reads it from stdin."`
	CapFile string `placeholder:"FILE" help:"Read the cap from a file."`
}

// read gives the cap's text, checked for mistakes of typing.
func (f capFlags) read(c *cli) (string, error) {
	text, err := f.text(c)
	if err != nil {
		return "", err
	}
	if _, err := caps.Parse(text); err != nil {
		return "", usagef("%w", err)
	}
	return text, nil
}

func (f capFlags) text(c *cli) (string, error) {
	switch {
	case f.Cap != "" && f.CapFile != "":
		return "", usagef("there are two caps: one in the arguments, one in --cap-file; give one")
	case f.CapFile != "":
		file, err := os.Open(f.CapFile)
		if err != nil {
			return "", fmt.Errorf("open the cap's file: %w", err)
		}
		defer file.Close()
		return readWord(file, "cap")
	case f.Cap == "":
		return "", usagef("there is no cap: give one, or - for stdin, or --cap-file FILE")
	}
	return c.word(f.Cap, "cap")
}
