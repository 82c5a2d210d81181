package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden; read the difference before you commit it")

// The help of the program and of every verb is part of what users learn.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	var all bytes.Buffer
	for _, verb := range []string{"", "up", "status", "log", "ledger", "ledger check", "ledger export", "ledger import", "words", "recover", "keepsake", "version", "invite", "invites", "invites list", "invites revoke", "join",
		"demo", "friends", "friends list", "friends remove", "who", "terms", "deny", "accept", "evict", "put", "get", "rm", "where", "check", "repair", "repair run", "repair authorize", "repair authorities", "files",
		"credit", "credit show", "credit to", "credit revoke", "credit decline", "credit eval", "credit verify", "credit proof", "repay", "repay via", "work-for",
		"why", "standing", "pardon", "household", "household show", "household set", "household leave",
		"testnet", "testnet sim", "testnet plan", "testnet run", "testnet merge", "testnet report"} {
		code, out, errout := quiet(t, append(strings.Fields(verb), "--help")...)
		if code != exitOK || errout != "" {
			t.Errorf("potluck %s --help: exit code %d, stderr %q", verb, code, errout)
		}
		all.WriteString("$ potluck " + strings.TrimSpace(verb+" --help") + "\n" + out + "\n")
	}
	checkGolden(t, "help.golden", all.String())
}

// checkGolden compares text with a file under testdata, or rewrites that.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the text differs from %s at %q; if that is meant, run go test ./cmd/potluck -run %s -update", golden, difference(got, string(want)), t.Name())
	}
}

// difference gives the first line of got that isn't in want's place.
func difference(got, want string) string {
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || lines[i] != line {
			return line
		}
	}
	return "the end"
}

func TestHelpNamesEveryExitCode(t *testing.T) {
	tail := helpTail()
	for _, e := range exitCodes {
		if !strings.Contains(tail, e.meaning) {
			t.Errorf("%q isn't in %q", e.meaning, tail)
		}
	}
}
