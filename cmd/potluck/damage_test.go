package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"potluck/node"
)

// stopped makes a node that doesn't run.
func stopped(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	n, err := node.New(t.Context(), node.Config{Data: data, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

// What is wrong with a data directory ends a start with exit code 8, what is wrong
// and what helps.
func TestUpOnDamage(t *testing.T) {
	for name, test := range map[string]struct {
		harm func(data string) error
		says []string
	}{
		"a flipped bit": {func(data string) error {
			tables, err := filepath.Glob(filepath.Join(data, "ledger", "badger", "*.sst"))
			if err != nil || len(tables) == 0 {
				t.Fatal("no tables", err)
			}
			b, err := os.ReadFile(tables[0])
			if err != nil {
				return err
			}
			b[100] ^= 1
			return os.WriteFile(tables[0], b, 0o600)
		}, []string{".sst", "another checksum", "potluck recover", "potluck ledger import"}},
		"no books":     {func(data string) error { return os.RemoveAll(filepath.Join(data, "ledger")) }, []string{"potluck recover", "--empty-books"}},
		"no key":       {func(data string) error { return os.Remove(filepath.Join(data, "node.key")) }, []string{"node.key", "potluck recover"}},
		"no head file": {func(data string) error { return os.Remove(filepath.Join(data, "ledger", "head")) }, []string{"--accept-cut"}},
	} {
		data := stopped(t)
		if err := test.harm(data); err != nil {
			t.Fatal(err)
		}
		code, out, errout := quiet(t, "--data", data, "up", "--page", "off", "--listen", "/ip4/127.0.0.1/tcp/0")
		if code != exitDamage || out != "" {
			t.Errorf("%s: exit code %d, %q, %q", name, code, out, errout)
		}
		for _, text := range test.says {
			if !strings.Contains(errout, text) {
				t.Errorf("%s: %q says nothing of %q", name, errout, text)
			}
		}
	}
}

// What is done to books while no node runs says in words why it can't be, and
// changes nothing.
func TestOfflineVerbsOnNothing(t *testing.T) {
	none, whole, bookless, keyless := filepath.Join(t.TempDir(), "none"), stopped(t), stopped(t), stopped(t)
	export := filepath.Join(t.TempDir(), "books.jsonl")
	if code, _, errout := quiet(t, "--data", bookless, "ledger", "export", export); code != exitOK {
		t.Fatal(code, errout)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(bookless, "ledger")), os.Remove(filepath.Join(keyless, "node.key"))); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		data string
		args []string
		code int
		says string
	}{
		{none, []string{"ledger", "export"}, exitNotFound, "there is no node in "},
		{none, []string{"ledger", "import", export}, exitNotFound, "--data"},
		{none, []string{"ledger", "check", "--accept-cut"}, exitNotFound, "there is no node in "},
		{none, []string{"words", "--yes"}, exitNotFound, "there is no node in "},
		{none, []string{"ledger", "check"}, exitNotRunning, "potluck up"},
		{whole, []string{"ledger", "import", export}, exitUsage, "move it away"},
		{whole, []string{"ledger", "import", "nofile"}, exitNotFound, "there is no file nofile"},
		{whole, []string{"ledger", "import", t.TempDir()}, exitUsage, "is a folder"},
		{whole, []string{"ledger", "export", export}, exitUsage, "is there already"},
		{bookless, []string{"ledger", "export"}, exitNotFound, "there are no books in "},
		{bookless, []string{"ledger", "check", "--accept-cut"}, exitNotFound, "there are no books in "},
		{keyless, []string{"ledger", "export"}, exitDamage, "potluck recover"},
		{keyless, []string{"words", "--yes"}, exitDamage, "node.key"},
		{keyless, []string{"ledger", "check", "--accept-cut"}, exitDamage, "node.key"},
	} {
		code, out, errout := quiet(t, append([]string{"--data", test.data}, test.args...)...)
		if code != test.code || out != "" || !strings.Contains(errout, test.says) || strings.Contains(errout, "stat ") || strings.Contains(errout, "invalid value") {
			t.Errorf("%v: exit code %d, %q, %q; want %d and %q", test.args, code, out, errout, test.code, test.says)
		}
	}
	if _, err := os.Stat(none); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was made:", err)
	}
}

// Kong's words for a wrong value are said as people say them.
func TestWrongValuesAreToldPlainly(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"log", "--limit", "-1"}, `--limit: "-1" begins with a dash`},
		{[]string{"invite", "x", "--opening", "-5"}, `--opening: "-5" begins with a dash`},
		{[]string{"log", "--after", "x"}, `--after: want a whole number, got "x"`},
	} {
		code, _, errout := quiet(t, test.args...)
		if code != exitUsage || !strings.Contains(errout, test.want) || strings.Contains(errout, "perhaps") || strings.Contains(errout, "64 bit") {
			t.Errorf("%v: exit code %d, %q", test.args, code, errout)
		}
	}
}
