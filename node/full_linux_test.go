package node

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/internal/testdisk"
	"potluck/ledger"
)

// stuff takes every byte of a disk.
func stuff(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "stuffing"))
	if err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 256<<10); len(buf) > 0; {
		if _, err := f.Write(buf); err != nil { // then what is smaller
			buf = buf[:len(buf)/2]
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAuditsWithAFullDisk: with no byte left at the host, or at the owner, reads,
// audits and deletes go on; an audit that finds shares spoiled is booked; and
// nothing new is taken.
func TestAuditsWithAFullDisk(t *testing.T) {
	for _, full := range []string{"host", "owner"} {
		t.Run(full, func(t *testing.T) {
			disk := testdisk.Of(t, int64(256*potluck.MiB))
			a := audited{at: new(clock)}
			begin := func(name string) *Node {
				c := config(t, name)
				if c.CrawlShare, c.RepairBudget = -1, -1; name == full {
					c.Data = filepath.Join(disk.Dir, name)
				}
				if name == "owner" {
					c.Clock = a.at.now
				}
				n, _ := start(t, c)
				return n
			}
			a.owner, a.host = begin("owner"), begin("host")
			befriend(t, a.host, a.owner)
			var kept []caps.Cap
			for range 3 {
				c, _ := store(t, a.owner, a.host, 700*potluck.KiB)
				kept = append(kept, c)
			}
			before := a.audit(t, 24*time.Hour)
			stuff(t, disk.Dir)
			_, _, err := tryStore(t, a.owner, a.host, 700*potluck.KiB)
			var spread *files.SpreadError
			if full == "host" && !errors.As(err, &spread) || full == "owner" && !errors.Is(err, ledger.ErrFull) {
				t.Errorf("a put with a full disk: %v", err)
			}
			for _, c := range kept {
				var b bytes.Buffer
				if r, err := a.owner.Get(t.Context(), c, &b, files.GetOptions{}, nil); err != nil || r.Size != 700*potluck.KiB {
					t.Errorf("read %v: %v", r.Size, err)
				}
			}
			day := a.audit(t, 24*time.Hour)
			if good := day.AuditsGood - before.AuditsGood; good < 60 || day.AuditsFailed != 0 {
				t.Errorf("%d audits were good, %d failed; want a day's", good, day.AuditsFailed)
			}
			if r, err := a.owner.Remove(t.Context(), kept[0]); err != nil || r.Cancelled != 1 {
				t.Errorf("remove: %+v, %v", r, err)
			}
			if row, err := a.host.book.Share(t.Context(), shareOf(kept[0])); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("the host still has %+v, %v", row, err)
			}
			flipAll(t, a.host)
			a.audit(t, 3*24*time.Hour)
			for _, c := range kept[1:] {
				if got := stateAt(t, a.owner, a.host, shareOf(c)); got != ledger.PlacedLost {
					t.Errorf("a spoilt share is in state %v, want it lost", got)
				}
			}
		})
	}
}
