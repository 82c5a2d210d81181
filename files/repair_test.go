package files_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// absences is a network of which some hosts are away for a while.
type absences struct {
	files.Network
	mu   sync.Mutex
	away map[peer.ID]bool
}

func (a *absences) Connected(p peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.away[p] && a.Network.Connected(p)
}

// leave has a host go, or come back.
func (a *absences) leave(h *host, away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away[h.net.ID()] = away
}

// withAbsences makes a circle whose hosts can be away.
func withAbsences(t *testing.T, friends int) (*circle, *absences) {
	c := newCircle(t, friends)
	a := &absences{Network: c.owner.net, away: make(map[peer.ID]bool)}
	c.cfg.Network = a
	c.restart()
	return c, a
}

// verifyOf gives the verify cap of what was put: all that checks and repairs need.
func verifyOf(t *testing.T, r files.PutResult) caps.Cap {
	return mustParse(t, r.Cap).(caps.Read).Verify()
}

// at finds the host that got a share.
func (c *circle) at(r files.PutResult, n potluck.ShareNumber) *host {
	for _, p := range r.Placed {
		for _, h := range c.hosts {
			if p.Number == n && p.Host == h.net.ID() {
				return h
			}
		}
	}
	c.t.Fatalf("share %d isn't placed", n)
	return nil
}

// lose has a host lose its share of a file.
func (h *host) lose(id potluck.ShareID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.store.Delete(h.t.Context(), id); err != nil {
		h.t.Error(err)
	}
	delete(h.leases, id)
}

func (c *circle) check(cp caps.Cap, verify bool) files.CheckResult {
	c.t.Helper()
	r, err := c.files.Check(c.t.Context(), cp, files.CheckOptions{Verify: verify}, nil)
	if err != nil {
		c.t.Fatalf("check: %v", err)
	}
	return r
}

func (c *circle) repair(cp caps.Cap, o files.RepairOptions) files.RepairResult {
	c.t.Helper()
	r, err := c.files.Repair(c.t.Context(), cp, o, nil)
	if err != nil {
		c.t.Fatalf("repair: %v; %+v", err, r)
	}
	return r
}

// whole fails the test unless every number is held once, read and right, and the
// books say the same.
func (c *circle) whole(cp caps.Cap, n int) {
	c.t.Helper()
	r := c.check(cp, true)
	if r.Good != n || len(r.Shares) != n || r.Damaged != 0 {
		c.t.Errorf("not whole: %+v", r)
	}
	for _, s := range r.Shares {
		if !s.Booked || !s.Mine {
			c.t.Errorf("share %d at %s is booked %v, leased to the owner %v", s.Number, s.Name, s.Booked, s.Mine)
		}
	}
	rows, _ := c.books.Placements(c.t.Context(), r.Index)
	for _, p := range rows {
		if p.State != ledger.PlacedStable {
			c.t.Errorf("share %d at %v is left in state %d", p.Share.Number, p.Host, p.State)
		}
	}
	if len(rows) != n {
		c.t.Errorf("%d rows for %d shares", len(rows), n)
	}
}

func TestCheckTellsWhatIsKnown(t *testing.T) {
	c, net := withAbsences(t, 6)
	r := c.put(content(300_000), files.PutOptions{K: 2, N: 6})
	cp := verifyOf(t, r)
	if got := c.check(cp, false); got.Claimed != 6 || got.Good != 0 || got.Now.Survives != 4 || got.Chance.Readable < 0.99 || got.Repair {
		t.Errorf("all there: %+v", got)
	}
	if got := c.check(cp, true); got.Good != 6 || got.Read != 6*shares.DataLen(r.Layout) {
		t.Errorf("all read: %+v", got)
	}
	c.at(r, 0).lose(potluck.ShareID{Index: r.Index, Number: 0})
	net.leave(c.at(r, 1), true)
	c.at(r, 2).lie = func(b []byte) { b[len(b)/2] ^= 1 }
	got := c.check(cp, true)
	if got.Good != 3 || got.Unknown != 1 || got.Lost != 2 || got.Damaged != 1 || got.Now.Survives != 1 || got.Chance.Survives != 2 || !got.Repair {
		t.Errorf("one lost, one away, one damaged: %+v", got)
	}
	for n, want := range map[potluck.ShareNumber]files.Health{0: files.HealthLost, 1: files.HealthUnknown, 2: files.HealthDamaged, 3: files.HealthGood} {
		if got.Shares[n].State != want {
			t.Errorf("share %d is %+v, want %s", n, got.Shares[n], want)
		}
	}
	if got := c.check(cp, false); got.Claimed != 4 || got.Damaged != 0 {
		t.Errorf("by claims alone: %+v", got)
	}
	var usage *files.UsageError
	if _, err := c.files.Check(t.Context(), caps.Literal{}, files.CheckOptions{}, nil); !errors.As(err, &usage) {
		t.Errorf("check of a literal: %v", err)
	}
}

// TestRepairBringsTheSameSharesBack: small files and files of many stripes, data
// shares and parity.
func TestRepairBringsTheSameSharesBack(t *testing.T) {
	c := newCircle(t, 7)
	for _, size := range []int{200, 100_000, 5_000_000} {
		data := content(size)
		r := c.put(data, files.PutOptions{K: 3, N: 7})
		cp := verifyOf(t, r)
		for _, n := range []potluck.ShareNumber{0, 2, 5, 6} {
			c.at(r, n).lose(potluck.ShareID{Index: r.Index, Number: n})
		}
		dry := c.repair(cp, files.RepairOptions{DryRun: true})
		if !slices.Equal(dry.Missing, []potluck.ShareNumber{0, 2, 5, 6}) || len(dry.Placed) != 4 || dry.Left != 4 || dry.Read+dry.Sent != 0 {
			t.Errorf("dry run: %+v", dry)
		}
		if b, err := json.Marshal(dry); err != nil || !strings.Contains(string(b), `"missing":[0,2,5,6]`) {
			t.Errorf("dry run as JSON: %s, %v", b, err)
		}
		if most := c.repair(cp, files.RepairOptions{Most: dry.Cost - 1}); len(most.Placed) != 0 || most.Read+most.Sent != 0 {
			t.Errorf("more than it may move was moved: %+v", most)
		}
		done := c.repair(cp, files.RepairOptions{})
		if len(done.Placed) != 4 || done.Left != 0 || len(done.Failed) != 0 || done.Chance.Survives != 4 {
			t.Errorf("%d bytes: repair: %+v", size, done)
		}
		if moved := done.Read + done.Sent; moved > done.Cost || done.Cost > dry.Cost {
			t.Errorf("%d bytes: moved %d, cost %d, said %d", size, moved, done.Cost, dry.Cost)
		}
		c.whole(cp, 7)
		c.mustGet(r.Cap, data)
		if again := c.repair(cp, files.RepairOptions{}); len(again.Placed)+len(again.Reused)+len(again.Unplaced) != 0 || again.Read != 0 {
			t.Errorf("a whole file was repaired: %+v", again)
		}
		if again := c.put(data, files.PutOptions{K: 3, N: 7}); again.Sent != 0 || again.Cap != r.Cap {
			t.Errorf("a put afterwards sent %d bytes", again.Sent)
		}
	}
}

// TestRepairNeedsK: with fewer shares nothing is done, and nobody is charged.
func TestRepairNeedsK(t *testing.T) {
	c := newCircle(t, 4)
	r := c.put(content(50_000), files.PutOptions{K: 3, N: 4})
	for n := range potluck.ShareNumber(2) {
		c.at(r, n).lose(potluck.ShareID{Index: r.Index, Number: n})
	}
	var few *files.NotEnoughError
	if _, err := c.files.Repair(t.Context(), verifyOf(t, r), files.RepairOptions{}, nil); !errors.As(err, &few) || few.Found != 2 || few.Need != 3 {
		t.Errorf("repair from two of three: %v", err)
	}
	for _, h := range c.hosts {
		if h.held() > 1 {
			t.Errorf("%s holds %d", h.name, h.held())
		}
	}
}

// TestComingBackIsUsedAgain: a host that was away for too long comes back; what
// was made meanwhile is one copy too many, and what wasn't needs no bytes.
func TestComingBackIsUsedAgain(t *testing.T) {
	c, net := withAbsences(t, 6)
	r := c.put(content(400_000), files.PutOptions{K: 2, N: 5})
	cp, gone := verifyOf(t, r), c.at(r, 3)
	net.leave(gone, true)
	if early := c.repair(cp, files.RepairOptions{}); len(early.Placed) != 0 || early.Left != 0 {
		t.Errorf("a host that is away for a moment was replaced: %+v", early)
	}
	done := c.repair(cp, files.RepairOptions{Gone: []peer.ID{gone.net.ID()}})
	if len(done.Placed) != 1 || done.Placed[0].Number != 3 {
		t.Fatalf("a host that is away for long wasn't replaced: %+v", done)
	}
	net.leave(gone, false)
	back := c.repair(cp, files.RepairOptions{})
	if len(back.Unplaced) != 1 || len(back.Placed) != 0 || back.Read+back.Sent != 0 {
		t.Errorf("the copy too many wasn't given up: %+v", back)
	}
	c.whole(cp, 5)
}

// TestCopiesDontPushOutWhatWasBrought: a host that has copied what others hold for
// this node, and was taken at its word, doesn't push them out: what this node
// brought and has a receipt for stays.
func TestCopiesDontPushOutWhatWasBrought(t *testing.T) {
	c := newCircle(t, 3)
	data := content(400_000)
	r := c.put(data, files.PutOptions{K: 2, N: 6, Happy: 3})
	cp := verifyOf(t, r)
	rows, err := c.books.Placements(t.Context(), r.Index)
	if err != nil {
		t.Fatal(err)
	}
	first := rows[0].Host
	i := slices.IndexFunc(c.hosts, func(h *host) bool { return h.net.ID() == first })
	greedy := c.hosts[i]
	own := make(map[potluck.ShareID]peer.ID)
	for _, p := range rows {
		own[p.Share] = p.Host
		if p.Host == first {
			continue
		}
		greedy.copy(c.at(r, p.Share.Number), p.Share, c.owner.net.ID())
		p.Host, p.Receipt = first, nil
		if err := c.books.Place(t.Context(), []ledger.Placement{p}); err != nil {
			t.Fatal(err)
		}
	}
	done := c.repair(cp, files.RepairOptions{})
	for _, p := range done.Unplaced {
		if id := (potluck.ShareID{Index: r.Index, Number: p.Number}); own[id] == p.Host {
			t.Errorf("share %d at %s, which was sent there, is given up for a copy", p.Number, p.Name)
		}
	}
	c.whole(cp, 6)
	c.mustGet(r.Cap, data)
}

// copy has a host take a share over from another, as if the owner had sent it.
func (h *host) copy(from *host, id potluck.ShareID, owner peer.ID) {
	h.t.Helper()
	ctx := h.t.Context()
	s, err := from.store.Open(ctx, id)
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	in, err := h.store.Create(ctx, s.Header())
	if err != nil {
		h.t.Fatal(err)
	}
	size := shares.DataLen(s.Header().Layout)
	var data bytes.Buffer
	if err := s.Slice(ctx, &data, 0, size); err != nil {
		h.t.Fatal(err)
	}
	if err := shares.VerifySlice(in, &data, size, 0, size, s.Header().Root); err != nil {
		h.t.Fatal(err)
	}
	list, err := s.Crosscheck(ctx)
	if err == nil {
		_, err = in.Commit(ctx, s.Manifest(), list)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leases[id] = owner
}

// TestLostSharesAreReadBeforeTheyCount: what a host lost and claims again is used
// when it is read and right, and made anew elsewhere when it isn't.
func TestLostSharesAreReadBeforeTheyCount(t *testing.T) {
	c := newCircle(t, 6)
	data := content(400_000)
	r := c.put(data, files.PutOptions{K: 2, N: 5})
	cp := verifyOf(t, r)
	for n := range potluck.ShareNumber(2) {
		id := potluck.ShareID{Index: r.Index, Number: n}
		if err := c.books.Mark(t.Context(), c.at(r, n).net.ID(), []potluck.ShareID{id}, ledger.PlacedLost, "an audit failed"); err != nil {
			t.Fatal(err)
		}
	}
	liar := c.at(r, 1)
	liar.lie = func(b []byte) { b[len(b)-1] ^= 1 }
	done := c.repair(cp, files.RepairOptions{})
	if len(done.Reused) != 1 || done.Reused[0].Number != 0 || len(done.Placed) != 1 || done.Placed[0].Number != 1 {
		t.Errorf("repair: %+v", done)
	}
	if done.Placed[0].Host == liar.net.ID() || len(done.Blamed) == 0 {
		t.Errorf("the host that lies got the share again, or isn't blamed: %+v", done)
	}
	liar.lie = nil
	c.whole(cp, 5)
	c.mustGet(r.Cap, data)
}

// TestRepairOfAStrangersFile: who has the cap and repairs pays, and has the file
// among its own afterwards.
func TestRepairOfAStrangersFile(t *testing.T) {
	c := newCircle(t, 5)
	r := c.put(content(60_000), files.PutOptions{K: 2, N: 5})
	c.at(r, 4).lose(potluck.ShareID{Index: r.Index, Number: 4})
	c.books.placed, c.books.files = nil, map[potluck.StorageIndex]ledger.File{}
	for _, h := range c.hosts {
		for id := range h.leases {
			h.leases[id] = "somebody else"
		}
	}
	done := c.repair(verifyOf(t, r), files.RepairOptions{})
	if len(done.Placed) != 1 || len(done.Reused) != 4 {
		t.Errorf("repair: %+v", done)
	}
	if _, err := c.books.File(t.Context(), r.Index); err != nil {
		t.Errorf("the file isn't the repairer's: %v", err)
	}
	c.whole(verifyOf(t, r), 5)
	for _, p := range c.books.placed {
		receipt, err := p2p.OpenReceipt(p.Receipt)
		if err != nil || receipt.Owner != c.owner.net.ID() {
			t.Errorf("share %d: receipt %+v, %v", p.Share.Number, receipt, err)
		}
	}
}

// TestRefusedRepair: hosts without room are passed over, and when nobody has any
// the file stays as it is.
func TestRefusedRepair(t *testing.T) {
	c := newCircle(t, 5)
	r := c.put(content(60_000), files.PutOptions{K: 2, N: 4})
	cp, empty := verifyOf(t, r), c.at(r, 2)
	empty.lose(potluck.ShareID{Index: r.Index, Number: 2})
	for _, h := range c.hosts {
		h.refusal = &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 1, Short: 1}
	}
	done := c.repair(cp, files.RepairOptions{})
	if len(done.Placed) != 0 || done.Left != 1 || len(done.Failed) == 0 {
		t.Errorf("nobody has room: %+v", done)
	}
	for _, h := range c.hosts {
		if h != empty {
			h.refusal = nil
		}
	}
	if done = c.repair(cp, files.RepairOptions{}); len(done.Placed) != 1 || done.Placed[0].Host == empty.net.ID() {
		t.Errorf("others have room: %+v", done)
	}
	c.whole(cp, 4)
}

// TestAPutEndsARepair: the file belongs to whoever changes it.
func TestAPutEndsARepair(t *testing.T) {
	c := newCircle(t, 4)
	data := content(2_000_000)
	r := c.put(data, files.PutOptions{K: 2, N: 4})
	lost := c.at(r, 3)
	lost.lose(potluck.ShareID{Index: r.Index, Number: 3})
	for _, h := range c.hosts {
		h.stall = make(chan struct{})
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.files.Repair(context.WithoutCancel(t.Context()), verifyOf(t, r), files.RepairOptions{}, nil)
		done <- err
	}()
	for lost.asked.Load() < 2 { // once for the put, once for the repair
		if len(done) > 0 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if _, err := c.files.Remove(t.Context(), mustParse(t, r.Cap)); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the repair of a removed file went on")
	}
}
