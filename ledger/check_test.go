package ledger

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"potluck"
)

// Each rule that is broken by hand is named by Check.
func TestCheckFindsEveryBrokenRule(t *testing.T) {
	id, coming, going := shareID(1, 0), shareID(1, 1), shareID(1, 2)
	tests := []struct {
		name  string
		spoil func(t *tx)
		finds []string
	}{
		{"account gone", func(t *tx) { t.del(peerKey(keyAccount, alice)) }, []string{"have no account"}},
		{"counters gone", func(t *tx) { t.del(peerKey(keyUsage, alice)) }, []string{"has no counters", "which has no counters"}},
		{"counters wrong", func(t *tx) { t.set(peerKey(keyUsage, alice), encodeUsage(Usage{Held: 1})) }, []string{"counters of"}},
		{"totals gone", func(t *tx) { t.del([]byte{keyTotals}) }, []string{"totals are missing"}},
		{"totals wrong", func(t *tx) { t.set([]byte{keyTotals}, encodeUsage(Usage{})) }, []string{"totals are {"}},
		{"share gone", func(t *tx) { t.del(shareKey(keyShare, id)) }, []string{"which isn't there"}},
		{"lease gone", func(t *tx) { t.del(sharePeerKey(keyLease, id, bob)) },
			[]string{"says 2 leases, has 1", "counters of", "totals are", "no such row"}},
		{"lease moved", func(t *tx) {
			t.set(sharePeerKey(keyLease, coming, alice), encodeLease(Lease{Owner: alice, Pending: true, Until: 77, Charge: 10}))
		}, []string{"isn't the pending one", "no entry", "no such row"}},
		{"charge differs", func(t *tx) { t.set(sharePeerKey(keyLease, id, bob), encodeLease(Lease{Owner: bob, Charge: 11})) },
			[]string{"charges 11", "counters of"}},
		{"owner index gone", func(t *tx) { t.del(peerShareKey(keyLeaseByOwner, alice, id)) }, []string{"no entry"}},
		{"owner index extra", func(t *tx) { t.mark(peerShareKey(keyLeaseByOwner, carol, id)) }, []string{"no such row"}},
		{"end index extra", func(t *tx) { t.mark(leaseEndKey(1, id, alice)) }, []string{"no such row"}},
		{"going index gone", func(t *tx) { t.del(goingKey(1_800_000_000+goingRetry, going)) }, []string{"no entry"}},
		{"going index extra", func(t *tx) { t.mark(goingKey(1, coming)) }, []string{"no such row"}},
		{"host index gone", func(t *tx) { t.del(peerShareKey(keyPlacementByHost, bob, id)) }, []string{"no entry"}},
		{"host index extra", func(t *tx) { t.mark(peerShareKey(keyPlacementByHost, alice, id)) }, []string{"no such row"}},
		{"placement gone", func(t *tx) { t.del(sharePeerKey(keyPlacement, id, bob)) }, []string{"no such row", "counters of"}},
		{"event gone", func(t *tx) { t.del(eventKey(3)) }, []string{"event 4 follows event 2", "events end at"}},
		{"event changed", func(t *tx) {
			row, _, _ := t.get(eventKey(3))
			row = bytes.Clone(row)
			row[0] ^= 1
			t.set(eventKey(3), row)
		}, []string{"event 3 has chain value", "event 4 has chain value"}},
		{"unknown rows", func(t *tx) { t.set([]byte{0}, []byte{1}); t.set([]byte{0xee, 1}, []byte{1}) }, []string{"row 00 is of no", "row ee01 is of no"}},
		{"unreadable rows", func(t *tx) {
			for _, k := range [][]byte{shareKey(keyShare, id), sharePeerKey(keyLease, id, bob), indexKey(keyFile, id.Index), indexKey(keyInvite, id.Index), {keyAccount, 9}} {
				t.set(k, []byte{0xff})
			}
		}, []string{"share row", "lease row", "file row", "invite row", "wrong form"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := fullBooks(t, id, coming, going)
			if err := b.do(t.Context(), "spoil", false, func(x *tx) error { tt.spoil(x); return nil }); err != nil {
				t.Fatal(err)
			}
			r, err := b.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(r.Problems, "\n")
			for _, want := range tt.finds {
				if !strings.Contains(all, want) {
					t.Errorf("nothing about %q in:\n%s", want, all)
				}
			}
		})
	}
}

// fullBooks has rows of every kind that the spoilers spoil.
func fullBooks(t *testing.T, id, coming, going potluck.ShareID) *Book {
	t.Helper()
	b, c := newBooks(t)
	befriend(t, b, alice, bob)
	hold(t, b, c, alice, id, 10)
	hold(t, b, c, bob, id, 10)
	hold(t, b, c, alice, going, 10)
	if _, err := b.Reserve(t.Context(), alice, roomy, []Reservation{reservation(c, coming, 10)}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Cancel(t.Context(), alice, []potluck.ShareID{going}); err != nil {
		t.Fatal(err)
	}
	p := Placement{Share: id, Host: bob, Layout: layout, Charge: 10, Placed: time.Now().Unix(), State: PlacedStable}
	if err := b.Place(t.Context(), []Placement{p}); err != nil {
		t.Fatal(err)
	}
	clean(t, b)
	return b
}

func TestCheckNamesSoManyProblems(t *testing.T) {
	b, _ := newBooks(t)
	err := b.do(t.Context(), "spoil", false, func(t *tx) error {
		for n := range MaxProblems + 5 {
			t.set([]byte{0xee, byte(n >> 8), byte(n)}, []byte{1})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Check(t.Context())
	if err != nil || len(r.Problems) != MaxProblems+1 || r.Problems[MaxProblems] != "and 5 problems more" {
		t.Error(len(r.Problems), err)
	}
}
