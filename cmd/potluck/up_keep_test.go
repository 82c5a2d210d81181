package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/alecthomas/kong"

	"potluck"
	"potluck/node"
)

// What flags say that a node is, the next start knows without them; the environment
// and what only says where it runs aren't kept.
func TestUpKeepsFlags(t *testing.T) {
	t.Setenv("POTLUCK_FLOOR", "3GiB")
	data := t.TempDir()
	path := filepath.Join(data, "config.toml")
	if err := os.WriteFile(path, []byte("# mine\nmax_hops = 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := func(args ...string) node.File {
		t.Helper()
		var g grammar
		k, err := kong.New(&g)
		if err != nil {
			t.Fatal(err)
		}
		line, err := k.Parse(append([]string{"up"}, args...))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Up.keep(data, line); err != nil {
			t.Fatal(err)
		}
		f, err := node.ReadFile(data)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := up("--name", "ann", "--offer", "20GiB", "--page", "off", "--listen", "/ip4/127.0.0.1/tcp/0")
	later := up()
	for what, f := range map[string]node.File{"the start with flags": first, "a later one without": later} {
		if f.Name != "ann" || f.Offer == nil || *f.Offer != 20*potluck.GiB || f.Floor != nil || f.Page != "" || f.Listen != nil || *f.MaxHops != 2 {
			t.Errorf("after %s config.toml says %+v", what, f)
		}
	}
	if f := up("--name", ""); f.Name != "ann" {
		t.Errorf("after an empty --name config.toml says %+v", f)
	}
	if f := up("--offer", "0"); f.Name != "ann" || f.Offer == nil || *f.Offer != 0 {
		t.Errorf("after --offer 0 config.toml says %+v", f)
	}
	var u upCmd
	config, err := u.config(&cli{Data: data})
	if err != nil || config.Name != "ann" || config.Offer != -1 {
		t.Errorf("a start without flags has %q, %d, %v", config.Name, config.Offer, err)
	}
}

// Flags that would count for nothing are refused.
func TestFlagsThatDoNothing(t *testing.T) {
	for _, args := range [][]string{{"page", "--days", "3"}, {"page", "--token", "--open"}, {"page", "--token", "--days", "0"}, {"history", "bob", "--days", "0"}} {
		if code, _, errout := quiet(t, append(args, "--data", t.TempDir())...); code != exitUsage {
			t.Errorf("%v: exit code %d, %s", args, code, errout)
		}
	}
}

// A verify cap is made of the cap alone.
func TestCapVerify(t *testing.T) {
	const short = "potluck1lkjzfk2cxiu3ucy3ljjkesu3plblxmojyoe2cw2t2pfkhcv22knrvkssrjzuharkxnvwfu4kwkzsdest2mnsuq2bzjzwuqvbljrmgswldo5ngmnjqk5vxeqtrpbraursui53quoijcszss"
	const read = "potluck1raeaqcaaeaaaaaaaaaaaadbvajuvi6p4krnfv6jcnewr466jo3fwqvueqtsthv3jk5dynqrqb7lbakalggoy777x6qmd7gfqgleekplqoerkacfp3sznt2qzev6c52nwufz6nlci"
	code, out, errout := quiet(t, "cap", "verify", read)
	if code != exitOK || len(out) < 60 || errout != "" {
		t.Fatal(code, out, errout)
	}
	if code, again, _ := quiet(t, "cap", "verify", out[:len(out)-1]); code != exitOK || again != out {
		t.Errorf("of itself it is %q, exit code %d", again, code)
	}
	for _, wrong := range []string{short, read[:60], "x"} {
		if code, out, errout := quiet(t, "cap", "verify", wrong); code != exitUsage || out != "" {
			t.Errorf("%s: exit code %d, %q, %q", wrong, code, out, errout)
		}
	}
}
