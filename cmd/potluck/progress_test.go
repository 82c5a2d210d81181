package main

import (
	"bytes"
	"strings"
	"testing"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
)

func TestMeter(t *testing.T) {
	steps := []files.Progress{
		{Stage: "hashing", Done: 0, Total: 4096}, {Stage: "hashing", Done: 4096, Total: 4096},
		{Stage: "sending", Done: 1024, Total: 4096, Hosts: 3}, {Stage: "sending", Done: 4096, Total: 4096, Hosts: 2},
	}
	for name, test := range map[string]struct {
		json, quiet, terminal bool
		out                   string
		onErr                 []string
	}{
		"terminal":        {terminal: true, onErr: []string{"hashing", "sending", "100%"}},
		"no terminal":     {},
		"quiet":           {quiet: true, terminal: true},
		"json":            {json: true, terminal: true, out: `{"progress":{"stage":"hashing","done":0,"total":4096,"hosts":0}}`},
		"json, but quiet": {json: true, quiet: true},
	} {
		var out, errout bytes.Buffer
		c := &cli{streams: streams{out: &out, err: &errout, errTerminal: test.terminal, errWidth: 100}, JSON: test.json, Quiet: test.quiet}
		m := c.meter()
		for _, s := range steps {
			m.show(s)
		}
		m.end()
		if first, _, _ := strings.Cut(out.String(), "\n"); first != test.out || (test.out == "") != (out.Len() == 0) {
			t.Errorf("%s: stdout begins %q, want %q", name, first, test.out)
		}
		if test.out != "" && strings.Count(out.String(), "\n") != len(steps) {
			t.Errorf("%s: %d lines, want %d", name, strings.Count(out.String(), "\n"), len(steps))
		}
		for _, want := range test.onErr {
			if !strings.Contains(errout.String(), want) {
				t.Errorf("%s: stderr %q has no %q", name, errout.String(), want)
			}
		}
		if len(test.onErr) == 0 && errout.Len() > 0 {
			t.Errorf("%s: stderr is %q", name, errout.String())
		}
	}
}

func TestRemarksOfAPut(t *testing.T) {
	var errout bytes.Buffer
	c := &cli{streams: streams{err: &errout}}
	c.remarkPut(files.PutResult{Size: 5})
	c.remarkPut(files.PutResult{Size: 3 << 20, Layout: potluck.Layout{K: 2, N: 4}, Placed: make([]files.Placed, 3), Happy: 3, Sent: 6 << 20, Reused: 1, Behind: 1, Seconds: 2})
	want := `5 B, in the cap itself: no friend holds anything of it
3 MiB as 2-of-4 at 3 friends: 6 MiB sent, 1 share there already, in 2.0 s (1.5 MiB/s)
1 share still spread in the background; "potluck where" shows them
`
	if errout.String() != want {
		t.Errorf("got\n%swant\n%s", errout.String(), want)
	}
}

func TestShowEvent(t *testing.T) {
	id := potluck.ShareID{Number: 3}
	got := showEvent(api.Event{Time: 1_800_000_000, Kind: "lease", Name: "bob", Share: &id, Bytes: 4096, Reason: "put"})
	if want := "2027-01-15 08:00:00Z  lease  bob  aaaaaaaaaaaaaaaaaaaaaaaaaa/3  4 KiB  (put)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := showEvent(api.Event{Kind: "start"}); got != "-  start" {
		t.Errorf("got %q", got)
	}
}

func TestShowTerms(t *testing.T) {
	got := showTerms(api.Terms{RatioPPM: 1_500_000, Gift: 5 << 20, Opening: 1 << 30, Paid: 1 << 20, PaidUntil: 1_800_000_000})
	if want := "ratio 1.5, opening 1 GiB, gift 5 MiB, paid 1 MiB until 2027-01-15 08:00:00Z"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
