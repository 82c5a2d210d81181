package ledger

import (
	"errors"
	"reflect"
	"testing"

	"potluck"
)

// Lines say of every account what the single questions say.
func TestLines(t *testing.T) {
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	if err := b.Know(t.Context(), carol, "carol", nil); err != nil {
		t.Fatal(err)
	}
	hold(t, b, c, alice, shareID(1, 0), 1000)
	if err := b.Place(t.Context(), []Placement{placementOf(2, 1, bob, PlacedStable)}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(t.Context(), bob, "", func(a *Account) error { a.Denied = true; return nil }); err != nil {
		t.Fatal(err)
	}
	lines, err := b.Lines(t.Context(), roomy, 1)
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v; want 3", len(lines), err)
	}
	for _, l := range lines {
		account, err1 := b.Account(t.Context(), l.Peer)
		usage, err2 := b.Usage(t.Context(), l.Peer)
		proof, err3 := b.Proof(t.Context(), l.Peer)
		credit, err4 := b.Credit(t.Context(), l.Peer)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		free, err := b.Quote(t.Context(), l.Peer, roomy, 1)
		var refusal *potluck.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		if want := (Line{account, usage, proof, credit, free, refusal}); !reflect.DeepEqual(l, want) {
			t.Errorf("%s: %+v, want %+v", l.Name, l, want)
		}
		if one, err := b.Line(t.Context(), l.Peer, roomy, 1); err != nil || !reflect.DeepEqual(one, l) {
			t.Errorf("%s alone: %+v, %v", l.Name, one, err)
		}
	}
	if _, err := b.Line(t.Context(), self, roomy, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody's line: %v", err)
	}
	if _, err := b.Lines(t.Context(), roomy, -1); !errors.Is(err, ErrInvalid) {
		t.Errorf("an ask below zero: %v", err)
	}
}

// DeedsOn has the day of every peer that has one.
func TestDeedsOn(t *testing.T) {
	b, _ := newBooks(t)
	befriend(t, b, alice, bob)
	rows := []Past{{alice, 7, Deeds{AuditsGood: 3}}, {alice, 8, Deeds{AuditsFailed: 1}}, {bob, 8, Deeds{In: 5}}}
	if err := b.Record(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	for day := int64(6); day < 10; day++ {
		got, err := b.DeedsOn(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, r := range rows {
			if r.Day == day {
				if want++; got[r.Peer] != r.Deeds {
					t.Errorf("day %d of %s: %+v", day, r.Peer, got[r.Peer])
				}
			}
		}
		if len(got) != want {
			t.Errorf("day %d: %d peers, want %d", day, len(got), want)
		}
	}
}
