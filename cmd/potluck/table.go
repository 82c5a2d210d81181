package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// maxCell bounds a cell, in characters, so that what a peer chooses can't push
// the rest off the screen. The last column has nothing to push: maxLast.
const (
	maxCell = 60
	maxLast = 300
)

// table lays rows out in columns. Cells are escaped and cut. A
// heading that starts with ">" is set to the right.
type table struct {
	heads  []string
	rows   [][]string // not written yet
	widths []int      // of what was written; nil: not even the headings were
}

func newTable(heads ...string) *table { return &table{heads: heads} }

// add adds one row; each cell is printed with %v.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = cutTo(escape(fmt.Sprint(cell)), pick(i == len(t.heads)-1, maxLast, maxCell))
	}
	t.rows = append(t.rows, row)
}

func cutTo(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// write prints the rows that were added since the last time, the first time with
// their headings.
func (t *table) write(w io.Writer) error {
	heads, right := make([]string, len(t.heads)), make([]bool, len(t.heads))
	for i, head := range t.heads {
		heads[i], right[i] = strings.CutPrefix(head, ">")
	}
	lines := t.rows
	if t.rows = nil; t.widths == nil {
		lines, t.widths = append([][]string{heads}, lines...), make([]int, len(t.heads))
	}
	for _, line := range lines {
		for i, cell := range line {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(strings.TrimRight(joinCells(line, t.widths, right), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func joinCells(line []string, widths []int, right []bool) string {
	var b strings.Builder
	for i, cell := range line {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i > 0 {
			b.WriteString("  ")
		}
		if right[i] {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return b.String()
}

// when gives a time in unix seconds for people, in UTC; 0 is "-".
func when(unix int64) string {
	if unix == 0 {
		return "-"
	}
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04:05Z")
}

// plural gives "1 share", "2 shares".
func plural[T ~int | ~int64 | ~uint64](n T, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// pick chooses by a condition.
func pick[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}
