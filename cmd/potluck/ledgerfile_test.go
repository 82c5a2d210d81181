package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"potluck/node"
)

// Books go out and in again, on a node that doesn't run.
func TestLedgerExportImport(t *testing.T) {
	data := filepath.Join(t.TempDir(), "node")
	t.Setenv("POTLUCK_DATA", data)
	if code, _, errout := quiet(t, "ledger", "export"); code != exitNotFound || !strings.Contains(errout, "no node in") {
		t.Errorf("without a node: exit code %d, %q", code, errout)
	}
	n, err := node.New(t.Context(), node.Config{Data: data, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if code, _, errout := quiet(t, "ledger", "export"); code != exitError || !strings.Contains(errout, "in use") {
		t.Errorf("while the node runs: exit code %d, %q", code, errout)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "books.jsonl")
	if code, out, errout := quiet(t, "ledger", "export", file); code != exitOK || out != "" {
		t.Fatal(code, out, errout)
	}
	if code, _, _ := quiet(t, "ledger", "export", file); code != exitUsage {
		t.Error("written over, exit code", code)
	}
	if code, _, errout := quiet(t, "ledger", "import", file); code != exitUsage || !strings.Contains(errout, "must be empty") {
		t.Errorf("over books: exit code %d, %q", code, errout)
	}
	if err := os.RemoveAll(filepath.Join(data, "ledger")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.jsonl")
	if err := os.WriteFile(cut, text[:len(text)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errout := quiet(t, "ledger", "import", cut); code != exitDamage || !strings.Contains(errout, "line ") {
		t.Errorf("cut: exit code %d, %q", code, errout)
	}
	if code, _, errout := quiet(t, "ledger", "import", file); code != exitOK {
		t.Fatal(code, errout)
	}
	code, out, errout := quiet(t, "ledger", "export")
	if rest := func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }; code != exitOK || strings.Count(out, "\n") != strings.Count(string(text), "\n") || rest(out) == "" {
		t.Errorf("exported again: %q, %q", out, errout)
	}
	if code, out, errout := quiet(t, "ledger", "check", "--accept-cut"); code != exitOK || !strings.Contains(out, "the books end at event") {
		t.Error(code, out, errout)
	}
}
