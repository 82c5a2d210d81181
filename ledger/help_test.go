package ledger

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"potluck"
)

// TestMain runs a child of the tests that kill it, or the tests with an eye on
// goroutines.
func TestMain(m *testing.M) {
	if runCrashChild() || runFlipChild() {
		return
	}
	// Each walk of a model opens real books; -rapid.checks asks for another number.
	if os.Getenv("POTLUCK_LONG") == "" {
		if err := flag.Set("rapid.checks", "50"); err != nil {
			panic(err)
		}
	}
	// klog's and ristretto's goroutines begin with their packages and never end.
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

func config(dir string, c *clock) Config {
	return Config{Self: self, Dir: dir, Clock: c.now, Log: slog.New(slog.DiscardHandler)}
}

// openBook opens books that are closed with the test, checked first.
func openBook(t testing.TB, dir string, c *clock) *Book {
	t.Helper()
	b, err := Open(t.Context(), config(dir, c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// newBooks gives new books and their clock.
func newBooks(t testing.TB) (*Book, *clock) {
	t.Helper()
	c := newClock()
	return openBook(t, t.TempDir(), c), c
}

func clean(t testing.TB, b *Book) Report {
	t.Helper()
	r, err := b.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error("check: ", p)
	}
	return r
}

const (
	self  = peer.ID("self")
	alice = peer.ID("alice")
	bob   = peer.ID("bob")
	carol = peer.ID("carol")
)

// roomy is a node with more room than any test asks for.
var roomy = Room{Offered: potluck.TiB, Disk: potluck.TiB}

var layout = potluck.Layout{Suite: potluck.SuiteOne, K: 3, N: 10, Block: 1 << 18, Size: 1 << 20}

func shareID(file, number int) potluck.ShareID {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", file))
	return potluck.ShareID{Index: potluck.StorageIndex(sum[:16]), Number: potluck.ShareNumber(number)}
}

func digest(n int) potluck.Digest { return sha256.Sum256(fmt.Appendf(nil, "digest %d", n)) }

func befriend(t testing.TB, b *Book, peers ...peer.ID) {
	t.Helper()
	for _, p := range peers {
		if err := b.Befriend(t.Context(), Account{Peer: p, Name: string(p), Terms: DefaultTerms()}); err != nil {
			t.Fatal(err)
		}
	}
}

func reservation(c *clock, id potluck.ShareID, charge potluck.Size) Reservation {
	return Reservation{Share: id, Layout: layout, Charge: charge, Until: c.now().Add(30 * time.Minute)}
}

// hold reserves and commits one share.
func hold(t testing.TB, b *Book, c *clock, owner peer.ID, id potluck.ShareID, charge potluck.Size) {
	t.Helper()
	if _, err := b.Reserve(t.Context(), owner, roomy, []Reservation{reservation(c, id, charge)}); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(t.Context(), owner, id, digest(1), digest(2)); err != nil {
		t.Fatal(err)
	}
}

func usageOf(t testing.TB, b *Book, p peer.ID) Usage {
	t.Helper()
	u, err := b.Usage(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	u.Newest = 0
	return u
}
