package node

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// clone copies a data directory as a kill would leave it: what was written is
// there, nothing was closed. A copy of one moment it is only if no loop of the node
// wrote into the books meanwhile; else it is made again.
func clone(t *testing.T, from string) string {
	t.Helper()
	head := func() string {
		b, err := os.ReadFile(filepath.Join(from, "ledger", "head"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for range 50 {
		before := head()
		to := copyAll(t, from)
		if head() == before {
			return to
		}
	}
	t.Fatal("the books are never quiet")
	return ""
}

func copyAll(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "clone")
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// tapped is a store that calls tap at a step.
type tapped struct {
	shares.Store
	tap func(step string)
}

func (s tapped) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	in, err := s.Store.Create(ctx, h)
	s.tap("create")
	return tappedIncoming{in, s.tap}, err
}

func (s tapped) Delete(ctx context.Context, id potluck.ShareID) error {
	s.tap("before delete")
	err := s.Store.Delete(ctx, id)
	s.tap("delete")
	return err
}

func (s tapped) SetAside(ctx context.Context, id potluck.ShareID) error {
	err := s.Store.SetAside(ctx, id)
	s.tap("set aside")
	return err
}

type tappedIncoming struct {
	shares.Incoming
	tap func(string)
}

func (in tappedIncoming) Write(p []byte) (int, error) {
	n, err := in.Incoming.Write(p)
	in.tap("partial write")
	return n, err
}

func (in tappedIncoming) Commit(ctx context.Context, manifest, crosscheck []byte) (shares.Header, error) {
	in.tap("before commit")
	h, err := in.Incoming.Commit(ctx, manifest, crosscheck)
	in.tap("store commit")
	return h, err
}

// dead is a host that died: what a kill at one step left, not started yet.
type dead struct {
	owner  *Node
	config Config
	clock  *clock
	c      content
}

// die lets an owner put a share at a host (and cancel it, when the step is of
// that), and gives the host as it was at the step.
func die(t *testing.T, step string) dead {
	t.Helper()
	d := dead{clock: new(clock), c: makeContent(t, 700<<10)}
	d.owner, _ = start(t, config(t, "owner"))
	d.config = config(t, "host")
	d.config.Clock = d.clock.now
	host, stop := startStaged(t, d.config)
	befriend(t, host, d.owner)
	copied := ""
	at := func(s string) {
		if s == step && copied == "" {
			copied = clone(t, d.config.Data)
		}
	}
	exchange(host, tapped{host.store, at})
	if _, err := d.c.allocate(t.Context(), d.owner, host); err != nil {
		t.Fatal(err)
	}
	at("reserve")
	if err := d.c.write(t, d.owner, host, 0); err != nil {
		t.Fatal(err)
	}
	at("receipt")
	if strings.Contains(step, "delete") {
		if _, err := d.owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{d.c.id()}}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if copied == "" {
		t.Fatalf("there is no step %q", step)
	}
	d.config.Data = copied
	return d
}

// revive starts the host again and lets the owner find it.
func (d dead) revive(t *testing.T) *Node {
	t.Helper()
	host, _ := start(t, d.config)
	if err := d.owner.host.Connect(t.Context(), host.self, host.host.Addrs()); err != nil {
		t.Fatalf("reach the host again: %v", err)
	}
	return host
}

var stepsOfWrite = []string{"reserve", "create", "partial write", "before commit", "store commit", "receipt"}

func TestOwnerGoesOnAfterADeath(t *testing.T) {
	for _, step := range stepsOfWrite {
		t.Run(step, func(t *testing.T) {
			d := die(t, step)
			host := d.revive(t)
			charge := shares.Charge(d.c.layout)
			if step == "receipt" { // it was acknowledged
				wantHeld(t, host, d.owner, charge, 0)
			} else {
				wantHeld(t, host, d.owner, 0, charge)
			}
			clean(t, host)
			g, err := d.c.allocate(t.Context(), d.owner, host)
			if err != nil {
				t.Fatalf("allocate again: %v", err)
			}
			if complete := slices.Contains([]string{"before commit", "store commit", "receipt"}, step); complete != (g.Offset == potluck.Size(len(d.c.data))) {
				t.Errorf("granted from %d of %d", g.Offset, len(d.c.data))
			}
			if err := d.c.write(t, d.owner, host, g.Offset); err != nil {
				t.Fatalf("write from %d: %v", g.Offset, err)
			}
			wantHeld(t, host, d.owner, charge, 0)
			d.c.checkRead(t, d.owner, host)
			clean(t, host)
		})
	}
}

func TestOwnerNeverComesBackAfterADeath(t *testing.T) {
	for _, step := range stepsOfWrite {
		t.Run(step, func(t *testing.T) {
			d := die(t, step)
			d.clock.forward(d.config.Coming + defaultComing + 2e9)
			host := d.revive(t)
			for range 2 { // the first sees a clock that jumped, and ends nothing
				if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if step == "receipt" {
				wantHeld(t, host, d.owner, shares.Charge(d.c.layout), 0)
				d.c.checkRead(t, d.owner, host)
			} else {
				wantHeld(t, host, d.owner, 0, 0)
				if _, err := host.store.Stat(t.Context(), d.c.id()); err == nil {
					t.Error("the bytes are still here, and nobody is charged for them")
				}
			}
			clean(t, host)
		})
	}
}

func TestCancelIsFinishedAfterADeath(t *testing.T) {
	for _, step := range []string{"before delete", "delete"} {
		t.Run(step, func(t *testing.T) {
			d := die(t, step)
			host := d.revive(t)
			wantHeld(t, host, d.owner, 0, 0)
			if r := clean(t, host); r.Store.Shares != 0 || r.Books.Shares != 0 {
				t.Fatalf("something is left: %+v", r)
			}
			d.c.put(t, d.owner, host)
			d.c.checkRead(t, d.owner, host)
		})
	}
}

// failing is a store whose syncs fail.
type failing struct{ shares.Store }

func (s failing) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	in, err := s.Store.Create(ctx, h)
	return failingIncoming{in}, err
}

type failingIncoming struct{ shares.Incoming }

func (in failingIncoming) Commit(context.Context, []byte, []byte) (shares.Header, error) {
	_ = in.Incoming.Abort() // the disk is as it may be
	return shares.Header{}, shares.ErrFailed
}

func TestFailedSyncEndsTheNode(t *testing.T) {
	owner, _ := start(t, config(t, "owner"))
	host, err := New(t.Context(), config(t, "host"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	host.keep.store = failing{host.store}
	go func() { done <- host.Run(t.Context()) }()
	befriend(t, host, owner)
	c := makeContent(t, 1000)
	if _, err := c.allocate(t.Context(), owner, host); err != nil {
		t.Fatal(err)
	}
	if err := c.write(t, owner, host, 0); err == nil {
		t.Fatal("a share was acknowledged though its sync failed")
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "check the disk") {
		t.Fatalf("the node ended with %v, want the failure", err)
	}
}

// full is a store without room.
type full struct{ shares.Store }

func (s full) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	in, err := s.Store.Create(ctx, h)
	return fullIncoming{in}, err
}

type fullIncoming struct{ shares.Incoming }

func (fullIncoming) Write([]byte) (int, error) { return 0, shares.ErrFull }

func TestFullDiskIsARefusal(t *testing.T) {
	owner, host := pair(t)
	exchange(host, full{host.store})
	c := makeContent(t, 100<<10)
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil {
		t.Fatal(err)
	}
	err = c.write(t, owner, host, g.Offset)
	if !isRefusal(err) || p2p.CodeOf(err) != p2p.Code(potluck.CodeNoRoom) || !strings.Contains(err.Error(), "cure") {
		t.Fatalf("got %v, want a refusal for room with a cure", err)
	}
	wantHeld(t, host, owner, 0, 0)
	if r := clean(t, host); r.Books.Shares != 0 {
		t.Fatalf("a row is left: %+v", r)
	}
}
