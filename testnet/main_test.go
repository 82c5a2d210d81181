package testnet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/testnet"
)

// program is where the potluck program that the tests of processes run is
// built, without the race detector, by the first test that needs it.
var (
	program string
	build   sync.Once
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "potluck-testnet-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "potluck")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func buildProgram(t *testing.T) {
	t.Helper()
	build.Do(func() {
		if out, err := exec.Command("go", "build", "-o", program, "potluck/cmd/potluck").CombinedOutput(); err != nil {
			t.Errorf("build the program under test: %v\n%s", err, out)
		}
	})
	if _, err := os.Stat(program); err != nil {
		t.Fatal("there is no program to test")
	}
}

// within gives a context that ends after d, or with the test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// shortDir gives a folder with a short path: a unix socket's path has at most
// about a hundred bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tn-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// processes makes a net of processes that is closed with the test.
func processes(t *testing.T, c testnet.Config) *testnet.Processes {
	t.Helper()
	buildProgram(t)
	c.Program = program
	if c.Dir == "" {
		c.Dir = shortDir(t)
	}
	n, err := testnet.NewProcesses(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, p := range n.All() {
				t.Logf("log of %s ends with:\n%s", p.Name, p.LogTail(6000))
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// mesh starts one process for each name, and makes all of them friends.
func mesh(ctx context.Context, t *testing.T, c testnet.Config, names ...string) (*testnet.Processes, []*testnet.Process) {
	t.Helper()
	n := processes(t, c)
	all, err := n.AddAll(ctx, names...)
	must(t, err)
	must(t, testnet.Mesh(ctx, nil, all...))
	return n, all
}

// tell runs a story in this process.
func tell(t *testing.T, c testnet.Local, story func(context.Context, *testnet.Net) error) {
	t.Helper()
	if c.Dir == "" {
		c.Dir = shortDir(t)
	}
	if err := testnet.Run(within(t, 2*time.Minute), c, story); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// randomBytes gives n bytes that follow from the seed.
func randomBytes(n int, seed uint64) []byte {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// writeFile makes a file of random bytes in a new folder.
func writeFile(t *testing.T, n int, seed uint64) (path string, data []byte) {
	t.Helper()
	data = randomBytes(n, seed)
	path = filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, data, 0o600))
	return path, data
}

// putBytes puts data from memory.
func putBytes(ctx context.Context, n testnet.Node, data []byte, r api.PutRequest) (files.PutResult, error) {
	result, err := n.API().Put(ctx, r, bytes.NewReader(data), nil)
	if err != nil {
		return result, fmt.Errorf("%s puts %d bytes: %w", n.Label(), len(data), err)
	}
	return result, nil
}

// getSame gets a file, and compares it with what it must be.
func getSame(ctx context.Context, n testnet.Node, capText string, want []byte) (files.GetResult, error) {
	var got bytes.Buffer
	result, err := n.API().Get(ctx, api.GetRequest{Cap: capText}, &got, nil)
	if err != nil {
		return result, fmt.Errorf("%s gets %d bytes: %w", n.Label(), len(want), err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		return result, fmt.Errorf("%s got %d bytes with sha256 %x, want %d with %x", n.Label(),
			got.Len(), sha256.Sum256(got.Bytes()), len(want), sha256.Sum256(want))
	}
	return result, nil
}

// nothingCharged waits until none of the nodes holds or reserves anything for
// anybody.
func nothingCharged[N testnet.Node](ctx context.Context, nodes ...N) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, n := range nodes {
		var s api.Status
		err := testnet.Poll(ctx, func() (done bool, err error) {
			s, err = n.API().Status(ctx)
			return s.Held == 0 && s.Reserved == 0, err
		})
		if err != nil {
			return fmt.Errorf("%s still holds %v and reserves %v: %w", n.Label(), s.Held, s.Reserved, err)
		}
	}
	return nil
}

// settled waits until the invariants hold: what was cut off is cleaned up by
// loops of the nodes.
func settled[N testnet.Node](ctx context.Context, wait time.Duration, nodes ...N) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var last error
	if err := testnet.Poll(ctx, func() (bool, error) {
		if err := testnet.Check(ctx, nodes...); err != nil {
			if ctx.Err() == nil {
				last = err
			}
			return false, nil
		}
		return true, nil
	}); err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}

// kindOf gives the kind of an API error, or "".
func kindOf(err error) api.Kind {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

const mib = int(potluck.MiB)
