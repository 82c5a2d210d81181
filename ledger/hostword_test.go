package ledger

import (
	"testing"

	"potluck/ledger/signed"
)

// What a host says alone gives way to the owner's word on the same number, in
// whatever order the two come: both nodes' books show the same.
func TestOwnersWordReplacesTheHosts(t *testing.T) {
	for _, name := range []string{"host first", "owner first"} {
		t.Run(name, func(t *testing.T) {
			b, c := booksD(t, personP, personK)
			now := c.now().Unix()
			accept(t, b, OutcomeNew, statement(personP, personK, 1, now, 300, personP, personK))
			hosts, owners := statement(personP, personK, 2, now, 0, personP), statement(personP, personK, 2, now+1, 0, personK)
			if name == "host first" {
				accept(t, b, OutcomeNew, hosts, owners)
			} else {
				accept(t, b, OutcomeNew, owners)
				accept(t, b, OutcomeStale, hosts)
			}
			row, err := b.Document(t.Context(), signed.KindStatement, personP.id, personK.id)
			if err != nil || row.ByHost != nil || row.ByOwner == nil {
				t.Errorf("by host %v, by owner %v, %v; want the owner's alone", row.ByHost, row.ByOwner, err)
			}
		})
	}
}
