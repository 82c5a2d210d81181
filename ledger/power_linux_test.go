package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"potluck/internal/testdisk"
)

// powerCuts is how often the power is cut.
func powerCuts() int {
	if os.Getenv("POTLUCK_LONG") != "" {
		return 60
	}
	return 6
}

// powerRound lets a child write until it has acknowledged so much, cuts the power
// of its disk, and notes what it had acknowledged.
func powerRound(t *testing.T, d *testdisk.Disk, round int, small bool, acked map[string]string) {
	t.Helper()
	lines := crashRun(t, filepath.Join(d.Dir, "books"), round*100_000, 10+round%20*20, small, d.Cut)
	for _, line := range lines {
		// What the child says of the disk after the cut is no fault of the books.
		if word, rest, _ := strings.Cut(line, " "); word != "error" {
			acked[rest] = word
		}
	}
	if err := errors.Join(d.Unmount(), d.Mount()); err != nil {
		t.Fatal(err)
	}
}

// What the books acknowledged is in them after a power cut.
func TestPowerCuts(t *testing.T) {
	d := testdisk.Of(t, 256<<20)
	acked := make(map[string]string)
	for round := range powerCuts() {
		powerRound(t, d, round, false, acked)
		crashVerify(t, filepath.Join(d.Dir, "books"), round, acked)
	}
	t.Logf("%d shares were acknowledged over %d power cuts", len(acked), powerCuts())
	if len(acked) < powerCuts() {
		t.Errorf("only %d shares in %d cuts: the test tests nothing", len(acked), powerCuts())
	}
}

// Books that aren't synced lose what they acknowledged when the power is cut: the
// loop would see a sync that is missing.
func TestPowerCutsFindAMissingSync(t *testing.T) {
	d := testdisk.Of(t, 256<<20)
	for round := range 10 {
		acked := make(map[string]string)
		powerRound(t, d, round, true, acked)
		if lost := countLost(t, filepath.Join(d.Dir, "books"), acked); lost > 0 {
			t.Logf("cut %d found %d lost of %d", round, lost, len(acked))
			return
		}
	}
	t.Error("10 cuts of books without syncs lost nothing: this test proves nothing")
}

// countLost tells how many of the acknowledged shares the books don't have.
func countLost(t *testing.T, dir string, acked map[string]string) (lost int) {
	t.Helper()
	c := config(dir, newClock())
	c.AcceptCut = true
	b, err := Open(t.Context(), c)
	if err != nil {
		t.Logf("the books don't open: %v", err)
		return len(acked)
	}
	defer b.Close()
	for key, word := range acked {
		if crashLost(t, b, key, word) != nil {
			lost++
		}
	}
	return lost
}
