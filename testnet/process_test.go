package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/testnet"
)

// cli runs a verb of the program, and gives its exit code and all that it printed.
func cli(ctx context.Context, t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	buildProgram(t)
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("potluck %s: %v", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// refused runs "up" where it can't go well, and checks that it says why.
func refused(ctx context.Context, t *testing.T, why string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	code, printed := cli(ctx, t, append([]string{"up"}, args...)...)
	if code <= 0 || !strings.Contains(printed, why) || strings.Contains(printed, "goroutine ") {
		t.Errorf("potluck up %s: exit code %d, printed %q; want a failure that says %q", strings.Join(args, " "), code, printed, why)
	}
}

func TestSecondUpOnOneDataDirectory(t *testing.T) {
	ctx := within(t, time.Minute)
	n := processes(t, testnet.Config{})
	p, err := n.Add(ctx, "only")
	must(t, err)
	refused(ctx, t, "in use by another", "--data", p.Dir, "--listen", "/ip4/127.0.0.1/tcp/0")
	if _, err := p.API().Status(ctx); err != nil {
		t.Errorf("the first node doesn't answer any more: %v", err)
	}
}

func TestDataDirectoryOfANewerVersion(t *testing.T) {
	ctx := within(t, time.Minute)
	n := processes(t, testnet.Config{})
	p, err := n.Add(ctx, "future")
	must(t, err)
	must(t, p.Stop())
	must(t, os.WriteFile(filepath.Join(p.Dir, "version"), []byte("potluck data 2\n"), 0o600))
	before := names(t, p.Dir)
	refused(ctx, t, "newer", "--data", p.Dir, "--listen", "/ip4/127.0.0.1/tcp/0")
	if after := names(t, p.Dir); !slices.Equal(before, after) {
		t.Errorf("the data directory had %v, and has %v after a refused start", before, after)
	}
	must(t, os.WriteFile(filepath.Join(p.Dir, "version"), []byte("potluck data 1\n"), 0o600))
	must(t, p.Start(ctx))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	dir := shortDir(t)
	refused(within(t, time.Minute), t, "in use", "--data", filepath.Join(dir, "n"), "--listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
}

// Names from peers and users reach a terminal without control characters.
func TestControlCharactersInNames(t *testing.T) {
	ctx := within(t, time.Minute)
	evil := "a\x1b[31m\u202eb\u0007\n"
	n := processes(t, testnet.Config{})
	p, err := n.Add(ctx, "good")
	must(t, err)
	q, err := n.Add(ctx, "friend")
	must(t, err)
	must(t, testnet.Befriend(ctx, p, q, nil))
	refused(ctx, t, "name", "--data", filepath.Join(shortDir(t), "n"), "--name", evil, "--listen", "/ip4/127.0.0.1/tcp/0")
	if _, err := p.API().Invite(ctx, api.InviteRequest{Name: evil}); err != nil && kindOf(err) != api.KindUsage {
		t.Errorf("an invite for %q: %v (kind %q), want it made or refused as usage", evil, err, kindOf(err))
	}
	path := filepath.Join(t.TempDir(), evil)
	must(t, os.WriteFile(path, randomBytes(100<<10, 1), 0o600))
	if _, err := p.API().Put(ctx, api.PutRequest{Path: path, K: 1, N: 1, Happy: 1}, nil, nil); err != nil && kindOf(err) != api.KindUsage {
		t.Errorf("put of a file called %q: %v (kind %q), want it put or refused as usage", evil, err, kindOf(err))
	}
	for _, verb := range []string{"files", "friends", "who", "invites", "log", "status"} {
		for _, mode := range [][]string{nil, {"--json"}} {
			code, printed := cli(ctx, t, append([]string{"--data", p.Dir, verb}, mode...)...)
			if code != 0 || strings.ContainsAny(printed, "\x1b\u202e\u0007") {
				t.Errorf("potluck %s %v: exit code %d, printed %q", verb, mode, code, printed)
			}
		}
	}
}

// A friend whose process is stopped, with its connections open, holds up
// neither a get nor a put for long.
func TestStalledHost(t *testing.T) {
	t.Parallel() // it waits a lot
	ctx := within(t, 3*time.Minute)
	_, all := mesh(ctx, t, testnet.Config{File: `coming = "20s"`}, "owner", "h1", "h2", "h3", "h4")
	owner, stalled := all[0], all[1]
	old := randomBytes(8*mib, 1)
	before, err := putBytes(ctx, owner, old, api.PutRequest{K: 2, N: 4, Happy: 4})
	must(t, err)
	must(t, stalled.Pause())
	start := time.Now()
	_, err = getSame(ctx, owner, before.Cap, old)
	must(t, err)
	data := randomBytes(8*mib, 2)
	after, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 4, Happy: 3})
	must(t, err)
	if took := time.Since(start); took > 45*time.Second {
		t.Errorf("a get and a put took %v with one stalled host", took)
	}
	_, err = getSame(ctx, owner, after.Cap, data)
	must(t, err)
	must(t, stalled.Resume())
	must(t, testnet.WaitConnected(ctx, owner, stalled))
	must(t, settled(ctx, 90*time.Second, all...))
}

// cutOff starts a put and calls cut once so much of it is sent. It is an error
// if the put goes well all the same.
func cutOff(ctx context.Context, owner *testnet.Process, part float64, r api.PutRequest, cut func()) error {
	done := false
	_, err := owner.API().Put(ctx, r, nil, func(p files.Progress) {
		if !done && p.Stage == "sending" && float64(p.Done) >= part*float64(p.Total) {
			done = true
			cut()
		}
	})
	if err == nil {
		return errors.New("the put went well, it should have been cut off")
	}
	if !done {
		return fmt.Errorf("the put ended before it was cut off: %w", err)
	}
	return nil
}

// repeat puts the file again, and checks that not all of it was sent again.
func repeat(ctx context.Context, t *testing.T, owner *testnet.Process, r api.PutRequest, want []byte, all []*testnet.Process) {
	t.Helper()
	result, err := owner.API().Put(ctx, r, nil, nil)
	must(t, err)
	full := potluck.Size(len(want)) * potluck.Size(r.N) / potluck.Size(r.K)
	t.Logf("the second put sent %v of %v, and found %d shares whole", result.Sent, full, result.Reused)
	if result.Sent > full*3/4 {
		t.Errorf("the second put sent %v of %v, about half was there", result.Sent, full)
	}
	_, err = getSame(ctx, owner, result.Cap, want)
	must(t, err)
	must(t, settled(ctx, 20*time.Second, all...))
}

// A put whose node is killed in mid-transfer goes on where it was.
func TestPutCutOffByKill(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	_, all := mesh(ctx, t, testnet.Config{}, "owner", "h1", "h2", "h3")
	owner := all[0]
	path, data := writeFile(t, 96*mib, 1)
	r := api.PutRequest{Path: path, K: 1, N: 3, Happy: 3}
	must(t, cutOff(ctx, owner, 0.5, r, func() {
		if err := owner.Kill(); err != nil {
			t.Error(err)
		}
	}))
	must(t, owner.Start(ctx))
	must(t, testnet.WaitConnected(ctx, owner, all[1:]...))
	repeat(ctx, t, owner, r, data, all)
}

// A put whose caller goes away in mid-transfer goes on where it was.
func TestPutCutOffByItsCaller(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	_, all := mesh(ctx, t, testnet.Config{}, "owner", "h1", "h2", "h3")
	path, data := writeFile(t, 96*mib, 1)
	r := api.PutRequest{Path: path, K: 1, N: 3, Happy: 3}
	asking, goAway := context.WithCancel(ctx)
	defer goAway()
	must(t, cutOff(asking, all[0], 0.5, r, goAway))
	repeat(ctx, t, all[0], r, data, all)
}

// SIGINT ends "potluck put" with an exit code that isn't 0, prints no cap, and
// the put can be repeated.
func TestPutInterrupted(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	_, all := mesh(ctx, t, testnet.Config{}, "owner", "h1", "h2", "h3")
	path, data := writeFile(t, 96*mib, 1)
	cmd := exec.CommandContext(ctx, program, "--data", all[0].Dir, "put", "--k", "1", "--n", "3", path)
	var out, errout strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errout
	must(t, cmd.Start())
	must(t, testnet.Poll(ctx, func() (bool, error) {
		s, err := all[1].API().Status(ctx)
		return s.Reserved > 0, err
	}))
	must(t, cmd.Process.Signal(syscall.SIGINT))
	if err := cmd.Wait(); err == nil || out.Len() > 0 || strings.Contains(errout.String(), "goroutine ") {
		t.Errorf("an interrupted put ended with %v, printed %q and %q", err, out.String(), errout.String())
	}
	result, err := all[0].API().Put(ctx, api.PutRequest{Path: path, K: 1, N: 3, Happy: 3}, nil, nil)
	must(t, err)
	_, err = getSame(ctx, all[0], result.Cap, data)
	must(t, err)
	must(t, settled(ctx, 20*time.Second, all...))
}

// What a put that never is repeated reserved is given back at the deadline.
func TestReservationsEndAtTheirDeadline(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	_, all := mesh(ctx, t, testnet.Config{File: `coming = "3s"`}, "owner", "h1", "h2")
	owner, hosts := all[0], all[1:]
	path, _ := writeFile(t, 96*mib, 1)
	must(t, cutOff(ctx, owner, 0.5, api.PutRequest{Path: path, K: 1, N: 2, Happy: 2}, func() {
		if err := owner.Kill(); err != nil {
			t.Error(err)
		}
	}))
	must(t, nothingCharged(ctx, hosts...))
	for _, h := range hosts {
		if left := incoming(t, h.Dir); len(left) > 0 {
			t.Errorf("%s has nothing reserved, and still has %v", h.Name, left)
		}
	}
}

func incoming(t *testing.T, dataDir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dataDir, "shares", "incoming"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
