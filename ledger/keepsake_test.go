package ledger

import (
	"errors"
	"testing"

	"potluck/ledger/signed"
)

// keepsake is one of an epoch and a serial.
func (p person) keepsake(epoch, serial uint64, now int64, blob string) signed.Document {
	b, err := signed.SealKeepsake(p.key, signed.Keepsake{Owner: p.id, Epoch: epoch, Serial: serial, Time: now, Blob: []byte(blob)})
	return sealed(signed.KindKeepsake, b, err)
}

// TestKeepsakes: the highest epoch counts, then the highest serial, in whatever
// order they come; two of one number leave a proof; and all is there after a
// restart.
func TestKeepsakes(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	b := openD(t, dir, c)
	now := c.now().Unix()
	if _, err := b.Accept(t.Context(), personP.keepsake(1, 1, now, "x")); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a stranger: %v", err)
	}
	if err := b.Befriend(t.Context(), Account{Peer: personP.id, Name: "P"}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		epoch, serial uint64
		blob          string
		want          Outcome
	}{
		{1, 7, "a", OutcomeNew}, {1, 7, "a", OutcomeKnown}, {1, 6, "b", OutcomeStale}, {2, 1, "c", OutcomeNew}, {1, 8, "d", OutcomeStale},
		{2, 1, "e", OutcomeConflict}, {2, 2, "f", OutcomeNew},
	} {
		if got, err := b.Accept(t.Context(), personP.keepsake(s.epoch, s.serial, now, s.blob)); err != nil || got != s.want {
			t.Errorf("epoch %d, serial %d: %v, %v, want %v", s.epoch, s.serial, got, err, s.want)
		}
	}
	if _, err := b.Accept(t.Context(), personP.keepsake(2, 3, now+day, "g")); !errors.Is(err, signed.ErrNotYet) {
		t.Errorf("of tomorrow: %v", err)
	}
	look := func(b *Book) {
		t.Helper()
		row, err := b.Document(t.Context(), signed.KindKeepsake, personP.id, "")
		if err != nil {
			t.Fatal(err)
		}
		k, err := row.Document.Keepsake()
		if err != nil || string(k.Blob) != "f" || row.Number != 2<<32+2 || !row.Live || row.Conflict == nil {
			t.Errorf("the books have %+v, %v", row, err)
		}
		if r, err := b.Check(t.Context()); err != nil || len(r.Problems) > 0 || r.Documents != 1 || r.Proofs != 1 {
			t.Errorf("check: %+v, %v", r, err)
		}
	}
	look(b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	look(openD(t, dir, c))
}
