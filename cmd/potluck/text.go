package main

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// textOnly passes text on to a terminal, and fails at the first thing that
// isn't: control characters other than tab and line ends, marks that change the
// direction of writing, bytes that aren't UTF-8. Nothing of a piece that has such is written.
type textOnly struct {
	w    io.Writer
	rest []byte // the start of a character that the next write ends; at most 3 bytes
}

// errBinary ends a get that would have written binary to a terminal.
var errBinary = usagef("the file isn't text, and stdout is a terminal: write it with -o FILE, or to a pipe (or -o - to do it anyway)")

// Write writes p or nothing.
func (t *textOnly) Write(p []byte) (int, error) {
	piece := append(t.rest, p...)
	end := 0
	for end < len(piece) {
		r, n := utf8.DecodeRune(piece[end:])
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(piece[end:]) {
				break
			}
			return 0, errBinary
		}
		if !isText(r) {
			return 0, errBinary
		}
		end += n
	}
	if _, err := t.w.Write(piece[:end]); err != nil {
		return 0, err
	}
	t.rest = append([]byte(nil), piece[end:]...)
	return len(p), nil
}

func isText(r rune) bool {
	if r == '\n' || r == '\r' || r == '\t' || unicode.IsPrint(r) {
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Zs) && !unicode.Is(unicode.Bidi_Control, r)
}
