package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/p2p"
)

// reconciled has an owner compare its books with a host now.
func reconciled(t *testing.T, owner, host *Node) {
	t.Helper()
	owner.reconcile.mu.Lock()
	delete(owner.reconcile.course, host.self) // however short ago the last time was
	owner.reconcile.mu.Unlock()
	owner.reconcile.doubt(host.self)
	if err := owner.reconcile.cycle.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// proposeAgain has a host propose a statement now, however short ago it did.
func proposeAgain(t *testing.T, host, owner *Node) {
	t.Helper()
	host.count.mu.Lock()
	if x, ok := host.count.tried[owner.self]; ok {
		x.at = time.Time{}
		host.count.tried[owner.self] = x
	}
	host.count.mu.Unlock()
	turn(t, host)
}

// stateAt gives the state of an owner's placement; 0: there is none.
func stateAt(t *testing.T, owner, host *Node, id potluck.ShareID) ledger.PlacementState {
	t.Helper()
	p, _, err := owner.placed(t.Context(), host.self, id)
	if err != nil {
		t.Fatal(err)
	}
	return p.State
}

// sameBooks checks that two nodes count the same of what one holds for the other,
// and that neither disputes it.
func sameBooks(t *testing.T, owner, host *Node) {
	t.Helper()
	var sums [2]ledger.Summary
	for i, n := range []*Node{owner, host} {
		var err error
		if sums[i], err = n.book.Summary(t.Context(), host.self, owner.self); err != nil {
			t.Fatal(err)
		}
		if all, err := n.book.Disputes(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("%s: disputes %+v, %v", n.config.Name, all, err)
		}
	}
	if sums[0] != sums[1] {
		t.Errorf("the owner counts %+v, the host %+v", sums[0], sums[1])
	}
}

// shareOf is the one share of a file that store made.
func shareOf(c caps.Cap) potluck.ShareID {
	return potluck.ShareID{Index: c.(caps.Read).Index()}
}

func TestReconcileCuresWhatItCan(t *testing.T) {
	owner, host := pair(t)
	var all []potluck.ShareID
	for range 6 {
		c, _ := store(t, owner, host, 20<<10)
		all = append(all, shareOf(c))
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kept, lost, dropped, back, unknown, going := all[0], all[1], all[2], all[3], all[4], all[5]
	// The host lost the bytes of one, and its operator dropped the lease of another.
	must(host.book.MarkShare(ctx, lost, ledger.ShareLost, "test"))
	_, _, err := host.book.Cancel(ctx, owner.self, []potluck.ShareID{dropped})
	must(err)
	// The owner took one for lost, forgot where one is, and couldn't tell of a removal.
	must(owner.book.Mark(ctx, host.self, []potluck.ShareID{back}, ledger.PlacedLost, "test"))
	must(owner.book.Unplace(ctx, host.self, []potluck.ShareID{unknown}))
	must(owner.book.DropFile(ctx, going.Index))
	must(owner.book.Mark(ctx, host.self, []potluck.ShareID{going}, ledger.PlacedGoing, "test"))
	reconciled(t, owner, host)
	for id, want := range map[potluck.ShareID]ledger.PlacementState{kept: ledger.PlacedStable, lost: ledger.PlacedLost, dropped: ledger.PlacedLost,
		back: ledger.PlacedStable, unknown: ledger.PlacedStable, going: 0} {
		if got := stateAt(t, owner, host, id); got != want {
			t.Errorf("share %v is in state %d, want %d", id, got, want)
		}
	}
	sameBooks(t, owner, host)
	proposeAgain(t, host, owner)
	if s, _, err := owner.newest(ctx, host.self, owner.self); err != nil || s.Shares != 3 {
		t.Errorf("statement %+v, %v", s, err)
	}
	sameBooks(t, owner, host)
}

// TestReconcileBelievesNoClaim: what a host says that it holds counts only when it
// proves it.
func TestReconcileBelievesNoClaim(t *testing.T) {
	owner, host := pair(t)
	c, _ := store(t, owner, host, 200<<10)
	id := shareOf(c)
	if err := owner.book.Mark(t.Context(), host.self, []potluck.ShareID{id}, ledger.PlacedLost, "test"); err != nil {
		t.Fatal(err)
	}
	spoil(t, host)
	reconciled(t, owner, host)
	if got := stateAt(t, owner, host, id); got != ledger.PlacedLost {
		t.Errorf("the share is in state %d, want it lost", got)
	}
	// Nor when the books don't know where it was.
	if err := owner.book.Unplace(t.Context(), host.self, []potluck.ShareID{id}); err != nil {
		t.Fatal(err)
	}
	reconciled(t, owner, host)
	if got := stateAt(t, owner, host, id); got != 0 {
		t.Errorf("the share is in state %d, want it unknown", got)
	}
}

// spoil turns every byte of every share that a node stores around, behind headers.
func spoil(t *testing.T, n *Node) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(n.Data(), "shares"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 100<<10 {
			return err
		}
		for i := range b[1<<10:] { // the header is shorter, and no slice lies within it
			b[1<<10+i] ^= 0xff
		}
		return os.WriteFile(path, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOrphansAreADispute until they are cancelled, by word only.
func TestOrphansAreADispute(t *testing.T) {
	owner, host := pair(t)
	_, charge := store(t, owner, host, 20<<10)
	turn(t, host)
	x := makeContent(t, 300<<10)
	x.put(t, owner, host)
	turn(t, host)
	reconciled(t, owner, host)
	all, err := owner.book.Disputes(t.Context())
	if err != nil || len(all) != 1 || all[0].Host != host.self || all[0].Mine.Bytes != charge || all[0].Theirs.Shares != 2 {
		t.Fatalf("disputes %+v, %v", all, err)
	}
	var e versions
	if err := json.Unmarshal(all[0].Evidence, &e); err != nil || len(e.Orphans) != 1 || e.Orphans[0] != x.id() || len(e.Statement) == 0 {
		t.Errorf("evidence %+v, %v", e, err)
	}
	if _, err := host.book.Share(t.Context(), x.id()); err != nil {
		t.Errorf("the orphan is gone before anybody said so: %v", err)
	}
	for _, q := range []OrphansRequest{{}, {Peer: "host", Cancel: true, DryRun: true}, {Cancel: true}} {
		o, err := owner.Orphans(t.Context(), q)
		if err != nil || len(o.Hosts) != 1 || len(o.Hosts[0].Shares) != 1 || o.Hosts[0].Shares[0].Share != x.id() || o.Hosts[0].Error != "" {
			t.Fatalf("%+v: %+v, %v", q, o, err)
		}
		if cancelled := o.Hosts[0].Cancelled == 1; cancelled != (q.Cancel && !q.DryRun) || cancelled != (o.Hosts[0].Freed == o.Hosts[0].Bytes) {
			t.Errorf("%+v: %+v", q, o)
		}
	}
	wantHeld(t, host, owner, charge, 0)
	reconciled(t, owner, host)
	proposeAgain(t, host, owner)
	sameBooks(t, owner, host)
	events, err := owner.Events(t.Context(), 0, 10_000)
	if err != nil || !hasEvent(events, ledger.KindDispute, host.self) || !hasEvent(events, ledger.KindAgreed, host.self) {
		t.Errorf("events %v, %v", events, err)
	}
}

// TestDifferingShares: the owner's version stands while the host can prove it, and
// both are kept as evidence.
func TestDifferingShares(t *testing.T) {
	owner, host := pair(t)
	c, _ := store(t, owner, host, 200<<10)
	row, _, err := owner.placed(t.Context(), host.self, shareOf(c))
	if err != nil {
		t.Fatal(err)
	}
	row.Charge += 4096
	if err := owner.book.Place(t.Context(), []ledger.Placement{row}); err != nil {
		t.Fatal(err)
	}
	reconciled(t, owner, host)
	all, err := owner.book.Disputes(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("disputes %+v, %v", all, err)
	}
	var e versions
	if err := json.Unmarshal(all[0].Evidence, &e); err != nil || len(e.Differing) != 1 || e.Differing[0].Mine.Charge != row.Charge ||
		e.Differing[0].Theirs.Charge != row.Charge-4096 || !bytes.Equal(e.Differing[0].Receipt, row.Receipt) {
		t.Errorf("evidence %s, %v", all[0].Evidence, err)
	}
	row.Root[0]++ // the host can't prove that one
	if err := owner.book.Place(t.Context(), []ledger.Placement{row}); err != nil {
		t.Fatal(err)
	}
	reconciled(t, owner, host)
	if got := stateAt(t, owner, host, row.Share); got != ledger.PlacedLost {
		t.Errorf("the share is in state %d, want it lost", got)
	}
}

// TestReconcileWaitsItsTurn: a host can't have the books read over and over, and
// one that is away is compared with when it is back.
func TestReconcileWaitsItsTurn(t *testing.T) {
	owner, host := pair(t)
	store(t, owner, host, 20<<10)
	reconciled(t, owner, host)
	first := owner.reconcile.course[host.self].tried
	owner.reconcile.doubt(host.self)
	if err := owner.reconcile.cycle.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	owner.reconcile.mu.Lock()
	defer owner.reconcile.mu.Unlock()
	if again := owner.reconcile.course[host.self].tried; !owner.reconcile.due[host.self] || again != first && again.Sub(first) < compareSoon {
		t.Errorf("compared again after %v", again.Sub(first))
	}
	if sooner(-1, 5) != 5 || sooner(4, 5) != 4 || sooner(6, 5) != 5 {
		t.Error("sooner")
	}
}

// TestRangesAreOnesOwn: a peer sees what is held for it, and what it holds, and
// nothing of others; and not without end.
func TestRangesAreOnesOwn(t *testing.T) {
	owner, host := pair(t)
	other, _ := start(t, config(t, "other"))
	befriend(t, host, other)
	_, charge := store(t, owner, host, 20<<10)
	for _, c := range []struct {
		asker, asked *Node
		role         p2p.Role
		want         int64
	}{{owner, host, p2p.AsOwner, 1}, {owner, host, p2p.AsHost, 0}, {host, owner, p2p.AsHost, 1}, {host, owner, p2p.AsOwner, 0}, {other, host, p2p.AsOwner, 0}} {
		a, err := c.asker.host.Ranges(t.Context(), c.asked.self, p2p.RangesRequest{Role: c.role, Spans: []p2p.Span{{}}})
		if err != nil || a.Sums[0].Shares != c.want || a.Sums[0].Bytes != potluck.Size(c.want)*charge {
			t.Errorf("%s of %s as %d: %+v, %v", c.asker.config.Name, c.asked.config.Name, c.role, a, err)
		}
		l, err := c.asker.host.List(t.Context(), c.asked.self, p2p.ListRequest{Role: c.role})
		if err != nil || int64(len(l.Items)) != c.want || l.More {
			t.Errorf("%s of %s as %d: %+v, %v", c.asker.config.Name, c.asked.config.Name, c.role, l, err)
		}
	}
	host.compared.spans.of[peer.ID(owner.self)] = clerkSpans
	if _, err := owner.host.Ranges(t.Context(), host.self, p2p.RangesRequest{Role: p2p.AsOwner, Spans: []p2p.Span{{}}}); !isRefusal(err) {
		t.Errorf("one more: %v", err)
	}
	host.compared.busy.Store(comparedAtOnce)
	if _, err := owner.host.List(t.Context(), host.self, p2p.ListRequest{Role: p2p.AsOwner}); !isRefusal(err) {
		t.Errorf("one more at once: %v", err)
	}
}

// TestReconcileAnyHistory: whatever the two forgot, lost or couldn't tell each
// other, one comparison brings their books together.
func TestReconcileAnyHistory(t *testing.T) {
	owner, host := pair(t)
	ctx := t.Context()
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	ways := []func(potluck.ShareID) error{
		func(potluck.ShareID) error { return nil },
		func(id potluck.ShareID) error { return host.book.MarkShare(ctx, id, ledger.ShareLost, "test") },
		func(id potluck.ShareID) error { return host.book.MarkShare(ctx, id, ledger.ShareCorrupt, "test") },
		func(id potluck.ShareID) error {
			_, _, err := host.book.Cancel(ctx, owner.self, []potluck.ShareID{id})
			return err
		},
		func(id potluck.ShareID) error {
			return owner.book.Mark(ctx, host.self, []potluck.ShareID{id}, ledger.PlacedLost, "test")
		},
		func(id potluck.ShareID) error { return owner.book.Unplace(ctx, host.self, []potluck.ShareID{id}) },
		func(id potluck.ShareID) error {
			return owner.book.Mark(ctx, host.self, []potluck.ShareID{id}, ledger.PlacedGoing, "test")
		},
	}
	for round := range 3 {
		for range 12 {
			c, _ := store(t, owner, host, 20<<10)
			for range 1 + r.IntN(2) { // of what was done first, some things can't be done again
				if err := ways[r.IntN(len(ways))](shareOf(c)); err != nil && !errors.Is(err, ledger.ErrNotFound) && !errors.Is(err, ledger.ErrConflict) {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		}
		reconciled(t, owner, host)
		proposeAgain(t, host, owner)
		if sameBooks(t, owner, host); t.Failed() {
			t.Fatalf("seed %d, round %d", seed, round)
		}
	}
}
