package node

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

// audited is an owner with a clock of its own, and a host that keeps some shares.
type audited struct {
	owner, host *Node
	at          *clock
	charge      potluck.Size
	leave       func() // stops the host
}

func startAudited(t *testing.T, files int) audited {
	t.Helper()
	a := audited{at: new(clock)}
	c := config(t, "owner")
	c.Clock, c.CrawlShare = a.at.now, -1
	a.owner, _ = start(t, c)
	h := config(t, "host")
	h.CrawlShare = -1
	a.host, a.leave = start(t, h)
	befriend(t, a.host, a.owner)
	for range files {
		_, a.charge = store(t, a.owner, a.host, 700*potluck.KiB)
	}
	return a
}

// audit moves the owner's clock and lets it ask.
func (a audited) audit(t *testing.T, passed time.Duration) ledger.Deeds {
	t.Helper()
	a.at.forward(passed)
	if err := a.owner.audit.cycle.TriggerWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	days, err := a.owner.book.History(t.Context(), a.host.self, 0, a.owner.Today())
	if err != nil {
		t.Fatal(err)
	}
	var sum ledger.Deeds
	for _, d := range days {
		sum = sum.Plus(d.Deeds)
	}
	return sum
}

func TestAnHonestHostIsProved(t *testing.T) {
	a := startAudited(t, 3)
	if got := a.audit(t, 0); got.AuditsGood != 0 {
		t.Errorf("%d audits at once, want none: the receipts are fresh", got.AuditsGood)
	}
	day := a.audit(t, 24*time.Hour)
	if day.AuditsGood < 60 || day.AuditsGood > 66 || day.AuditsFailed != 0 || day.AuditBytes < 60*16*1024 || day.AuditBytes > 66*int64(maxUnitCost) {
		t.Errorf("after a day %+v, want some 66 units, all good", day)
	}
	v, err := a.owner.History(t.Context(), account(t, a.owner, a.host), a.owner.Today()-3, a.owner.Today())
	if err != nil {
		t.Fatal(err)
	}
	if v.Proof.Asked-v.Proof.Proven > 30 || v.Proof.Lapsed || v.Proof.Until != v.Proof.Proven+14*daySeconds || v.Proof.Audits != 66 || v.Sum.AuditsGood != day.AuditsGood {
		t.Errorf("history is %+v", v)
	}
	t.Logf("%d units and %v a day for %v held", v.Proof.Audits, v.Proof.AuditBytes, 3*a.charge)
	a.audit(t, 8*24*time.Hour) // the shares' turn has come
	index := a.owner.firstFile(t)
	rows, err := a.owner.book.Placements(t.Context(), index)
	if err != nil || len(rows) != 1 || rows[0].LastGood < a.at.now().Add(-2*24*time.Hour).Unix() {
		t.Errorf("placements %+v, %v", rows, err)
	}
}

func (n *Node) firstFile(t *testing.T) (index potluck.StorageIndex) {
	t.Helper()
	err := n.book.Files(t.Context(), func(f ledger.File) error { index = f.Index; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// flipAll flips a byte in the middle of every share that a node keeps.
func flipAll(t *testing.T, n *Node) {
	t.Helper()
	err := filepath.WalkDir(n.dir.join("shares"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() < 100<<10 {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		for at := info.Size() / 6; at < info.Size(); at += info.Size() / 6 { // one in each block
			var b [1]byte
			if _, err := f.ReadAt(b[:], at); err != nil {
				return err
			}
			b[0] ^= 1
			if _, err := f.WriteAt(b[:], at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWrongBytesAreLostAtOnce(t *testing.T) {
	a := startAudited(t, 2)
	a.audit(t, 24*time.Hour)
	supply := func() potluck.Size {
		v, err := a.owner.book.Credit(t.Context(), a.host.self)
		if err != nil {
			t.Fatal(err)
		}
		return v.Supply - v.Opening
	}
	if got := supply(); got != 2*a.charge {
		t.Fatalf("supply is %d, want %d", got, 2*a.charge)
	}
	flipAll(t, a.host)
	for range 5 {
		a.audit(t, 24*time.Hour)
	}
	if got := supply(); got != 0 {
		t.Errorf("supply is %d, want 0", got)
	}
	events, err := a.owner.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, e := range events {
		if e.Kind != ledger.KindAuditFailed {
			continue
		}
		failed++
		var said asking
		if err := json.Unmarshal(e.Evidence, &said); err != nil || said.Share != *e.Share || said.Answer == "" || e.Bytes != a.charge || e.Peer != a.host.self {
			t.Errorf("event %+v with evidence %s, %v", e, e.Evidence, err)
		}
	}
	if failed != 2 {
		t.Errorf("%d events of failed audits, want 2", failed)
	}
	if n, err := a.owner.failures(t.Context(), a.host.self); err != nil || n != 2 {
		t.Errorf("%d failures count, %v, want 2", n, err)
	}
	turn(t, a.owner)
	if s := account(t, a.owner, a.host).Standing; s.Step == 0 || s.Reason.String() == "" {
		t.Errorf("standing %+v", s)
	}
}

func TestMissingSharesAreLostAtOnce(t *testing.T) {
	a := startAudited(t, 2)
	err := a.host.store.List(t.Context(), potluck.ShareID{}, func(i shares.Info) error { return a.host.store.Delete(t.Context(), i.ID) })
	if err != nil {
		t.Fatal(err)
	}
	a.audit(t, 3*24*time.Hour)
	eventually(t, "both placements lost", func() bool {
		u, err := a.owner.book.Usage(t.Context(), a.host.self)
		return err == nil && u.Earned == 0
	})
}

// What nothing proves any more is no credit, until the next good audit.
func TestProofEndsAndComesBack(t *testing.T) {
	a := startAudited(t, 1)
	supply := func() potluck.Size {
		if err := a.owner.book.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		v, err := a.owner.book.Credit(t.Context(), a.host.self)
		if err != nil {
			t.Fatal(err)
		}
		return v.Supply - v.Opening
	}
	a.owner.audit.cycle.Pause()
	a.at.forward(15 * 24 * time.Hour)
	if got := supply(); got != 0 {
		t.Errorf("supply is %d after 15 days, want 0", got)
	}
	if w, err := a.owner.Who(t.Context()); err != nil || w.Totals.HoldForMe.Bytes != a.charge {
		t.Errorf("the books say %+v, %v; want %d, as the host's do", w.Totals, err, a.charge)
	}
	a.audit(t, 0)
	if got := supply(); got != a.charge {
		t.Errorf("supply is %d after an audit, want %d", got, a.charge)
	}
}

func TestOneFailureAmongManyIsForgiven(t *testing.T) {
	n, _ := start(t, config(t, "node"))
	if err := n.book.Know(t.Context(), "host", "", nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		good, failed int64
		want         int
	}{{0, 1, 1}, {98, 0, 1}, {2, 0, 0}, {0, 1, 2}, {200, 0, 0}} {
		if err := n.book.Record(t.Context(), []ledger.Past{{Peer: "host", Day: n.Today(), Deeds: ledger.Deeds{AuditsGood: c.good, AuditsFailed: c.failed}}}); err != nil {
			t.Fatal(err)
		}
		if got, err := n.failures(t.Context(), "host"); err != nil || got != c.want {
			t.Errorf("%+v: %d failures count, %v", c, got, err)
		}
	}
}

// mute is a store that can't say whether it has one share.
type mute struct {
	shares.Store
	id potluck.ShareID
}

func (m mute) Open(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	if id == m.id {
		return nil, errors.New("the disk doesn't answer")
	}
	return m.Store.Open(ctx, id)
}

// TestSilenceOutlivesARestart: a host that answers all but what it lost is found
// out also by an owner who is started anew each week.
func TestSilenceOutlivesARestart(t *testing.T) {
	a := audited{at: new(clock)}
	c := config(t, "owner")
	c.Clock, c.CrawlShare, c.RepairBudget = a.at.now, -1, -1
	owner, stop := start(t, c)
	a.owner = owner
	a.host, _ = startStaged(t, config(t, "host"))
	befriend(t, a.host, a.owner)
	lost, _ := store(t, a.owner, a.host, 700*potluck.KiB)
	store(t, a.owner, a.host, 700*potluck.KiB)
	exchange(a.host, mute{a.host.store, shareOf(lost)})
	for range 4 { // each day's questions are drawn at random
		a.audit(t, 24*time.Hour)
	}
	stop()
	a.owner, _ = start(t, c)
	eventually(t, "the host is back", func() bool { return a.owner.host.Connected(a.host.self) })
	if got := a.audit(t, 8*24*time.Hour); got.AuditsFailed != 1 {
		t.Errorf("%+v, want one failed", got)
	}
	if got := stateAt(t, a.owner, a.host, shareOf(lost)); got != ledger.PlacedLost {
		t.Errorf("the share is in state %d, want it lost", got)
	}
}
