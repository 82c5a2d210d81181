package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"potluck"
)

// The demo, with a small file of the caller's, ends well and says so in JSON.
func TestDemo(t *testing.T) {
	buildProgram(t)
	dir, err := os.MkdirTemp("", "demo-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "in")
	if err := os.WriteFile(file, []byte(strings.Repeat("potluck ", 100_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "demo", "--json", "--dir", filepath.Join(dir, "net"), "--file", file).Output()
	if err != nil {
		t.Fatalf("demo: %v, printed %s", err, out)
	}
	var r demoReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("demo printed %s: %v", out, err)
	}
	if !r.OK || r.Size != 800_000 || len(r.Killed) != 2 || len(r.Nodes) != 5 || len(r.Put.Placed) != 3 || len(r.SHA256) != 64 {
		t.Errorf("the demo's report: %+v", r)
	}
	for _, n := range r.Nodes {
		if !n.Clean {
			t.Errorf("the books of %s aren't clean", n.Name)
		}
	}
}

// The story of credit ends well too, and tells every figure.
func TestDemoOfCredit(t *testing.T) {
	buildProgram(t)
	dir, err := os.MkdirTemp("", "demo-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	out, err := exec.CommandContext(t.Context(), binary, "demo", "--story", "rent-a-friend", "--json", "--dir", dir).Output()
	if err != nil {
		t.Fatalf("demo of credit: %v, printed %s", err, out)
	}
	var r rentReport
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("demo of credit printed %s: %v", out, err)
	}
	if !r.OK || r.Allowed != r.Held*rentRatio/1_000_000 || r.Used != r.Allowed || r.Left >= r.Allowed || r.Short != r.Used-r.Left || len(r.Figures) < 80 || len(r.Nodes) != 4 {
		t.Errorf("the report of the demo of credit: %+v", r)
	}
	for _, n := range r.Nodes {
		if !n.Clean {
			t.Errorf("the books of %s aren't clean", n.Name)
		}
	}
}

// What is put to use the last byte is charged exactly that, whatever is allowed.
func TestHalve(t *testing.T) {
	for allowed := potluck.Size(1 << 20); allowed < 8<<20; allowed += 77_777 {
		first, second, more, err := halve(allowed)
		if err != nil || chargeOf(first)+chargeOf(second) != allowed || chargeOf(first)+chargeOf(more) != allowed+1 {
			t.Errorf("%d bytes in two: %d and %d, or %d: %v", allowed, first, second, more, err)
		}
	}
}

// The demo refuses what it can't work with, before it starts anything.
func TestDemoRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"demo", "--dir", full}, exitUsage, "isn't empty"},
		{[]string{"demo", "--story", "no-such"}, exitUsage, "rent-a-friend"},
		{[]string{"demo", "--story", "rent-a-friend", "--file", full}, exitUsage, "leave --file out"},
		{[]string{"demo", "--dir", filepath.Join(full, "new"), "--file", filepath.Join(full, "none")}, exitNotFound, "no such file"},
	} {
		code, out, errout := quiet(t, c.args...)
		if code != c.code || !strings.Contains(errout, c.says) || out != "" {
			t.Errorf("potluck %s: exit code %d, printed %q and %q; want %d and %q", strings.Join(c.args, " "), code, out, errout, c.code, c.says)
		}
	}
}
