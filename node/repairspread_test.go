package node

import (
	"errors"
	"testing"
	"time"

	"potluck"
	"potluck/files"
	"potluck/shares"
)

// each fails the test unless every host holds so many shares of one file.
func (b *neighbourhood) each(index potluck.StorageIndex, want int) {
	b.t.Helper()
	for _, h := range b.hosts {
		rows, err := h.book.SharesOf(b.t.Context(), index)
		if err != nil || len(rows) != want {
			b.t.Errorf("%s holds %d shares, want %d; %v", h.config.Name, len(rows), want, err)
		}
	}
}

// TestASpoiltCopyIsReplacedWhereItLies: a share rots on a disk, and its host doesn't
// know. What the owner's check finds is told by the dry run, and the loop has the
// same host hold a right one.
func TestASpoiltCopyIsReplacedWhereItLies(t *testing.T) {
	b := newNeighbourhood(t, 4, nil)
	c := b.put("a file", 300_000, 2, 4)
	v, _ := files.VerifyCap(c)
	spoilt := b.hosts[1]
	rows, err := spoilt.book.SharesOf(t.Context(), v.Index)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v, %v", rows, err)
	}
	flipBit(t, spoilt, rows[0].ID, int64(shares.HeaderLen)+100_000)
	r, err := b.owner.Health(t.Context(), c, files.CheckOptions{Verify: true}, nil)
	if err != nil || r.Short != 1 || r.Files[0].Damaged != 1 {
		t.Fatalf("check: %+v, %v", r, err)
	}
	if r, err = b.owner.Health(t.Context(), nil, files.CheckOptions{}, nil); err != nil || r.Short != 1 || r.Files[0].Lost != 1 {
		t.Errorf("check by claims afterwards: %+v, %v", r, err)
	}
	dry, err := b.owner.Repair(t.Context(), nil, true, nil)
	if err != nil || len(dry.Files[0].Missing) != 1 || len(dry.Files[0].Placed) != 1 || dry.Files[0].Placed[0].Host != spoilt.self {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	done, err := b.owner.Repair(t.Context(), nil, false, nil)
	if err != nil || len(done.Files[0].Placed) != 1 || done.Files[0].Placed[0].Host != spoilt.self || done.Files[0].Left != 0 {
		t.Errorf("repair: %+v, %v", done, err)
	}
	b.each(v.Index, 1)
	b.whole(c)
	for _, h := range b.hosts {
		clean(t, h)
	}
	flipBit(t, spoilt, rows[0].ID, int64(shares.HeaderLen)+100_000) // and once more
	if _, err := b.owner.Health(t.Context(), c, files.CheckOptions{Verify: true}, nil); err != nil {
		t.Fatal(err)
	}
	if done, err = b.owner.Repair(t.Context(), c, false, nil); err != nil || len(done.Files[0].Placed) != 1 || done.Files[0].Placed[0].Host == spoilt.self {
		t.Errorf("the host that spoilt it twice has it again: %+v, %v", done, err)
	}
	b.whole(c)
}

// TestTheLoopSpreadsWhatLiesTogether: a friend comes later than the file; the loop
// moves one share to it, for what that costs, and then nothing more.
func TestTheLoopSpreadsWhatLiesTogether(t *testing.T) {
	b := newNeighbourhood(t, 3, nil)
	c := b.put("a file", 300_000, 2, 4)
	v, _ := files.VerifyCap(c)
	late, end := start(t, config(t, "late"))
	b.ends[late] = end
	befriend(t, late, b.owner)
	b.clock.forward(2 * time.Hour)
	b.turn(b.owner)
	b.hosts = append(b.hosts, late)
	if moved := b.moved(b.owner, c); moved == 0 || moved > files.MoveCost(v.Layout) {
		t.Errorf("moved %d bytes, want at most %d: %s", moved, files.MoveCost(v.Layout), b.told(b.owner))
	}
	b.each(v.Index, 1)
	b.whole(c)
	before := b.moved(b.owner, c)
	b.clock.forward(2 * time.Hour)
	if b.turn(b.owner); b.moved(b.owner, c) != before {
		t.Error("a file that is spread was moved again")
	}
	if u, err := b.owner.book.Usage(t.Context(), late.self); err != nil || u.EarnedShares == 0 {
		t.Errorf("the books of what the late friend holds: %+v, %v", u, err)
	}
}

// TestNobodyTakesTheMove: who has no room isn't asked each hour, and a share that
// is lost meanwhile doesn't wait for that.
func TestNobodyTakesTheMove(t *testing.T) {
	b := newNeighbourhood(t, 3, nil)
	c := b.put("a file", 300_000, 1, 4)
	v, _ := files.VerifyCap(c)
	cf := config(t, "full")
	cf.Offer = 1
	full, end := start(t, cf)
	b.ends[full] = end
	befriend(t, full, b.owner)
	b.clock.forward(2 * time.Hour)
	b.turn(b.owner)
	if moved := b.moved(b.owner, c); moved != 0 || !b.owner.repair.spread(v.Index) || b.owner.repair.waits(v.Index, b.clock.now()) {
		t.Errorf("moved %d bytes; waits for a move %v, for a repair %v", moved, b.owner.repair.spread(v.Index), b.owner.repair.waits(v.Index, b.clock.now()))
	}
	for _, h := range b.hosts[:2] {
		rows, err := h.book.SharesOf(t.Context(), v.Index)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if err := h.store.Delete(t.Context(), row.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.owner.Health(t.Context(), c, files.CheckOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	b.turn(b.owner)
	b.whole(c)
}

// TestOlderCopiesRepairNothing: with all files as with one, an older copy says so,
// rather than that each file failed.
func TestOlderCopiesRepairNothing(t *testing.T) {
	b := newNeighbourhood(t, 2, nil)
	c := b.put("a file", 10_000, 1, 2)
	if _, err := b.owner.epoch.saw(7); err != nil {
		t.Fatal(err)
	}
	var older *OlderCopyError
	if r, err := b.owner.Repair(t.Context(), nil, false, nil); !errors.As(err, &older) || len(r.Failed) != 0 {
		t.Errorf("all files: %+v, %v", r, err)
	}
	if _, err := b.owner.Repair(t.Context(), c, false, nil); !errors.As(err, &older) {
		t.Errorf("one file: %v", err)
	}
	if r, err := b.owner.Repair(t.Context(), nil, true, nil); err != nil || len(r.Files) != 1 {
		t.Errorf("a dry run: %+v, %v", r, err)
	}
}

// TestSpoilers: one chance for a copy that went bad, and none forgotten but the
// oldest of very many.
func TestSpoilers(t *testing.T) {
	var s spoilers
	blame := files.Blame{Host: "host", Share: potluck.ShareID{Index: potluck.StorageIndex{1}, Number: 3}}
	wrong := files.RepairResult{Index: blame.Share.Index, Blamed: []files.Blame{blame}}
	told := func() (o files.RepairOptions) {
		s.tell(wrong.Index, &o)
		return o
	}
	s.learn(wrong) // made anew elsewhere
	if o := told(); len(o.Retried)+len(o.Caught) != 0 {
		t.Errorf("wrong once: %+v", o)
	}
	again := wrong
	again.Placed = []files.Placed{{Host: blame.Host, Number: 3}}
	s.learn(again)
	if o := told(); len(o.Retried) != 1 || len(o.Caught) != 0 {
		t.Errorf("given it anew: %+v", o)
	}
	s.learn(wrong)
	if o := told(); len(o.Caught) != 1 || o.Caught[0] != blame.Host {
		t.Errorf("wrong again: %+v", o)
	}
	for i := range maxSpoilers + 5 {
		again.Index = potluck.StorageIndex{2, byte(i), byte(i >> 8)}
		s.learn(again)
	}
	if len(s.retried) > maxSpoilers {
		t.Errorf("%d files are remembered", len(s.retried))
	}
}
