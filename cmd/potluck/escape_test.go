package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"Zoë 木 🍲":                "Zoë 木 🍲",
		"red \x1b[31m":           `red \x1b[31m`,
		"line\nbreak\r\ttab":     `line\x0abreak\x0d\x09tab`,
		"bidi \u202egnp.exe":     `bidi \u202egnp.exe`,
		"isolate \u2066x":        `isolate \u2066x`,
		"zero\u200bwidth":        `zero\u200bwidth`,
		"c1 \u009b2J":            `c1 \u009b2J`,
		"bad \xff\xfe":           `bad \xff\xfe`,
		"tag \U000e0041":         `tag \U000e0041`,
		"line sep \u2028":        `line sep \u2028`,
		"no-break\u00a0space":    `no-break\u00a0space`,
		"replacement \ufffd":     "replacement \ufffd",
		"delete \x7f, bell \x07": `delete \x7f, bell \x07`,
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEscapeLeavesNothingUnprintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		out := escape(in)
		if i := strings.IndexFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Fatalf("escape(%q) = %q: unprintable at %d", in, out, i)
		}
	})
}

func TestEscapedJSONIsEqualAndPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.String().Draw(t, "text")
		var b strings.Builder
		if err := emitTo(&b, in); err != nil {
			t.Fatal(err)
		}
		line := strings.TrimSuffix(b.String(), "\n")
		if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Fatalf("%q is unprintable at %d", line, i)
		}
		var out string
		if err := json.Unmarshal([]byte(line), &out); err != nil || out != in {
			t.Fatalf("%q came back as %q, %v", in, out, err)
		}
	})
}

func TestTable(t *testing.T) {
	table := newTable("friend", ">holds")
	table.add("alice", 12)
	table.add("m\x1b[2Jallory", 1234)
	table.add(strings.Repeat("x", 100), 1)
	last := newTable("a", "reason")
	last.add("", strings.Repeat("y", 1000))
	if n := len([]rune(last.rows[0][1])); n != maxLast {
		t.Errorf("the last cell has %d characters, want %d", n, maxLast)
	}
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	wide := strings.Repeat("x", maxCell-1) + "…"
	gap := func(s string) string { return s + strings.Repeat(" ", maxCell-len(s)) }
	want := gap("friend") + "  holds\n" + gap("alice") + "     12\n" + gap(`m\x1b[2Jallory`) + "   1234\n" + wide + "      1\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// Whatever is printed for people goes through escape.
func TestPrintersEscape(t *testing.T) {
	var out, errout strings.Builder
	c := &cli{streams: streams{out: &out, err: &errout}}
	c.printf("%s", "a\x1b[2J\u202e")
	c.remark("%s", "b\x1b[2J\nc")
	if out.String() != `a\x1b[2J\u202e`+"\n" || errout.String() != `b\x1b[2J\x0ac`+"\n" {
		t.Errorf("printed %q and %q", out.String(), errout.String())
	}
}
