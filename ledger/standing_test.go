package ledger

import (
	"errors"
	"testing"
	"time"

	"potluck"
	"potluck/ledger/credit"
)

// An account that is slowed adds at most SlowedPerDay in any 24 hours; one that
// is frozen, nothing.
func TestStandingBindsAdmission(t *testing.T) {
	b, c := booksD(t)
	friend(t, b, personX, Terms{Gift: potluck.GiB})
	set := func(s credit.Standing) {
		t.Helper()
		if err := b.SetStanding(t.Context(), personX.id, s, "test", []byte("evidence")); err != nil {
			t.Fatal(err)
		}
	}
	set(credit.Standing{Step: credit.StepSlowed, Since: 5, Reason: credit.Worded("x")})
	if err := store(t, b, c, personX, 1, 60*potluck.MiB); err != nil {
		t.Fatal(err)
	}
	refused(t, store(t, b, c, personX, 2, 4*potluck.MiB+1), potluck.CodeRate, 4*potluck.MiB)
	refused(t, store(t, b, c, personX, 2, 2*potluck.GiB), potluck.CodeUnfunded, 4*potluck.MiB)
	cancel(t, b, personX, 1) // gives nothing back
	c.move(12 * time.Hour)
	if free, err := b.Quote(t.Context(), personX.id, roomy, 1); err != nil || free != 4*potluck.MiB {
		t.Error(free, err)
	}
	if err := store(t, b, c, personX, 2, 4*potluck.MiB); err != nil {
		t.Fatal(err)
	}
	refused(t, store(t, b, c, personX, 3, 1), potluck.CodeRate, 0)
	c.move(13 * time.Hour)
	if free, err := b.Quote(t.Context(), personX.id, roomy, 1); err != nil || free != 60*potluck.MiB {
		t.Error(free, err)
	}
	set(credit.Standing{Step: credit.StepFrozen, Since: 6})
	refused(t, store(t, b, c, personX, 3, 1), potluck.CodeFrozen, 0)
	set(credit.Standing{})
	if err := store(t, b, c, personX, 3, 100*potluck.MiB); err != nil {
		t.Error(err)
	}
	if err := b.SetStanding(t.Context(), personX.id, credit.Standing{Step: 9}, "", nil); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if err := b.SetStanding(t.Context(), personY.id, credit.Standing{}, "", nil); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	sameGraph(t, b)
	clean(t, b)
}

func TestEvictNewest(t *testing.T) {
	b, c := booksD(t)
	friend(t, b, personX, Terms{Gift: potluck.GiB})
	for file := range 6 {
		if err := store(t, b, c, personX, file, 10); err != nil {
			t.Fatal(err)
		}
		c.move(time.Minute)
	}
	if _, err := b.Reserve(t.Context(), personX.id, roomy, []Reservation{reservation(c, shareID(9, 0), 10)}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		atMost potluck.Size
		gone   []int
	}{{0, nil}, {25, []int{5, 4}}, {1, []int{3}}, {20, []int{2, 1}}, {1000, []int{0}}, {1000, nil}} {
		freed, gone, err := b.EvictNewest(t.Context(), personX.id, tt.atMost)
		if err != nil || freed != potluck.Size(10*len(tt.gone)) || len(gone) != len(tt.gone) {
			t.Fatalf("at most %d: %d, %v, %v", tt.atMost, freed, gone, err)
		}
		for i, n := range tt.gone {
			if gone[i] != shareID(n, 0) {
				t.Errorf("at most %d: %v", tt.atMost, gone)
			}
		}
	}
	clean(t, b)
}

// Both sides of a holding sum it alike.
func TestSummariesAgree(t *testing.T) {
	host, c := booksD(t)
	friend(t, host, personX, Terms{Gift: potluck.GiB})
	dir := t.TempDir()
	cfg := config(dir, c)
	cfg.Self = personX.id
	owner, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	friend(t, owner, personD, Terms{})
	for file := range 5 {
		if err := store(t, host, c, personX, file, potluck.Size(10+file)); err != nil {
			t.Fatal(err)
		}
		p := Placement{Share: shareID(file, 0), Host: personD.id, Layout: layout, Charge: potluck.Size(10 + file), Root: digest(1), Manifest: digest(2), State: PlacedStable}
		if err := owner.Place(t.Context(), []Placement{p}); err != nil {
			t.Fatal(err)
		}
	}
	both := func() (Summary, Summary) {
		h, err1 := host.Summary(t.Context(), personD.id, personX.id)
		o, err2 := owner.Summary(t.Context(), personD.id, personX.id)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		return h, o
	}
	if h, o := both(); h != o || h.Bytes != 60 || h.Shares != 5 {
		t.Errorf("%+v, %+v", h, o)
	}
	if err := host.MarkShare(t.Context(), shareID(2, 0), ShareLost, "test"); err != nil {
		t.Fatal(err)
	}
	if h, o := both(); h == o || h.Bytes != 48 {
		t.Errorf("%+v, %+v", h, o)
	}
	if err := owner.Mark(t.Context(), personD.id, []potluck.ShareID{shareID(2, 0)}, PlacedLost, "test"); err != nil {
		t.Fatal(err)
	}
	if h, o := both(); h != o {
		t.Errorf("%+v, %+v", h, o)
	}
	if _, err := host.Summary(t.Context(), personX.id, personP.id); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}
