package main

import (
	"encoding/json"
	"io"
	"strings"
)

// pageRows is how many rows of a long table are laid out together: what follows
// keeps the columns, and widens them when it must.
const pageRows = 500

// fill writes the rows so far when they fill a page.
func (t *table) fill(w io.Writer) error {
	if len(t.rows) < pageRows {
		return nil
	}
	return t.write(w)
}

// array prints a list in JSON, entry by entry.
type array struct {
	w     io.Writer
	begun bool
}

// add prints one entry, as emit does.
func (a *array) add(v any) error {
	var b strings.Builder
	b.WriteString(pick(a.begun, ",", "["))
	a.begun = true
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(a.w, escapeJSON(strings.TrimSuffix(b.String(), "\n")))
	return err
}

// end prints the end of the list, and what follows it.
func (a *array) end(then string) error {
	_, err := io.WriteString(a.w, pick(a.begun, "", "[")+"]"+then)
	return err
}
