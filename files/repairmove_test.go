package files_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// rot has a host send wrong bytes of what it holds, until it is asked to take a
// share: a right one is right again.
func (h *host) rot() {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.asked.Load()
	h.lie = func(b []byte) {
		if h.asked.Load() == before {
			b[len(b)-1] ^= 1
		}
	}
}

// noteLost has the books know that a host spoilt its share, as after an audit.
func (c *circle) noteLost(r files.PutResult, n potluck.ShareNumber) {
	c.t.Helper()
	id := potluck.ShareID{Index: r.Index, Number: n}
	if err := c.books.Mark(c.t.Context(), c.at(r, n).net.ID(), []potluck.ShareID{id}, ledger.PlacedLost, "an audit failed"); err != nil {
		c.t.Fatal(err)
	}
}

// oneEach fails the test unless every host holds one share.
func (c *circle) oneEach() {
	c.t.Helper()
	for _, h := range c.hosts {
		if h.held() != 1 {
			c.t.Errorf("%s holds %d shares, want 1", h.name, h.held())
		}
	}
}

// TestASpoiltShareIsMadeAnewWhereItWas: whose copy went bad and who is there gets
// a right one, and no other friend two.
func TestASpoiltShareIsMadeAnewWhereItWas(t *testing.T) {
	c := newCircle(t, 5)
	data := content(400_000)
	r := c.put(data, files.PutOptions{K: 2, N: 5})
	cp, spoilt := verifyOf(t, r), c.at(r, 3)
	spoilt.rot()
	c.noteLost(r, 3)
	dry := c.repair(cp, files.RepairOptions{DryRun: true})
	if !slices.Equal(dry.Missing, []potluck.ShareNumber{3}) || len(dry.Placed) != 1 || dry.Placed[0].Host != spoilt.net.ID() || dry.Left != 1 {
		t.Errorf("dry run: %+v", dry)
	}
	before := spoilt.written.Load()
	done := c.repair(cp, files.RepairOptions{})
	if len(done.Placed) != 1 || done.Placed[0].Number != 3 || done.Placed[0].Host != spoilt.net.ID() || done.Left != 0 || len(done.Blamed) != 1 {
		t.Errorf("repair: %+v", done)
	}
	if sent := spoilt.written.Load() - before; sent != int64(shares.DataLen(r.Layout)) {
		t.Errorf("%d bytes came to the host of the spoilt share", sent)
	}
	if moved := done.Read + done.Sent; moved > done.Cost || done.Cost > dry.Cost {
		t.Errorf("moved %d, cost %d, said %d", moved, done.Cost, dry.Cost)
	}
	c.oneEach()
	c.whole(cp, 5)
	c.mustGet(r.Cap, data)
}

// TestWhoIsWrongAgainIsTheLastChoice: the share that a host spoils a second time
// goes to others, though they have one; and to that host only when nobody else
// takes it.
func TestWhoIsWrongAgainIsTheLastChoice(t *testing.T) {
	c := newCircle(t, 4)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 4})
	cp, liar := verifyOf(t, r), c.at(r, 1)
	again := files.RepairOptions{Retried: []files.Blame{{Host: liar.net.ID(), Share: potluck.ShareID{Index: r.Index, Number: 1}}}}
	liar.rot()
	c.noteLost(r, 1)
	done := c.repair(cp, again)
	if len(done.Placed) != 1 || done.Placed[0].Host == liar.net.ID() || liar.held() != 0 {
		t.Errorf("repair: %+v", done)
	}
	if len(done.Moved) != 0 {
		t.Errorf("who was wrong again was given a share to spread the file: %+v", done.Moved)
	}
	c.whole(cp, 4)
	other := c.at(r, 0)
	other.lose(potluck.ShareID{Index: r.Index, Number: 0})
	for _, h := range c.hosts {
		if h != liar {
			h.refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 1, Short: 1}
		}
	}
	done = c.repair(cp, files.RepairOptions{Caught: []peer.ID{liar.net.ID()}})
	if len(done.Placed) != 1 || done.Placed[0].Host != liar.net.ID() {
		t.Errorf("nobody else takes it: %+v", done)
	}
	c.whole(cp, 4)
}

// TestAWrongCopyStaysUntilOthersAreRead: with k others left, and one of these wrong
// too, nothing is deleted: parts of a wrong copy may be right.
func TestAWrongCopyStaysUntilOthersAreRead(t *testing.T) {
	c := newCircle(t, 3)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 3})
	spoilt, alsoSpoilt := c.at(r, 0), c.at(r, 1)
	spoilt.rot()
	alsoSpoilt.rot()
	c.noteLost(r, 0)
	var few *files.NotEnoughError
	if _, err := c.files.Repair(t.Context(), verifyOf(t, r), files.RepairOptions{}, nil); !errors.As(err, &few) {
		t.Errorf("repair from one right share: %v", err)
	}
	c.oneEach()
}

// TestAWrongCopyForSomebodyElse: a host that keeps its wrong copy for another owner
// can't be given a right one; the share goes to others.
func TestAWrongCopyForSomebodyElse(t *testing.T) {
	c := newCircle(t, 4)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 4})
	cp, spoilt := verifyOf(t, r), c.at(r, 2)
	spoilt.rot()
	c.noteLost(r, 2)
	id := potluck.ShareID{Index: r.Index, Number: 2}
	spoilt.leases[id] = "somebody else"
	done := c.repair(cp, files.RepairOptions{})
	if len(done.Placed) != 1 || done.Placed[0].Host == spoilt.net.ID() || done.Left != 0 {
		t.Errorf("repair: %+v", done)
	}
}

// stacked puts a file while one friend is away, so that another has two shares, and
// has the friend come back.
func stacked(t *testing.T) (*circle, *host, files.PutResult, caps.Cap) {
	c, net := withAbsences(t, 4)
	late := c.hosts[2]
	net.leave(late, true)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 4, Happy: 3})
	net.leave(late, false)
	return c, late, r, verifyOf(t, r)
}

// TestSharesAreSpreadAgain: a friend without a share gets one of the two that
// another has, and that is cancelled only when the new one counts.
func TestSharesAreSpreadAgain(t *testing.T) {
	c, late, r, cp := stacked(t)
	if got := c.check(cp, false); got.Happy != 3 || got.Wider != 1 || got.Now.Survives != 1 {
		t.Errorf("check: happy %d, %d more, survives %d; want 3, 1 and 1", got.Happy, got.Wider, got.Now.Survives)
	}
	dry := c.repair(cp, files.RepairOptions{DryRun: true})
	if len(dry.Moved) != 1 || dry.Moved[0].Host != late.net.ID() || dry.Cost != files.MoveCost(r.Layout) || late.held() != 0 {
		t.Errorf("dry run: %+v", dry)
	}
	if little := c.repair(cp, files.RepairOptions{Most: files.MoveCost(r.Layout) - 1}); len(little.Moved) != 0 || little.Read+little.Sent != 0 {
		t.Errorf("more was moved than may be: %+v", little)
	}
	for _, h := range c.hosts {
		h.cancels = make(chan struct{})
		go func() { // ends with the test's last cancel
			for range h.cancels {
				rows, _ := c.books.Placements(t.Context(), r.Index)
				if !slices.ContainsFunc(rows, func(p ledger.Placement) bool { return p.Host == late.net.ID() && p.State == ledger.PlacedStable }) {
					t.Error("the old share is cancelled before the new one counts")
				}
				h.cancels <- struct{}{}
			}
		}()
		defer close(h.cancels)
	}
	done := c.repair(cp, files.RepairOptions{Most: files.MoveCost(r.Layout)})
	if len(done.Moved) != 1 || len(done.Unplaced) != 1 || done.Moved[0].Number != done.Unplaced[0].Number || done.Chance.Survives != 2 {
		t.Errorf("repair: %+v", done)
	}
	if moved := done.Read + done.Sent; moved > done.Cost || done.Sent != shares.DataLen(r.Layout) {
		t.Errorf("moved %d, sent %d, said %d", moved, done.Sent, done.Cost)
	}
	c.oneEach()
	c.whole(cp, 4)
	if got := c.check(cp, false); got.Happy != 4 || got.Wider != 0 || got.Now.Survives != 2 {
		t.Errorf("check afterwards: %+v", got)
	}
	if again := c.repair(cp, files.RepairOptions{}); len(again.Moved)+len(again.Unplaced) != 0 || again.Cost != 0 {
		t.Errorf("again: %+v", again)
	}
}

// boasts has a host say to whoever asks it to take a share of a file that it holds
// it already. It could read from others what is needed for that.
func (h *host) boasts(c *circle, r files.PutResult) {
	c.t.Helper()
	rows, err := c.books.Placements(c.t.Context(), r.Index)
	if err != nil {
		c.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range rows {
		h.boast = append(h.boast, p2p.Grant{Number: p.Share.Number, State: p2p.GrantHeld, Offset: shares.DataLen(r.Layout), Root: p.Root, Manifest: p.Manifest})
	}
}

// TestWhoClaimsAShareIsMadeAnewElsewhere: that a host has the share which it is to
// get counts for nothing until it was read there.
func TestWhoClaimsAShareIsMadeAnewElsewhere(t *testing.T) {
	c := newCircle(t, 5)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 4})
	loser, cp := c.at(r, 3), verifyOf(t, r)
	for _, h := range c.hosts {
		if h.held() == 0 {
			h.boasts(c, r)
		}
	}
	loser.lose(potluck.ShareID{Index: r.Index, Number: 3})
	done := c.repair(cp, files.RepairOptions{})
	if len(done.Placed) != 1 || done.Placed[0].Host != loser.net.ID() || loser.held() != 1 {
		t.Errorf("repair: %+v", done)
	}
	c.whole(cp, 4)
}

// TestAMoveThatFailsChangesNothing: the friend refuses, breaks off, or the copy to
// be moved is wrong: all stays where it was.
func TestAMoveThatFailsChangesNothing(t *testing.T) {
	for name, hinder := range map[string]func(*circle, *host){
		"refuses":                    func(_ *circle, h *host) { h.refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 1, Short: 1} },
		"breaks off":                 func(_ *circle, h *host) { h.breakAt = 1000 },
		"only claims that it has it": nil,
		"no receipt":                 func(_ *circle, h *host) { h.loseReceipt = true },
		"wrong copies": func(c *circle, late *host) {
			for _, h := range c.hosts {
				if h != late && h.held() == 2 {
					h.rot()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, late, r, cp := stacked(t)
			if hinder != nil {
				hinder(c, late)
			} else {
				late.boasts(c, r)
			}
			done, err := c.files.Repair(t.Context(), cp, files.RepairOptions{}, nil)
			if err != nil || len(done.Moved)+len(done.Unplaced) != 0 {
				t.Errorf("%v, %+v", err, done)
			}
			if name == "wrong copies" && len(done.Blamed) != 1 {
				t.Errorf("who has a wrong copy isn't blamed: %+v", done)
			}
			held := 0
			for _, h := range c.hosts {
				held += h.held()
			}
			rows, _ := c.books.Placements(t.Context(), r.Index)
			if late.held() != 0 || held != 4 || len(rows) != 4 {
				t.Errorf("the friend holds %d, all hold %d, with %d rows", late.held(), held, len(rows))
			}
		})
	}
}
