package main

import (
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
