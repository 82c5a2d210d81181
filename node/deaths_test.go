package node

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// camera takes an image of a node's data directory, as a kill would leave it,
// before every commit of its books and around every step of its store: of each
// step that one not done, and that one done and not told. An image like the one
// before is left out.
type camera struct {
	t    *testing.T
	data string

	mu    sync.Mutex
	ready bool // what is done from now on is looked at
	done  bool // what is done was acknowledged
	last  [32]byte
	shots []shot
}

// shot is one image.
type shot struct {
	step  string
	data  string // the image
	acked bool   // the flow had been acknowledged
}

// now is the clock of the camera's node. The books ask for the time before each
// operation, from the goroutine that alone writes to them.
func (c *camera) now() time.Time {
	if callers := make([]uintptr, 16); c.isReady() {
		frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.HasSuffix(f.Function, "ledger.(*Book).execute") {
				c.shoot("an operation of the books")
				break
			}
		}
	}
	return time.Now()
}

func (c *camera) isReady() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

// turn begins, or goes on after the acknowledgement.
func (c *camera) turn(acked bool) {
	c.mu.Lock()
	c.ready, c.done = true, acked
	c.mu.Unlock()
	if acked {
		c.shoot("the acknowledgement")
	}
}

func (c *camera) shoot(step string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ready {
		return
	}
	if sum := fingerprint(c.t, c.data); sum != c.last || c.done {
		c.last = sum
		c.shots = append(c.shots, shot{step, clone(c.t, c.data), c.done})
	}
}

// fingerprint is a digest of all that a directory holds, but for the marks of the
// last stop and the log.
func fingerprint(t *testing.T, dir string) (sum [32]byte) {
	h := blake3.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "head" || strings.HasSuffix(path, ".log") {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintln(h, path, len(b))
		h.Write(b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	h.Sum(sum[:0])
	return sum
}

// flow is something that a host does with one share in steps, any of which may
// be its last.
type flow struct {
	name    string
	size    potluck.Size
	before  bool // the share is held when it begins
	after   bool // and when it is over
	damage  bool // it is lost or spoilt meanwhile: checks find that until the flow is over
	run     func(t *testing.T, owner, host *Node, c content) error
	atLeast int // so many different images, or the test proves little
}

func flows() []flow {
	cancel := func(t *testing.T, owner, host *Node, c content) error {
		_, err := owner.host.Cancel(t.Context(), host.self, p2p.CancelRequest{Shares: []potluck.ShareID{c.id()}})
		return err
	}
	evict := func(t *testing.T, owner, host *Node, _ content) error {
		a, err := host.Resolve(t.Context(), owner.self.String())
		if err == nil {
			_, err = host.Evict(t.Context(), a, false)
		}
		return err
	}
	store := func(t *testing.T, owner, host *Node, c content) error {
		_, err := c.store(t, owner, host)
		return err
	}
	write := func(t *testing.T, owner, host *Node, c content) error {
		g, err := c.allocate(t.Context(), owner, host)
		if err != nil || g.State == p2p.GrantHeld {
			return err
		}
		return c.write(t, owner, host, g.Offset)
	}
	return append([]flow{
		{"write", 700 << 10, false, true, false, write, 5},
		{"write of a small share", 9 << 10, false, true, false, store, 3},
		{"cancel", 700 << 10, true, false, false, cancel, 3},
		{"eviction", 9 << 10, true, false, false, evict, 3},
	}, repairFlows()...)
}

// renewal is the one flow that makes no call of the store.
func renewal() flow {
	return flow{"renewal", 9 << 10, true, true, false, func(t *testing.T, owner, host *Node, _ content) error {
		_, err := owner.host.Renew(t.Context(), host.self, p2p.RenewRequest{Until: time.Now().Add(100 * 24 * time.Hour).Unix()})
		return err
	}, 2}
}

// content makes the share of a flow.
func (f flow) content(t *testing.T) content {
	c := makeContent(t, f.size)
	c.crosscheck = c.crosscheck[:shares.CrosscheckLen(c.layout)]
	return c
}

// must runs the flow, which nothing hinders.
func (f flow) must(t *testing.T, owner, host *Node, c content) {
	t.Helper()
	var err error
	eventually(t, "the host isn't busy with the share", func() bool { // it may be looking at it after its start
		err = f.run(t, owner, host, c)
		return p2p.CodeOf(err) != p2p.CodeBusy
	})
	if err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
}

// A host is killed at every step of a write, a cancel and an eviction, with the
// step not done and with it done and not told. What was acknowledged stands; what
// wasn't can be ended or begun anew; the books are right and equal the store.
func TestDeathsAtEveryStep(t *testing.T) {
	for _, f := range append(flows(), renewal()) {
		t.Run(f.name, func(t *testing.T) {
			c := f.content(t)
			owner, _ := start(t, config(t, "owner"))
			hostConfig := config(t, "host")
			film := &camera{t: t, data: hostConfig.Data}
			hostConfig.Clock = film.now
			host, stop := startStaged(t, hostConfig)
			befriend(t, host, owner)
			exchange(host, tapped{host.store, film.shoot})
			if f.before {
				c.put(t, owner, host)
			}
			film.turn(false)
			f.must(t, owner, host, c)
			film.turn(true)
			stop()
			if len(film.shots) < f.atLeast {
				t.Fatalf("only %d images of the flow, want %d at least: the matrix has holes", len(film.shots), f.atLeast)
			}
			for i, s := range film.shots {
				t.Run(fmt.Sprintf("%d %s", i, s.step), func(t *testing.T) { f.afterDeath(t, owner, hostConfig, s, c) })
			}
		})
	}
}

// afterDeath starts the host from an image, and holds it against what was
// acknowledged.
func (f flow) afterDeath(t *testing.T, owner *Node, hostConfig Config, s shot, c content) {
	var time clock
	hostConfig.Data, hostConfig.Clock = s.data, time.now
	host, _ := start(t, hostConfig)
	reunite(t, owner, host)
	if !f.damage {
		clean(t, host)
	}
	if s.acked {
		f.wantAfter(t, owner, host, c)
	}
	f.must(t, owner, host, c) // it is begun anew, or repeated
	f.wantAfter(t, owner, host, c)
	clean(t, host)
}

// wantAfter fails the test unless all is as it must be after the flow.
func (f flow) wantAfter(t *testing.T, owner, host *Node, c content) {
	t.Helper()
	if f.after {
		wantHeld(t, host, owner, shares.Charge(c.layout), 0)
		c.checkRead(t, owner, host)
		return
	}
	wantHeld(t, host, owner, 0, 0)
	if r := clean(t, host); r.Books.Shares != 0 || r.Store.Shares != 0 {
		t.Fatalf("something is left: %+v", r)
	}
}

// A host is killed at every step of a write, and its owner never comes back:
// what wasn't acknowledged costs nobody anything after a while.
func TestDeathsOfAbandonedWrites(t *testing.T) {
	for _, f := range flows()[:2] {
		t.Run(f.name, func(t *testing.T) {
			c := f.content(t)
			owner, _ := start(t, config(t, "owner"))
			hostConfig := config(t, "host")
			film := &camera{t: t, data: hostConfig.Data}
			hostConfig.Clock = film.now
			host, stop := startStaged(t, hostConfig)
			befriend(t, host, owner)
			exchange(host, tapped{host.store, film.shoot})
			film.turn(false)
			f.must(t, owner, host, c)
			stop()
			for i, s := range film.shots {
				t.Run(fmt.Sprintf("%d %s", i, s.step), func(t *testing.T) {
					var time clock
					time.forward(hostConfig.Coming + defaultComing + 2e9)
					hostConfig.Data, hostConfig.Clock = s.data, time.now
					host, _ := start(t, hostConfig)
					for range 2 { // the first sees a clock that jumped, and ends nothing
						if err := host.tend.sweeping.TriggerWait(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					if r := clean(t, host); r.Books.Shares != r.Store.Shares || r.Books.Reserved != 0 {
						t.Fatalf("something is left: %+v", r)
					}
				})
			}
		})
	}
}

// reunite connects an owner to a host that was started again, by a connection of
// this life.
func reunite(t *testing.T, owner, host *Node) {
	t.Helper()
	owner.host.Disconnect(host.self)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := owner.host.Connect(ctx, host.self, host.host.Addrs()); err != nil {
		t.Fatalf("reach the host again: %v", err)
	}
	eventually(t, "they are connected", func() bool { return owner.host.Connected(host.self) && host.host.Connected(owner.self) })
}
