package ledger

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"potluck"
)

// TestDispute: it is told once a day at most, lasts over a restart, and ends when
// the two agree.
func TestDispute(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	b, err := Open(t.Context(), config(dir, c))
	if err != nil {
		t.Fatal(err)
	}
	befriend(t, b, alice)
	begun := c.now().Unix()
	d := Dispute{Host: alice, Owner: self, Mine: Summary{Bytes: 5, Shares: 1, Digest: digest(1)}, Theirs: Summary{Bytes: 7, Shares: 2}, Reason: "r", Evidence: []byte("{}")}
	for _, step := range []struct {
		wait time.Duration
		more potluck.Size
		told bool
	}{{0, 0, true}, {0, 1, false}, {25 * time.Hour, 0, false}, {0, 1, true}} {
		c.move(step.wait)
		d.Theirs.Bytes += step.more
		if told, err := b.Dispute(t.Context(), d); err != nil || told != step.told {
			t.Fatalf("%+v: %v, %v", step, told, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openBook(t, dir, c)
	all, err := b.Disputes(t.Context())
	if err != nil || len(all) != 1 || all[0].Since != begun || all[0].Theirs.Bytes != 9 || all[0].Mine != d.Mine || string(all[0].Evidence) != "{}" {
		t.Fatalf("%+v, %v", all, err)
	}
	clean(t, b)
	for range 2 {
		if err := b.Agree(t.Context(), alice, self, "the books are equal"); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := b.Disputes(t.Context()); err != nil || len(all) != 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	events, err := b.Events(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range events {
		if e.Kind == KindDispute || e.Kind == KindAgreed {
			kinds = append(kinds, e.Kind)
		}
	}
	if want := []string{KindDispute, KindDispute, KindAgreed}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
	clean(t, b)
}

func TestDisputeRefuses(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice)
	for name, c := range map[string]struct {
		d    Dispute
		want error
	}{
		"between two others":  {Dispute{Host: alice, Owner: bob}, ErrInvalid},
		"with oneself":        {Dispute{Host: self, Owner: self}, ErrInvalid},
		"with nobody":         {Dispute{Host: self}, ErrInvalid},
		"with a stranger":     {Dispute{Host: self, Owner: bob}, ErrNotFound},
		"figures below zero":  {Dispute{Host: self, Owner: alice, Mine: Summary{Bytes: -1}}, ErrInvalid},
		"figures over bounds": {Dispute{Host: self, Owner: alice, Theirs: Summary{Bytes: potluck.MaxSize + 1}}, ErrInvalid},
		"a long reason":       {Dispute{Host: self, Owner: alice, Reason: strings.Repeat("x", MaxReason+1)}, ErrInvalid},
		"long evidence":       {Dispute{Host: self, Owner: alice, Evidence: make([]byte, MaxProof+1)}, ErrInvalid},
	} {
		if _, err := b.Dispute(t.Context(), c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestCheckFindsWrongDisputes: of strangers, and between others.
func TestCheckFindsWrongDisputes(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice)
	for _, d := range []Dispute{{Host: self, Owner: bob}, {Host: alice, Owner: bob}} {
		err := b.do(t.Context(), "test", false, func(t *tx) error { t.set(disputeKey(d.Host, d.Owner), encodeDispute(d)); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.Check(t.Context())
	if err != nil || len(r.Problems) != 2 {
		t.Fatalf("%v, %v", r.Problems, err)
	}
	if err := b.do(t.Context(), "test", false, func(t *tx) error {
		t.del(disputeKey(self, bob))
		t.del(disputeKey(alice, bob))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
