package ledger

import (
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// The words of both sides are those of the rows, in the order of IDs, however they
// are cut into pages; and statements between others leave the network as it is.
func TestWordsAfter(t *testing.T) {
	var people []person
	for i := range 5 {
		people = append(people, newPerson(fmt.Sprint("friend ", i)))
	}
	b, c := booksD(t, people...)
	now := c.now().Unix()
	for i, host := range people {
		for j, owner := range people {
			if i == j || i == 3 && j == 1 {
				continue
			}
			accept(t, b, OutcomeNew, statement(host, owner, 1, now, potluck.Size(10*i+j), host, owner))
		}
	}
	accept(t, b, OutcomeNew, statement(people[0], people[1], 2, now, 77, people[0]))
	accept(t, b, OutcomeNew, statement(people[3], people[1], 1, now, 5, people[1]))
	sameGraph(t, b)

	var want []Words
	err := b.Documents(t.Context(), signed.KindStatement, func(row DocumentRow) error {
		w := Words{Host: row.Issuer, Owner: row.Other}
		for _, d := range []*signed.Document{&row.Document, row.ByHost, row.ByOwner} {
			if d == nil || len(d.Sealed) == 0 {
				continue
			}
			s, byHost, byOwner, err := d.Statement()
			if err != nil {
				return err
			}
			if byHost {
				w.ByHost = &s
			}
			if byOwner {
				w.ByOwner = &s
			}
		}
		want = append(want, w)
		return nil
	})
	if err != nil || len(want) != 20 {
		t.Fatalf("%d pairs, %v; want 20", len(want), err)
	}
	same := func(a, b Words) bool {
		one := func(x, y *signed.Statement) bool { return (x == nil) == (y == nil) && (x == nil || *x == *y) }
		return a.Host == b.Host && a.Owner == b.Owner && one(a.ByHost, b.ByHost) && one(a.ByOwner, b.ByOwner)
	}
	for _, limit := range []int{1, 3, 7, 100} {
		var got []Words
		for host, owner := peer.ID(""), peer.ID(""); ; {
			before := len(got)
			err := b.WordsAfter(t.Context(), host, owner, func(w Words) error {
				if got = append(got, w); len(got)-before == limit {
					return ErrStop
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got)-before < limit {
				break
			}
			host, owner = got[len(got)-1].Host, got[len(got)-1].Owner
		}
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("pages of %d: %+v, want %+v", limit, got, want)
		}
	}
}
