package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that a test moves by hand; it also runs.
type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

// config is a small node on loopback.
func config(t *testing.T, name string) Config {
	t.Helper()
	return Config{Data: filepath.Join(t.TempDir(), name), Name: name, Offer: potluck.GiB, Floor: -1,
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Log: slog.New(slog.NewTextHandler(testWriter{t}, nil))}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(bytes.TrimSpace(p)))
	return len(p), nil
}

// start runs a node until stop is called, or the test ends.
func start(t *testing.T, c Config) (n *Node, stop func()) {
	t.Helper()
	n, err := New(t.Context(), c)
	if err != nil {
		t.Fatalf("start %s: %v", c.Name, err)
	}
	return n, run(t, n)
}

// startStaged runs a new node whose store can be exchanged.
func startStaged(t *testing.T, c Config) (n *Node, stop func()) {
	t.Helper()
	n, err := New(t.Context(), c)
	if err != nil {
		t.Fatalf("start %s: %v", c.Name, err)
	}
	n.keep.store = &stage{Store: n.store, on: n.store} // it has no friends yet: nothing uses it
	return n, run(t, n)
}

// stage is a store in front of which others can be put while its node runs.
type stage struct {
	shares.Store
	mu sync.RWMutex
	on shares.Store
}

// exchange has a node that was started staged use another store.
func exchange(n *Node, s shares.Store) {
	on := n.keep.store.(*stage)
	on.mu.Lock()
	defer on.mu.Unlock()
	on.on = s
}

func (s *stage) now() shares.Store {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.on
}

func (s *stage) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	return s.now().Create(ctx, h)
}
func (s *stage) Open(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	return s.now().Open(ctx, id)
}
func (s *stage) Delete(ctx context.Context, id potluck.ShareID) error { return s.now().Delete(ctx, id) }
func (s *stage) SetAside(ctx context.Context, id potluck.ShareID) error {
	return s.now().SetAside(ctx, id)
}
func (s *stage) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	return s.now().Stat(ctx, id)
}

func run(t *testing.T, n *Node) (stop func()) {
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()
	stop = sync.OnceFunc(func() {
		if err := errors.Join(n.Close(), <-done); err != nil {
			t.Errorf("stop %s: %v", n.config.Name, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// befriend makes b accept an invite of a.
func befriend(t *testing.T, a, b *Node) {
	t.Helper()
	i, err := a.Invite(t.Context(), InviteRequest{})
	if err != nil {
		t.Fatalf("invite: %v", err)
	}
	if _, err := b.Join(t.Context(), JoinRequest{Link: i.Link}); err != nil {
		t.Fatalf("join: %v", err)
	}
}

// pair is an owner and a host that are friends; the host's store can be exchanged.
func pair(t *testing.T) (owner, host *Node) {
	t.Helper()
	owner, _ = start(t, config(t, "owner"))
	host, _ = startStaged(t, config(t, "host"))
	befriend(t, host, owner)
	return owner, host
}

// content is a share with all that belongs to it.
type content struct {
	index                potluck.StorageIndex
	layout               potluck.Layout
	data                 []byte
	manifest, crosscheck []byte
	root                 potluck.Digest
}

func (c content) id() potluck.ShareID { return potluck.ShareID{Index: c.index} }

// makeContent makes the one share of a 1-of-1 file of random bytes.
func makeContent(t *testing.T, size potluck.Size) content {
	t.Helper()
	l, err := shares.NewLayout(1, 1, size)
	if err != nil {
		t.Fatal(err)
	}
	c := content{layout: l, data: random(t, int(size)), crosscheck: random(t, int(shares.CrosscheckLen(l)))}
	copy(c.index[:], random(t, len(c.index)))
	h := shares.NewHasher(size)
	h.Write(c.data)
	c.root = h.Sum()
	c.manifest = shares.Manifest{Layout: l, Index: c.index, Roots: []potluck.Digest{c.root}, Crosscheck: shares.Sum(c.crosscheck)}.Marshal()
	return c
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// allocate reserves the share at host.
func (c content) allocate(ctx context.Context, owner, host *Node) (p2p.Grant, error) {
	a, err := owner.host.Allocate(ctx, host.self, p2p.AllocateRequest{Index: c.index, Layout: c.layout, Numbers: []potluck.ShareNumber{0}})
	if err != nil {
		return p2p.Grant{}, err
	}
	return a.Grants[0], nil
}

// begin opens the sending from an offset.
func (c content) begin(ctx context.Context, owner, host *Node, offset potluck.Size) (*p2p.Writer, error) {
	return owner.host.Write(ctx, host.self, p2p.WriteRequest{Index: c.index, Layout: c.layout, Offset: offset,
		Length: potluck.Size(len(c.data)) - offset, Manifest: potluck.Size(len(c.manifest)), Crosscheck: potluck.Size(len(c.crosscheck))})
}

// write sends all from an offset on, and checks the receipt.
func (c content) write(t *testing.T, owner, host *Node, offset potluck.Size) error {
	t.Helper()
	w, err := c.begin(t.Context(), owner, host, offset)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{c.data[offset:], c.manifest, c.crosscheck} {
		if _, err := w.Write(part); err != nil {
			w.Abort()
			return err
		}
	}
	a, err := w.Finish(t.Context())
	if err != nil {
		return err
	}
	r, err := p2p.OpenReceipt(a.Receipt)
	if err != nil {
		t.Fatalf("receipt: %v", err)
	}
	if r.Host != host.self || r.Owner != owner.self || r.Share != c.id() || r.Root != c.root ||
		r.Manifest != shares.Sum(c.manifest) || r.Charge != shares.Charge(c.layout) || r.Layout != c.layout {
		t.Fatalf("the receipt says %+v", r)
	}
	return nil
}

// put allocates and writes.
func (c content) put(t *testing.T, owner, host *Node) {
	t.Helper()
	g, err := c.allocate(t.Context(), owner, host)
	if err != nil {
		t.Fatalf("allocate: %v", err)
	}
	if g.State == p2p.GrantHeld {
		return
	}
	if err := c.write(t, owner, host, g.Offset); err != nil {
		t.Fatalf("write from %d: %v", g.Offset, err)
	}
}

// checkRead reads all of the share and compares it.
func (c content) checkRead(t *testing.T, owner, host *Node) {
	t.Helper()
	_, body, err := owner.host.Read(t.Context(), host.self, p2p.ReadRequest{Index: c.index, Part: p2p.PartData, Length: potluck.Size(len(c.data))})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	defer body.Close()
	var got bytes.Buffer
	size := potluck.Size(len(c.data))
	if err := shares.VerifySlice(&got, body, size, 0, size, c.root); err != nil {
		t.Fatalf("read: %v", err)
	}
	if !bytes.Equal(got.Bytes(), c.data) {
		t.Fatal("other bytes were read than were written")
	}
	for part, want := range map[p2p.Part][]byte{p2p.PartManifest: c.manifest, p2p.PartCrosscheck: c.crosscheck} {
		_, body, err := owner.host.Read(t.Context(), host.self, p2p.ReadRequest{Index: c.index, Part: part})
		if err != nil {
			t.Fatalf("read part %d: %v", part, err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("part %d: %d bytes, %v, want the %d that were written", part, len(got), err, len(want))
		}
	}
}

// clean fails the test unless books and store agree, and gives the report.
func clean(t *testing.T, n *Node) CheckReport {
	t.Helper()
	r, err := n.Check(t.Context())
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	if !r.Clean {
		t.Fatalf("the check found %q and %q", r.Books.Problems, r.Store.Problems)
	}
	return r
}

// wantHeld fails the test unless host holds and reserves so much for owner.
func wantHeld(t *testing.T, host, owner *Node, held, reserved potluck.Size) {
	t.Helper()
	u, err := host.book.Usage(t.Context(), owner.self)
	if err != nil {
		t.Fatal(err)
	}
	if u.Held != held || u.Reserved != reserved {
		t.Fatalf("held %d and reserved %d, want %d and %d", u.Held, u.Reserved, held, reserved)
	}
}
