package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Error says what is wrong in a file, and where.
type Error struct {
	Line   int    // from 1; 0: the file doesn't name the key, its default is wrong with the rest
	Key    string // path, like "group.homes.capacity"; empty: the file as a whole
	Reason string
}

// Error gives "line 12: group.homes.capacity: reason".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	return b.String() + e.Reason
}

// Errors are all that is wrong in a file, by line. There is at least one.
type Errors []*Error

// shownErrors is how many of a file's errors are told.
const shownErrors = 10

// Error gives one error a line.
func (all Errors) Error() string {
	var lines []string
	for i, e := range all {
		if i == shownErrors {
			lines = append(lines, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

// sorted gives the errors by line, each once; nil if there are none.
func sorted(all Errors) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *Error) int { return a.Line - b.Line })
	return slices.CompactFunc(all, func(a, b *Error) bool { return *a == *b })
}
