package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A long table has its headings once and every row, and keeps its columns.
func TestTableInPages(t *testing.T) {
	var out strings.Builder
	x := newTable("name", ">size")
	const rows = 2*pageRows + 7
	for n := range rows {
		x.add(fmt.Sprintf("file %04d", n), n)
		if err := x.fill(&out); err != nil {
			t.Fatal(err)
		}
		if len(x.rows) >= pageRows {
			t.Fatalf("%d rows wait", len(x.rows))
		}
	}
	if err := x.write(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != rows+1 || lines[0] != "name       size" || lines[1] != "file 0000     0" || lines[rows] != "file 1006  1006" {
		t.Errorf("%d lines, %q, %q, %q", len(lines), lines[0], lines[1], lines[len(lines)-1])
	}
}

// A list that is printed entry by entry is one JSON array.
func TestArray(t *testing.T) {
	for _, want := range [][]string{{}, {"a"}, {"a", "<b>", "\u0085"}} {
		var out strings.Builder
		a := array{w: &out}
		for _, x := range want {
			if err := a.add(x); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.end("\n"); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", out.String(), got, err, want)
		}
	}
}
