package files_test

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
	"potluck/ledger"
)

// stateOf gives what a check says of a share at a host.
func stateOf(r files.CheckResult, n potluck.ShareNumber, h *host) files.Health {
	i := slices.IndexFunc(r.Shares, func(s files.CheckShare) bool { return s.Number == n && s.Host == h.net.ID() })
	if i < 0 {
		return ""
	}
	return r.Shares[i].State
}

// TestAWordDoesntCountAfterALoss: what a host lost or spoilt, by the books, counts
// as lost until it is read, however often the host says that it has it.
func TestAWordDoesntCountAfterALoss(t *testing.T) {
	c := newCircle(t, 4)
	r := c.put(content(100_000), files.PutOptions{K: 2, N: 4})
	cp, spoilt := verifyOf(t, r), c.at(r, 1)
	c.noteLost(r, 1)
	if got := c.check(cp, false); stateOf(got, 1, spoilt) != files.HealthDoubted || got.Lost != 1 || got.Claimed != 3 || got.Now.Survives != 1 {
		t.Errorf("by claims: %+v", got)
	}
	if got := c.check(cp, true); stateOf(got, 1, spoilt) != files.HealthGood || got.Good != 4 {
		t.Errorf("read, and right: %+v", got)
	}
	spoilt.rot()
	if got := c.check(cp, true); stateOf(got, 1, spoilt) != files.HealthDamaged || got.Lost != 1 || got.Damaged != 1 {
		t.Errorf("read, and wrong: %+v", got)
	}
}

// TestReplacedSharesAreNamedSo: what was lost at a host that is away, and was made
// anew elsewhere, isn't shown as lost.
func TestReplacedSharesAreNamedSo(t *testing.T) {
	c, net := withAbsences(t, 5)
	r := c.put(content(100_000), files.PutOptions{K: 2, N: 4})
	cp, gone := verifyOf(t, r), c.at(r, 2)
	c.noteLost(r, 2)
	net.leave(gone, true)
	if done := c.repair(cp, files.RepairOptions{Gone: []peer.ID{gone.net.ID()}}); len(done.Placed) != 1 || done.Left != 0 {
		t.Fatalf("repair: %+v", done)
	}
	if got := c.check(cp, false); stateOf(got, 2, gone) != files.HealthReplaced || got.Claimed != 4 || got.Lost != 0 {
		t.Errorf("check: %+v", got)
	}
	w, err := c.files.Where(t.Context(), mustParse(t, r.Cap))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range w.Shares {
		if want := map[bool]files.ShareState{true: files.ShareReplaced, false: files.ShareHeld}[s.Host == gone.net.ID()]; s.State != want {
			t.Errorf("share %d at %s is %s, want %s", s.Number, s.Name, s.State, want)
		}
	}
	net.leave(gone, false)
	c.repair(cp, files.RepairOptions{})
	c.whole(cp, 4)
	rows, _ := c.books.Placements(t.Context(), r.Index)
	if slices.ContainsFunc(rows, func(p ledger.Placement) bool { return p.Host == gone.net.ID() }) {
		t.Error("the host that is back isn't told")
	}
}
