package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"potluck"
	"potluck/gateway/api"
)

// quiet runs the program in this process, without terminals.
func quiet(t *testing.T, args ...string) (code int, out, errout string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestExitCodes(t *testing.T) {
	refusal := &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: 5, Free: 3, Short: 2}
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("no reason"), exitError},
		{context.Canceled, exitError},
		{fmt.Errorf("put: %w", api.ErrCut), exitError},
		{usagef("x"), exitUsage},
		{fmt.Errorf("dial: %w", api.ErrNotRunning), exitNotRunning},
		{&api.Error{Kind: api.KindUsage}, exitUsage},
		{&api.Error{Kind: api.KindPartial}, exitPartial},
		{&api.Error{Kind: api.KindNotAllowed}, exitNotAllowed},
		{fmt.Errorf("put: %w", &api.Error{Kind: api.KindRefused, Refusal: refusal}), exitRefused},
		{&api.Error{Kind: api.KindNotFound}, exitNotFound},
		{&api.Error{Kind: api.KindDamage}, exitDamage},
		{&api.Error{Kind: api.KindInternal}, exitError},
		{&api.Error{Kind: "of a newer node"}, exitError},
		{&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, exitNotAllowed},
		{&os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}, exitNotFound},
		{&exitErr{exitDamage, errReported}, exitDamage},
	} {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: exit code %d, want %d", test.err, got, test.want)
		}
	}
}

func TestErrorsInJSON(t *testing.T) {
	refusal := &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 5, Free: 3, Short: 2}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"own":     {usagef("no cap"), `{"error":{"exit":2,"message":"no cap"}}`},
		"refusal": {&api.Error{Kind: api.KindRefused, Message: "no", Refusal: refusal}, `{"error":{"exit":6,"kind":"refused","message":"no","refusal":{"code":"no-room","asked":5,"free":3,"short":2,"cure":null}}}`},
		"details": {&api.Error{Kind: api.KindNotFound, Message: "no", Details: json.RawMessage(`{"need":3}`)}, `{"error":{"exit":7,"kind":"not-found","message":"no","details":{"need":3}}}`},
	} {
		var e bytes.Buffer
		c := &cli{streams: streams{err: &e}, JSON: true}
		c.report(test.err)
		if got := strings.TrimSuffix(e.String(), "\n"); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, test.want)
		}
	}
}

func TestErrorsAreOneEscapedLine(t *testing.T) {
	var e bytes.Buffer
	c := &cli{streams: streams{err: &e}}
	c.report(errors.Join(errors.New("mallory says \x1b[2J"), errors.New("then \u202egnp")))
	if got, want := e.String(), `potluck: mallory says \x1b[2J; then \u202egnp`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Mistakes in the arguments are found before the node is asked: it doesn't run.
func TestMistakesInArguments(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir())
	for _, test := range []struct {
		args string
		want string
	}{
		{"", "expected one of"},
		{"frobnicate", "frobnicate"},
		{"status more", "unexpected argument more"},
		{"--data", "expected string value"},
		{"--data= status", "the data directory's name is empty"},
		{"get cap --length 0", "--length is 0"},
		{"invite", "<name>"},
		{"invite bob --expires soon", "is not a length of time like"},
		{"invite bob --expires=-3h", "is not a length of time like"},
		{"invite bob --gift much", "is not a number with a unit"},
		{"terms bob --ratio=-1", "is not a number from 0 to 1000"},
		{"terms bob --ratio NaN", "is not a number from 0 to 1000"},
		{"terms bob --paid-until tomorrow", "is not a date like"},
		{"put x --preset brave", "must be one of"},
		{"put .", "is not a regular file"},
		{"get", "there is no cap"},
		{"get -", "want a cap of 1 to 16384 characters, got none"},
		{"get nonsense", "cap"},
		{"where a --cap-file b", "there are two caps"},
		{"join -", "want a link of 1 to 16384 characters"},
		{"log --limit=-1", "--limit is -1"},
		{"ledger", "expected"},
		{"credit to", "<peer>"},
		{"credit to bob --limit=-1", "is not a number with a unit"},
		{"credit to bob --limit 0", "gives nothing"},
		{"credit to bob --limit 1.5", "isn't a whole number of bytes"},
		{"credit to bob --limit 99999999999T", "larger than the greatest size"},
		{"credit to bob --share 101%", "is over 100 %"},
		{"credit to bob --share=-1", "is not a percentage"},
		{"credit to bob --share 0", "is nothing"},
		{"credit to bob --limit -5", "begins with a dash"},
		{"credit eval /", "is a folder"},
		{"credit to bob --share 33.33333%", "finer than a millionth"},
		{"credit to bob --loan", "a loan needs an amount"},
		{"credit to bob --until tomorrow", "is not a date like"},
		{"credit to bob --until 1969-12-31", "lies before 1970"},
		{"credit to bob --to carol", "unknown flag --to"},
		{"credit lend bob", "lend"},
		{"credit eval", "<file>"},
		{"credit eval a b", "unexpected argument b"},
		{"credit verify -", "file"},
		{"repay", "expected"},
		{"repay via home --off --share 40", "say one of them"},
		{"repay via home --share 200", "is over 100 %"},
		{"standing bob --pin gone", "no step"},
		{"standing bob --pin good --unpin", "say one of them"},
		{"standing bob --unpin --evict", "say one of them"},
		{"household set home", "<peer>"},
		{"put x --explain=perhaps", "bool"},
	} {
		code, out, errout := quiet(t, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(errout, test.want) || strings.Count(errout, "\n") != 1 {
			t.Errorf("potluck %s: exit code %d, stdout %q, stderr %q; want 2 and one line with %q", test.args, code, out, errout, test.want)
		}
		_, out, errout = quiet(t, append([]string{"--json"}, strings.Fields(test.args)...)...)
		var report errorReport
		if err := json.Unmarshal([]byte(errout), &report); err != nil || out != "" || report.Error.Exit != exitUsage {
			t.Errorf("potluck --json %s: stdout %q, stderr %q (%v); want an object with exit 2", test.args, out, errout, err)
		}
	}
}

// Every verb that needs a node says so.
func TestNoNode(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir())
	for _, args := range []string{"status", "invite bob", "invites", "invites revoke 00", "join link", "friends", "friends remove bob", "who", "who bob",
		"terms bob", "terms bob --gift 1G", "deny bob", "accept bob", "evict bob", "evict bob --yes", "put exit_test.go", "put -", "files", "log", "log -f", "ledger check",
		"credit", "credit show", "credit to bob --limit 5G", "credit revoke bob", "credit decline bob", "credit proof bob", "repay via home", "work-for bob", "why bob",
		"standing bob", "standing bob --pin good", "pardon bob", "household", "household set home bob", "household leave"} {
		code, out, errout := quiet(t, strings.Fields(args)...)
		if code != exitNotRunning || out != "" || !strings.Contains(errout, "potluck up") || strings.Count(errout, "\n") != 1 {
			t.Errorf("potluck %s: exit code %d, stdout %q, stderr %q; want 4 and one line with the cure", args, code, out, errout)
		}
		code, _, errout = quiet(t, append([]string{"--json"}, strings.Fields(args)...)...)
		var report errorReport
		if err := json.Unmarshal([]byte(errout), &report); err != nil || code != exitNotRunning || report.Error.Exit != exitNotRunning {
			t.Errorf("potluck --json %s: exit code %d, stderr %q (%v)", args, code, errout, err)
		}
	}
}

func TestMissingFileIsNotFound(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir())
	if code, _, errout := quiet(t, "put", "/no/such/file"); code != exitNotFound || !strings.Contains(errout, "there is no file /no/such/file") {
		t.Errorf("exit code %d, %q", code, errout)
	}
	if code, _, errout := quiet(t, "get", "--cap-file", "/no/such/file"); code != exitNotFound {
		t.Errorf("exit code %d, %q", code, errout)
	}
}

// What is empty isn't taken for the current directory, or for a name.
func TestEmptyNames(t *testing.T) {
	t.Setenv("POTLUCK_DATA", t.TempDir())
	if code, _, errout := quiet(t, "invite", ""); code != exitUsage || !strings.Contains(errout, "the friend's name is empty") {
		t.Errorf("invite: exit code %d, stderr %q", code, errout)
	}
	for _, verb := range [][]string{{"credit", "to"}, {"credit", "revoke"}, {"credit", "decline"}, {"repay", "via"}, {"work-for"}} {
		if code, _, errout := quiet(t, append(verb, "")...); code != exitUsage || !strings.Contains(errout, "name is empty") {
			t.Errorf("%v: exit code %d, stderr %q", verb, code, errout)
		}
	}
	if code, _, errout := quiet(t, "household", "set", "", "bob"); code != exitUsage || !strings.Contains(errout, "name is empty") {
		t.Errorf("household: exit code %d, stderr %q", code, errout)
	}
	t.Setenv("POTLUCK_DATA", "")
	if code, _, errout := quiet(t, "status"); code != exitUsage || !strings.Contains(errout, "the data directory's name is empty") {
		t.Errorf("status: exit code %d, stderr %q", code, errout)
	}
}
