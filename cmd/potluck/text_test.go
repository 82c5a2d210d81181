package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"potluck/gateway/api"
)

func TestTextOnly(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		text bool
	}{
		"nothing":         {"", true},
		"lines":           {"one\ntwo\r\n\tthree\n", true},
		"other languages": {"Zoë, 木, 👩‍🍳", true},
		"escape":          {"red \x1b[31m", false},
		"nul":             {"a\x00b", false},
		"not UTF-8":       {"caf\xe9 au lait", false},
		"bidi":            {"\u202egnp.exe", false},
		"c1":              {"\u009b2J", false},
	} {
		for way, reader := range map[string]io.Reader{"whole": strings.NewReader(test.in), "by byte": iotest.OneByteReader(strings.NewReader(test.in))} {
			var out bytes.Buffer
			_, err := io.Copy(&textOnly{w: &out}, struct{ io.Reader }{reader})
			if (err == nil) != test.text || err != nil && !errors.Is(err, errBinary) {
				t.Errorf("%s, %s: %v", name, way, err)
			}
			if test.text && out.String() != test.in {
				t.Errorf("%s, %s: got %q", name, way, out.String())
			}
			if strings.ContainsAny(out.String(), "\x1b\x00\u202e\u009b") {
				t.Errorf("%s, %s: %q came through", name, way, out.String())
			}
		}
	}
}

func TestConfirm(t *testing.T) {
	plan := api.Eviction{Name: "bob\x1b", Shares: 3, Freed: 2048}
	for _, test := range []struct {
		answer   string
		terminal bool
		code     int
	}{
		{"bob\x1b\n", true, exitOK},
		{"bob\x1b", true, exitOK},
		{"yes\n", true, exitError},
		{"", true, exitError},
		{"bob\x1b\n", false, exitUsage},
	} {
		var asked bytes.Buffer
		c := &cli{streams: streams{in: strings.NewReader(test.answer), err: &asked, inTerminal: test.terminal}}
		if err := c.confirm(plan); exitCode(err) != test.code {
			t.Errorf("answer %q: %v, want exit code %d", test.answer, err, test.code)
		}
		if test.terminal && !strings.Contains(asked.String(), `3 shares of bob\x1b, 2 KiB, will be deleted`) {
			t.Errorf("asked %q", asked.String())
		}
	}
}
