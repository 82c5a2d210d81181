package node

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// fileOf is where the bytes of a share lie.
func fileOf(n *Node, id potluck.ShareID) string {
	return filepath.Join(n.Data(), "shares", hex.EncodeToString(id.Index[:1]), nameOf(id))
}

func nameOf(id potluck.ShareID) string {
	return id.Index.String() + "." + strconv.Itoa(int(id.Number))
}

// flipBit changes the bytes of a share beneath a node.
func flipBit(t *testing.T, n *Node, id potluck.ShareID, at int64) {
	t.Helper()
	f, err := os.OpenFile(fileOf(n, id), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func crawled(t *testing.T, n *Node, read bool) CrawlReport {
	t.Helper()
	r, err := n.Crawl(t.Context(), read)
	if err != nil {
		t.Fatalf("crawl: %v", err)
	}
	return r
}

// stateOf gives the state of a share's row; noRow: there is none.
func stateOf(t *testing.T, n *Node, id potluck.ShareID) ledger.ShareState {
	t.Helper()
	p, err := n.twinOf(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p.state()
}

// placedOf gives the placement of the only share that owner has at host.
func placedOf(t *testing.T, owner, host *Node) (p ledger.Placement) {
	t.Helper()
	err := owner.book.PlacementsAt(t.Context(), host.self, func(x ledger.Placement) error { p = x; return nil })
	if err != nil || p.Host == "" {
		t.Fatalf("placement: %+v, %v", p, err)
	}
	return p
}

// hasShareEvent tells whether there is an event of a kind about a share, with a reason.
func hasShareEvent(t *testing.T, n *Node, kind string, id potluck.ShareID) bool {
	t.Helper()
	events, err := n.Events(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(events, func(e Event) bool {
		return e.Kind == kind && e.Share != nil && *e.Share == id && e.Reason != ""
	})
}

// must fails the test if a step of its preparation did.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCrawlFindsEveryFault: whatever is done to a share's file, the crawl finds
// it, writes it down, and the owner counts it no longer.
func TestCrawlFindsEveryFault(t *testing.T) {
	for _, c := range []struct {
		what  string
		size  potluck.Size
		read  bool // only reading all of it shows the fault
		harm  func(t *testing.T, file string, n *Node, id potluck.ShareID)
		state ledger.ShareState
	}{
		{"deleted", 1000, false, func(t *testing.T, file string, _ *Node, _ potluck.ShareID) { must(t, os.Remove(file)) }, ledger.ShareLost},
		{"cut short", 1000, false, func(t *testing.T, file string, _ *Node, _ potluck.ShareID) { must(t, os.Truncate(file, 700)) }, ledger.ShareCorrupt},
		{"emptied", 1000, false, func(t *testing.T, file string, _ *Node, _ potluck.ShareID) { must(t, os.Truncate(file, 0)) }, ledger.ShareCorrupt},
		{"header changed", 1000, false, func(t *testing.T, _ string, n *Node, id potluck.ShareID) { flipBit(t, n, id, 100) }, ledger.ShareCorrupt},
		{"data changed", 1000, true, func(t *testing.T, _ string, n *Node, id potluck.ShareID) { flipBit(t, n, id, shares.HeaderLen+500) }, ledger.ShareCorrupt},
		{"much data changed", 300_000, true, func(t *testing.T, _ string, n *Node, id potluck.ShareID) { flipBit(t, n, id, shares.HeaderLen+250_000) }, ledger.ShareCorrupt},
		{"another file of the same size", 1000, false, func(t *testing.T, file string, _ *Node, _ potluck.ShareID) {
			fi, err := os.Stat(file)
			must(t, err)
			must(t, os.WriteFile(file, random(t, int(fi.Size())), 0o600))
		}, ledger.ShareCorrupt},
		{"another share", 1000, false, anotherShare, ledger.ShareCorrupt},
		{"a link to itself elsewhere", 1000, false, func(t *testing.T, file string, n *Node, _ potluck.ShareID) {
			away := filepath.Join(n.Data(), "away")
			must(t, errors.Join(os.Rename(file, away), os.Symlink(away, file)))
		}, ledger.ShareCorrupt},
		{"a directory", 1000, false, func(t *testing.T, file string, _ *Node, _ potluck.ShareID) {
			must(t, errors.Join(os.Remove(file), os.Mkdir(file, 0o700)))
		}, ledger.ShareCorrupt},
	} {
		t.Run(c.what, func(t *testing.T) {
			owner, host := pair(t)
			store(t, owner, host, c.size)
			id := placedOf(t, owner, host).Share
			if r := crawled(t, host, true); r.faults() != 0 || r.Shares != 1 || r.Read != 1 {
				t.Fatalf("before: %+v", r)
			}
			c.harm(t, fileOf(host, id), host, id)
			if r, err := host.CheckBytes(t.Context()); err != nil || len(r.Store.Problems) != 1 {
				t.Fatalf("check: %+v, %v, want one problem", r.Store, err)
			}
			if r := crawled(t, host, false); (r.faults() == 0) != c.read {
				t.Fatalf("crawl: %+v, only reading shows it: %v", r, c.read)
			}
			r := crawled(t, host, true)
			if c.read && (r.faults() != 1 || len(r.Findings) != 1) {
				t.Fatalf("crawl that reads: %+v", r)
			}
			if got := stateOf(t, host, id); got != c.state {
				t.Fatalf("the row is %v, want %v", got, c.state)
			}
			kind := map[ledger.ShareState]string{ledger.ShareLost: ledger.KindLost, ledger.ShareCorrupt: ledger.KindCorrupt}[c.state]
			if !hasShareEvent(t, host, kind, id) {
				t.Errorf("no event %q with a reason", kind)
			}
			eventually(t, "the owner knows", func() bool { return placedOf(t, owner, host).State == ledger.PlacedLost })
			if !hasShareEvent(t, owner, ledger.KindPlacedLost, id) {
				t.Error("the owner has no event with a reason")
			}
			if r := crawled(t, host, true); r.faults() != 0 {
				t.Errorf("once more: %+v, want nothing new", r)
			}
		})
	}
}

// anotherShare puts a whole share of the same size, but with other bytes.
func anotherShare(t *testing.T, file string, n *Node, id potluck.ShareID) {
	row, err := n.book.Share(t.Context(), id)
	must(t, err)
	must(t, os.Remove(file))
	c := makeContent(t, row.Layout.Size)
	c.index = id.Index
	c.manifest = shares.Manifest{Layout: c.layout, Index: c.index, Roots: []potluck.Digest{c.root}, Crosscheck: shares.Sum(c.crosscheck)}.Marshal()
	lay(t, n, c, [32]byte{1})
}

// lay puts a share into a node's store, that the books don't know.
func lay(t *testing.T, n *Node, c content, owner [32]byte) {
	t.Helper()
	in, err := n.store.Create(t.Context(), shares.Header{ID: c.id(), Layout: c.layout, Owner: owner, Created: 1_700_000_000})
	must(t, err)
	_, err = in.Write(c.data)
	must(t, err)
	_, err = in.Commit(t.Context(), c.manifest, c.crosscheck)
	must(t, err)
}

func keyOf(t *testing.T, p peer.ID) (raw [32]byte) {
	t.Helper()
	h, err := header(ledger.ShareRow{}, p)
	must(t, err)
	return h.Owner
}

// TestBytesWithoutARow: they are adopted for whom their header names, or set
// aside when they are no share. Nothing is deleted.
func TestBytesWithoutARow(t *testing.T) {
	owner, host := pair(t)
	known, stranger, wreck := makeContent(t, 1000), makeContent(t, 2000), makeContent(t, 10)
	lay(t, host, known, keyOf(t, owner.self))
	lay(t, host, stranger, [32]byte{})
	must(t, os.WriteFile(fileOf(host, wreck.id()), []byte("no share"), 0o600))
	if r, err := host.Check(t.Context()); err != nil || len(r.Store.Problems) != 3 {
		t.Fatalf("check: %+v, %v, want three problems", r.Store, err)
	}
	r := crawled(t, host, false)
	if r.Adopted != 2 || r.SetAside != 1 || r.faults() != 3 {
		t.Fatalf("crawl: %+v", r)
	}
	clean(t, host)
	row, err := host.book.Share(t.Context(), known.id())
	if err != nil || row.State != ledger.ShareStable || row.Root != known.root || row.Created != 1_700_000_000 || leaseOf(row, owner.self) == nil {
		t.Errorf("the owner's share is %+v, %v", row, err)
	}
	wantHeld(t, host, owner, shares.Charge(known.layout), 0)
	row, err = host.book.Share(t.Context(), stranger.id())
	now := host.config.Clock().Unix()
	if l := leaseOf(row, ledger.Anonymous); err != nil || l == nil || l.Until < now+59*24*3600 || l.Until > now+61*24*3600 {
		t.Errorf("the stranger's share is %+v, %v", row, err)
	}
	if b, err := os.ReadFile(filepath.Join(host.Data(), "shares", "damaged", nameOf(wreck.id()))); err != nil || string(b) != "no share" {
		t.Errorf("what was set aside is %q, %v", b, err)
	}
	if !hasShareEvent(t, host, kindAside, wreck.id()) {
		t.Error("no event of what was set aside")
	}
	wreck.put(t, owner, host) // nothing is in its way
	wreck.checkRead(t, owner, host)
	known.checkRead(t, owner, host)
}

// TestWritersAreLeftAlone: bytes that are on their way are no fault, with a row
// or, as those of small shares, before it.
func TestWritersAreLeftAlone(t *testing.T) {
	owner, host := pair(t)
	coming, small := makeContent(t, 100_000), makeContent(t, 100)
	_, err := coming.allocate(t.Context(), owner, host)
	must(t, err)
	w, err := coming.begin(t.Context(), owner, host, 0)
	must(t, err)
	_, err = w.Write(coming.data[:70_000])
	must(t, err)
	leave, err := host.keep.enter(t.Context(), small.id())
	must(t, err)
	lay(t, host, small, keyOf(t, owner.self))
	if r := crawled(t, host, true); r.faults() != 0 {
		t.Fatalf("crawl: %+v, want nothing", r)
	}
	clean(t, host)
	leave()
	for _, part := range [][]byte{coming.data[70_000:], coming.manifest, coming.crosscheck} {
		_, err = w.Write(part)
		must(t, err)
	}
	_, err = w.Finish(t.Context())
	must(t, err)
	if r := crawled(t, host, true); r.Adopted != 1 || r.faults() != 1 {
		t.Fatalf("crawl: %+v, want the share whose storing ended without a row", r)
	}
}

// TestLostIsFoundAgain: bytes that come back, whole, count again; others don't.
func TestLostIsFoundAgain(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 100_000)
	c.put(t, owner, host)
	file, away := fileOf(host, c.id()), filepath.Join(host.Data(), "away")
	must(t, os.Rename(file, away))
	if crawled(t, host, false); stateOf(t, host, c.id()) != ledger.ShareLost {
		t.Fatal("the share isn't lost")
	}
	must(t, os.Rename(away, file))
	flipBit(t, host, c.id(), shares.HeaderLen+5)
	if r := crawled(t, host, false); r.faults() != 0 || stateOf(t, host, c.id()) != ledger.ShareLost {
		t.Fatalf("crawl: %+v: bytes that aren't whole came back", r)
	}
	flipBit(t, host, c.id(), shares.HeaderLen+5)
	if r := crawled(t, host, false); r.Returned != 1 || stateOf(t, host, c.id()) != ledger.ShareStable {
		t.Fatalf("crawl: %+v, want the share back", r)
	}
	if !hasShareEvent(t, host, ledger.KindFound, c.id()) {
		t.Error("no event")
	}
	clean(t, host)
	c.checkRead(t, owner, host)
}

// TestDamagedSharesAreWrittenAgain: the owner may send a lost or corrupt share
// anew, whatever lies in its place; its lease stays, other bytes are refused.
func TestDamagedSharesAreWrittenAgain(t *testing.T) {
	for what, harm := range map[string]func(t *testing.T, n *Node, id potluck.ShareID){
		"lost":      func(t *testing.T, n *Node, id potluck.ShareID) { must(t, os.Remove(fileOf(n, id))) },
		"corrupt":   func(t *testing.T, n *Node, id potluck.ShareID) { flipBit(t, n, id, shares.HeaderLen+5) },
		"no header": func(t *testing.T, n *Node, id potluck.ShareID) { must(t, os.Truncate(fileOf(n, id), 3)) },
	} {
		for _, size := range []potluck.Size{1000, 100_000} {
			t.Run(what+strconv.Itoa(int(size)), func(t *testing.T) {
				owner, host := pair(t)
				c := makeContent(t, size)
				c.put(t, owner, host)
				harm(t, host, c.id())
				if r := crawled(t, host, true); r.faults() != 1 {
					t.Fatalf("crawl: %+v", r)
				}
				other := makeContent(t, size)
				other.index = c.index
				other.manifest = shares.Manifest{Layout: other.layout, Index: other.index, Roots: []potluck.Digest{other.root}, Crosscheck: shares.Sum(other.crosscheck)}.Marshal()
				g, err := other.allocate(t.Context(), owner, host)
				must(t, err)
				if err := other.write(t, owner, host, g.Offset); p2p.CodeOf(err) != p2p.CodeConflict {
					t.Fatalf("other bytes: %v, want a conflict", err)
				}
				if s := stateOf(t, host, c.id()); !isDamaged(s) {
					t.Fatalf("after other bytes the row is %v", s)
				}
				g, err = c.allocate(t.Context(), owner, host)
				if err != nil || g.State != p2p.GrantNew || g.Offset != 0 {
					t.Fatalf("granted %+v, %v, want to be sent all", g, err)
				}
				must(t, c.write(t, owner, host, 0))
				clean(t, host)
				c.checkRead(t, owner, host)
				wantHeld(t, host, owner, shares.Charge(c.layout), 0)
			})
		}
	}
}

// TestPutMendsWhatWasLost: a put of the same file goes through although the host
// lost its share.
func TestPutMendsWhatWasLost(t *testing.T) {
	owner, host := pair(t)
	c := makeContent(t, 3000)
	c.put(t, owner, host)
	must(t, os.Remove(fileOf(host, c.id())))
	crawled(t, host, false)
	a, err := owner.host.Store(t.Context(), host.self, p2p.StoreRequest{Index: c.index, Layout: c.layout, Data: c.data, Manifest: c.manifest, Crosscheck: c.crosscheck})
	if err != nil || len(a.Receipt) == 0 {
		t.Fatalf("store: %+v, %v", a, err)
	}
	clean(t, host)
	c.checkRead(t, owner, host)
}

// blind is a store that can't look at one share, and can't set anything aside.
type blind struct {
	shares.Store
	id potluck.ShareID
}

var errBlind = errors.New("input/output error")

func (s blind) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	if id == s.id {
		return shares.Info{}, errBlind
	}
	return s.Store.Stat(ctx, id)
}

func (s blind) SetAside(context.Context, potluck.ShareID) error { return shares.ErrFull }

// TestWhatCantBeSeenIsUnknown: neither absent nor damaged, and it stops nothing.
func TestWhatCantBeSeenIsUnknown(t *testing.T) {
	owner, host := pair(t)
	a, b := makeContent(t, 100), makeContent(t, 100)
	a.put(t, owner, host)
	b.put(t, owner, host)
	must(t, os.Remove(fileOf(host, b.id())))
	exchange(host, blind{host.store, a.id()})
	r := crawled(t, host, false)
	if r.Unknown != 1 || r.Lost != 1 || stateOf(t, host, a.id()) != ledger.ShareStable || stateOf(t, host, b.id()) != ledger.ShareLost {
		t.Fatalf("crawl: %+v", r)
	}
	if !slices.ContainsFunc(r.Findings, func(f string) bool { return strings.Contains(f, errBlind.Error()) }) {
		t.Errorf("findings %q don't name the error", r.Findings)
	}
}

// TestCrawlOnAFullDisk: the pass doesn't go on over what it couldn't mend, and
// does when there is room.
func TestCrawlOnAFullDisk(t *testing.T) {
	_, host := pair(t)
	c := makeContent(t, 100)
	must(t, os.WriteFile(fileOf(host, c.id()), []byte("no share"), 0o600))
	exchange(host, blind{Store: host.store})
	if _, err := host.Crawl(t.Context(), false); !errors.Is(err, shares.ErrFull) {
		t.Fatalf("crawl: %v, want the full disk", err)
	}
	if at, _ := host.crawl.where(); !at.under {
		t.Fatalf("the pass is at %+v, want it under way", at)
	}
	exchange(host, host.store)
	must(t, host.crawl.cycle.TriggerWait(t.Context()))
	if at, r := host.crawl.where(); at.under || r.SetAside != 1 {
		t.Fatalf("the pass is at %+v with %+v, want it over", at, r)
	}
	clean(t, host)
}

// TestCrawlGoesOnAfterARestart: at the share where it was, not at the first.
func TestCrawlGoesOnAfterARestart(t *testing.T) {
	config := config(t, "host")
	idle := config
	idle.CrawlShare = -1
	host, stop := start(t, idle)
	var ids []potluck.ShareID
	for range 8 {
		c := makeContent(t, 100)
		lay(t, host, c, [32]byte{})
		ids = append(ids, c.id())
	}
	slices.SortFunc(ids, potluck.ShareID.Compare)
	must(t, host.keepPassage(t.Context(), crawlName, passage{under: true, at: ids[3], began: host.config.Clock().Unix() - 100, done: 5}))
	stop()
	host, _ = start(t, config)
	eventually(t, "the pass is over", func() bool { at, _ := host.crawl.where(); return !at.under })
	for i, id := range ids {
		if got := stateOf(t, host, id); (got == ledger.ShareStable) != (i > 3) {
			t.Errorf("share %d is %v", i, got)
		}
	}
	s, err := host.Status(t.Context())
	if err != nil || s.Crawl.Done < s.Started || s.Crawl.Began != 0 || s.Crawl.Every != 24*3600 {
		t.Errorf("the status says %+v, %v", s.Crawl, err)
	}
}

// TestScrubReadsAllInItsTerm: with a clock moved through the term every share is
// read once, and the status says so.
func TestScrubReadsAllInItsTerm(t *testing.T) {
	clock := &clock{}
	config := config(t, "host")
	config.Clock, config.CrawlShare, config.ScrubDays = clock.now, 1, 10
	owner, _ := start(t, configOf(t, "owner", clock))
	host, _ := start(t, config)
	befriend(t, host, owner)
	var all []content
	for range 12 {
		c := makeContent(t, 5000)
		c.put(t, owner, host)
		flipBit(t, host, c.id(), shares.HeaderLen+77)
		all = append(all, c)
	}
	corrupt := func() (n int) {
		for _, c := range all {
			if stateOf(t, host, c.id()) == ledger.ShareCorrupt {
				n++
			}
		}
		return n
	}
	last := 0
	for day := range 10 {
		clock.forward(24 * 3600 * 1e9)
		must(t, host.scrub.cycle.TriggerWait(t.Context()))
		want := 0
		for _, c := range all {
			if position(c.id()) < float64(day+1)/10 {
				want++
			}
		}
		if last = corrupt(); last != want {
			t.Errorf("after %d of 10 days %d shares were read, want %d", day+1, last, want)
		}
	}
	if _, scrub := host.passes(); last != 12 || scrub.Done == 0 || scrub.Every != 10*24*3600 {
		t.Errorf("after the term %d of 12 were read, the status says %+v", last, scrub)
	}
}

func configOf(t *testing.T, name string, c *clock) Config {
	x := config(t, name)
	x.Clock = c.now
	return x
}
