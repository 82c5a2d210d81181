package browser

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// net is nodes of one friendnet, each a process of the real program.
type net struct {
	t       testing.TB
	program string
	dir     string
	nodes   map[string]*exec.Cmd
	page    string // the address of the page that was linked to last
}

// build makes the program and an empty net.
func build(t testing.TB) *net {
	t.Helper()
	dir, err := os.MkdirTemp("", "page-")
	if err != nil {
		t.Fatal(err)
	}
	n := &net{t: t, program: filepath.Join(dir, "potluck"), dir: dir, nodes: map[string]*exec.Cmd{}}
	t.Cleanup(func() {
		for name := range n.nodes {
			n.stop(name)
		}
		os.RemoveAll(dir)
	})
	if ready := os.Getenv("POTLUCK_PROGRAM"); ready != "" { // one that is built already
		n.program = ready
		return n
	}
	cmd := exec.Command("go", "build", "-o", n.program, "./cmd/potluck")
	cmd.Dir = filepath.Join("..", "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return n
}

func (n *net) data(name string) string { return filepath.Join(n.dir, name) }

// start runs a node until its API answers.
func (n *net) start(name, shown string, more ...string) {
	n.t.Helper()
	log, err := os.Create(n.data(name) + ".log")
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{"--data", n.data(name), "up", "--name", shown, "--listen", "/ip4/127.0.0.1/tcp/0", "--offer", "2GiB", "--floor", "1MiB", "--no-open"}, more...)
	cmd := exec.Command(n.program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.nodes[name] = cmd
	n.eventually(name+" answers", func() bool { _, code := n.try(name, "status"); return code == 0 })
}

func (n *net) stop(name string) {
	cmd := n.nodes[name]
	if cmd == nil {
		return
	}
	delete(n.nodes, name)
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
}

// try runs a verb, and gives its output and exit code.
func (n *net) try(name string, args ...string) (string, int) {
	cmd := exec.Command(n.program, append([]string{"--data", n.data(name)}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		return err.Error(), -1
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return out.String() + errs.String(), code
	}
	return out.String(), 0
}

// run is try for what must work.
func (n *net) run(name string, args ...string) string {
	n.t.Helper()
	out, code := n.try(name, args...)
	if code != 0 {
		n.t.Fatalf("potluck %s at %s: exit code %d: %s", strings.Join(args, " "), name, code, out)
	}
	return strings.TrimSpace(out)
}

// ask runs a verb with --json, and reads what it answers.
func ask[T any](n *net, name string, args ...string) T {
	n.t.Helper()
	var v T
	out := n.run(name, append([]string{"--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		n.t.Fatalf("potluck %v at %s answers %q: %v", args, name, out, err)
	}
	return v
}

// befriend makes b a friend of a.
func (n *net) befriend(a, b string) {
	n.t.Helper()
	inv := ask[struct{ Link string }](n, a, "invite", b)
	n.run(b, "join", "--name", a, inv.Link)
}

// link is a fresh link to a node's page.
func (n *net) link(name string) string {
	n.t.Helper()
	link := n.run(name, "page")
	n.page, _, _ = strings.Cut(link, "#")
	return link
}

// eventually waits until something holds.
func (n *net) eventually(what string, holds func() bool) {
	n.t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			n.t.Fatalf("%s: not after 30 s", what)
		}
	}
}

// five starts a net of five friends of alice: one of them with markup in its name.
func five(t *testing.T) *net {
	n := build(t)
	for _, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
		shown := name
		if name == "erin" {
			shown = markup
		}
		n.start(name, shown)
	}
	for _, name := range []string{"bob", "carol", "dave"} {
		n.befriend("alice", name)
	}
	inv := ask[struct{ Link string }](n, "alice", "invite", markup)
	n.run("erin", "join", inv.Link)
	n.befriend("bob", "carol")
	return n
}

// markup is a name that would run if a page took it for more than text.
const markup = `<img src=x onerror=hacked=1>`
