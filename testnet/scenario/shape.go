package scenario

import (
	"fmt"
	"strings"
)

// What a scenario needs is 4 deep and 6 long; the TOML decoder's time grows
// with the square of either.
const (
	maxDepth  = 16 // brackets in each other
	maxDots   = 16 // in one key
	hugeQuote = 3  // quotes that begin a text of several lines
)

// checkShape bounds nesting before the text is parsed.
func checkShape(text string) *Error {
	line, depth, dots := 1, 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			line, dots = line+1, 0
		case '#':
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end - 1
			} else {
				i = len(text)
			}
		case '"', '\'':
			end := quoteEnd(text[i:], c)
			line += strings.Count(text[i:i+end], "\n")
			i += end - 1
		case '.':
			dots++
		case '[', '{':
			depth, dots = depth+1, 0
		case ']', '}':
			depth = max(depth-1, 0)
		case ',', '=':
			dots = 0
		}
		if depth > maxDepth {
			return &Error{Line: line, Reason: fmt.Sprintf("more than %d brackets lie in each other", maxDepth)}
		}
		if dots > maxDots {
			return &Error{Line: line, Reason: fmt.Sprintf("a key has more than %d dots", maxDots)}
		}
	}
	return nil
}

// quoteEnd gives the length of the quoted text at the start of s. One that
// doesn't end in its line ends there: the parser will say so.
func quoteEnd(s string, quote byte) int {
	long := strings.Repeat(string(quote), hugeQuote)
	if strings.HasPrefix(s, long) {
		if end := strings.Index(s[hugeQuote:], long); end >= 0 {
			return end + 2*hugeQuote
		}
		return len(s)
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1
		case s[i] == '\n':
			return i
		case s[i] == '\\' && quote == '"':
			i++
		}
	}
	return len(s)
}
