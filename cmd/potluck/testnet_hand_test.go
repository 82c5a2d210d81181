package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A net goes up in the background, its nodes are spoken to one by one, it goes
// down, and up again with what it had.
func TestTestnetByHand(t *testing.T) {
	buildProgram(t)
	dir, err := os.MkdirTemp("", "hand-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	net, file := filepath.Join(dir, "net"), filepath.Join(dir, "in")
	if err := os.WriteFile(file, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	potluck := func(into any, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), binary, append(args, "--json")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		if err := json.Unmarshal(out, into); into != nil && err != nil {
			t.Fatalf("%v printed %s: %v", args, out, err)
		}
	}
	defer potluck(new(handDown), "testnet", "down", "--dir", net)
	var rows []handRow
	potluck(&rows, "testnet", "up", "-n", "6", "--topology", "ring", "--degree", "2", "--dir", net)
	if len(rows) != 6 {
		t.Fatalf("%d nodes are up, want 6", len(rows))
	}
	for _, r := range rows {
		if !r.Running || r.Friends != 2 {
			t.Errorf("%s runs: %v, with %d friends, want true and 2", r.Name, r.Running, r.Friends)
		}
	}
	if out, err := exec.Command(binary, "--data", rows[0].Data, "-q", "put", "--k", "1", "--n", "2", file).CombinedOutput(); err != nil {
		t.Fatalf("put at %s: %v\n%s", rows[0].Name, err, out)
	}
	if err := exec.Command(binary, "testnet", "up", "--dir", net).Run(); err == nil {
		t.Error("a net that runs is started once more")
	}
	var down handDown
	potluck(&down, "testnet", "down", "--dir", net)
	if down.Ended != 6 {
		t.Errorf("%d nodes ended, want 6", down.Ended)
	}
	potluck(&rows, "testnet", "ls", "--dir", net)
	if rows[0].Running {
		t.Error("a node runs after the net went down")
	}
	potluck(&rows, "testnet", "up", "--dir", net)
	if rows[0].Friends != 2 || rows[1].Holds == 0 && rows[5].Holds == 0 {
		t.Errorf("after the second start: %+v; want the friends and the file of before", rows)
	}
}
