package ledger

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"potluck"
	"potluck/ledger/signed"
)

// keeps notes what P's share is: held, or lost.
func keeps(t *testing.T, b *Book, p person, n potluck.Size, s PlacementState) {
	t.Helper()
	pl := Placement{Share: shareID(900, 0), Host: p.id, Layout: layout, Charge: n, Root: digest(1), Manifest: digest(2), State: s}
	if err := b.Place(t.Context(), []Placement{pl}); err != nil {
		t.Fatal(err)
	}
}

func part(p person, ppm int64) signed.Pointer {
	q := to(p, signed.NoLimit)
	q.SharePPM = ppm
	return q
}

// A pointer that ends while its issuer's supply is away is answered for like one
// that ends while it carries, however it ends.
func TestPointerEndsWhileSupplyIsAway(t *testing.T) {
	orders := func(pointers ...[]signed.Pointer) func(*testing.T, *Book, *clock) {
		return func(t *testing.T, b *Book, c *clock) {
			for i, p := range pointers {
				accept(t, b, OutcomeNew, personP.order(uint64(i)+2, c.now().Unix(), p...))
			}
		}
	}
	for _, test := range []struct {
		name    string
		pointer signed.Pointer
		end     func(t *testing.T, b *Book, c *clock)
		frozen  potluck.Size
	}{
		{"revoked", to(personX, 90), orders(nil), 80},
		{"lowered", to(personX, 90), orders([]signed.Pointer{to(personX, 30)}), 50},
		{"lowered by and by", to(personX, 90), orders([]signed.Pointer{to(personX, 30)}, []signed.Pointer{to(personX, 10)}, nil), 80},
		{"a share", part(personX, 800_000), orders(nil), 80},
		{"a share, renewed", part(personX, 800_000), orders([]signed.Pointer{part(personX, 800_000)}), 0},
		{"a share, renewed and revoked", part(personX, 800_000), orders([]signed.Pointer{part(personX, 800_000)}, nil), 80},
		{"declined", to(personX, 90), func(t *testing.T, b *Book, c *clock) {
			o := signed.Order{Number: 1, NotBefore: c.now().Unix(), Expires: c.now().Unix() + day, Declined: []peer.ID{personP.id}}
			accept(t, b, OutcomeNew, personX.orderOf(o))
		}, 80},
		{"ended", to(personX, 90), func(t *testing.T, b *Book, c *clock) {
			c.move(31 * 24 * time.Hour)
			if err := b.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, 80},
		{"in conflict", to(personX, 90), func(t *testing.T, b *Book, c *clock) {
			accept(t, b, OutcomeConflict, personP.order(1, c.now().Unix()))
		}, 80},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, c := booksD(t, personP)
			know(t, b, personX)
			earn(t, b, personP, 100)
			accept(t, b, OutcomeNew, personP.order(1, c.now().Unix(), test.pointer))
			if err := store(t, b, c, personX, 1, 80); err != nil {
				t.Fatal(err)
			}
			keeps(t, b, personP, 100, PlacedLost)
			test.end(t, b, c)
			if n := frozenOf(t, b, personP); n != test.frozen {
				t.Errorf("%d frozen, want %d", n, test.frozen)
			}
			keeps(t, b, personP, 100, PlacedStable)
			if v := creditOf(t, b, personP); v.Free != 20 {
				t.Errorf("the issuer has %d free", v.Free)
			}
			if v := creditOf(t, b, personX); v.Shortfall != 0 {
				t.Errorf("%+v", v)
			}
			sameGraph(t, b)
			clean(t, b)
		})
	}
}

// short is D's books in which P's pointer to X ended while its supply was away.
func short(t *testing.T, limit, used potluck.Size, friends ...person) (*Book, *clock) {
	t.Helper()
	b, c := booksD(t, append(friends, personP)...)
	know(t, b, personX, personY)
	earn(t, b, personP, 100)
	accept(t, b, OutcomeNew, personP.order(1, c.now().Unix(), to(personX, limit)))
	if err := store(t, b, c, personX, 1, used); err != nil {
		t.Fatal(err)
	}
	keeps(t, b, personP, 100, PlacedLost)
	accept(t, b, OutcomeNew, personP.order(2, c.now().Unix()))
	if n := frozenOf(t, b, personP); n != min(used, limit) {
		t.Fatalf("%d frozen, want %d", n, min(used, limit))
	}
	return b, c
}

// What is frozen for a want goes with the want: by what is released, and by what
// somebody else covers.
func TestFrozenShrinksInScarcity(t *testing.T) {
	b, c := short(t, 80, 70, personQ)
	if err := store(t, b, c, personX, 2, 1); err == nil {
		t.Fatal("an account that is short got more")
	}
	gift := func(p person, n potluck.Size) {
		t.Helper()
		if _, err := b.Update(t.Context(), p.id, "", func(a *Account) error { a.Terms.Gift = n; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	accept(t, b, OutcomeNew, personQ.order(1, c.now().Unix(), to(personX, 100)))
	gift(personQ, 30)
	if n := frozenOf(t, b, personP); n != 40 {
		t.Errorf("%d frozen, 30 of 70 being covered by another", n)
	}
	gift(personQ, 0) // it answers for nothing: its pointer lives
	if n := frozenOf(t, b, personP); n != 40 {
		t.Errorf("%d frozen, it grew", n)
	}
	cancel(t, b, personX, 1)
	if n := frozenOf(t, b, personP); n != 0 {
		t.Errorf("%d frozen after the bytes are gone", n)
	}
	clean(t, b)
}

// A want counts also behind the beneficiary, as far as pointers lead there.
func TestPointerEndsBeforeAChain(t *testing.T) {
	b, c := booksD(t, personP, personQ)
	know(t, b, personX, personY)
	earn(t, b, personP, 100)
	now := c.now().Unix()
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 90)), personX.order(1, now, to(personY, 60)))
	if err := store(t, b, c, personY, 1, 50); err != nil {
		t.Fatal(err)
	}
	if err := store(t, b, c, personX, 2, 10); err != nil {
		t.Fatal(err)
	}
	keeps(t, b, personP, 100, PlacedLost)
	accept(t, b, OutcomeNew, personP.order(2, now))
	if n := frozenOf(t, b, personP); n != 60 {
		t.Errorf("%d frozen", n)
	}
	accept(t, b, OutcomeNew, personX.order(2, now))
	if n := frozenOf(t, b, personX); n != 50 {
		t.Errorf("%d frozen behind it", n)
	}
	keeps(t, b, personP, 100, PlacedStable)
	if v := creditOf(t, b, personP); v.Free != 40 || v.Shortfall != 0 {
		t.Errorf("%+v", v)
	}
	clean(t, b)
}

// Who points to somebody with whose want it has nothing to do isn't charged.
func TestOthersWantsFreezeNothing(t *testing.T) {
	b, c := short(t, 80, 70, personQ)
	accept(t, b, OutcomeNew, personQ.order(1, c.now().Unix(), to(personY, 50)), personQ.order(2, c.now().Unix()))
	if n := frozenOf(t, b, personQ); n != 0 {
		t.Errorf("%d frozen", n)
	}
}

// Orders that end together with the statements that covered them freeze what they
// carried, in any order and whatever fits into one transaction.
func TestOrdersAndStatementsEndTogether(t *testing.T) {
	b, c := booksD(t, personK)
	now := c.now().Unix()
	accept(t, b, OutcomeNew, personD.consent(personK, 1, now, true),
		personK.repay(1, now, signed.Allotment{Node: personD.id, SharePPM: 1_000_000}))
	var issuers []person
	for i := range 12 {
		issuers = append(issuers, newPerson(fmt.Sprint("issuer ", i)))
	}
	var filler []signed.Pointer
	for i := range 250 {
		filler = append(filler, to(newPerson(fmt.Sprint("filler ", i)), 1))
	}
	for i, p := range issuers {
		friend(t, b, p, Terms{RatioPPM: 1_000_000})
		o := signed.Order{Number: 1, NotBefore: now, Expires: now + statementLife - tolerance,
			Pointers: append(slices.Clone(filler), to(newPerson(fmt.Sprint("owner ", i%6)), 200))}
		for _, d := range []signed.Document{p.orderOf(o), statement(p, personK, 1, now, 50, p, personK)} {
			if out, err := b.Accept(t.Context(), d); err != nil || out != OutcomeNew {
				t.Fatal(out, err)
			}
		}
	}
	for i := range 6 {
		if err := store(t, b, c, newPerson(fmt.Sprint("owner ", i)), i, 100); err != nil {
			t.Fatal(err)
		}
	}
	c.move(statementLife * time.Second)
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, p := range issuers {
		if n := frozenOf(t, b, p); n != 50 {
			t.Errorf("%d frozen of issuer %d, which carried 50", n, i)
		}
	}
	sameGraph(t, b)
}

// Whoever points, revokes, goes away and comes back: D never holds more for all
// of them than they hold for D when they are there.
func TestComingAndGoingGainsNothing(t *testing.T) {
	people := []person{personP, personQ, personX, personY}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "book")
		if err != nil {
			rt.Fatal(err)
		}
		c := newClock()
		b := openReplay(t, dir, c)
		defer func() {
			b.Close()
			os.RemoveAll(dir)
		}()
		place := func(p person, i int, s PlacementState) {
			pl := Placement{Share: shareID(900+i, 0), Host: p.id, Layout: layout, Charge: 100, Root: digest(1), Manifest: digest(2), State: s}
			if err := b.Place(t.Context(), []Placement{pl}); err != nil {
				rt.Fatal(err)
			}
		}
		for i, p := range people {
			friend(t, b, p, Terms{RatioPPM: 1_000_000})
			place(p, i, PlacedStable)
		}
		numbers := make([]uint64, len(people))
		drawn := func(what string, most int) int { return rapid.IntRange(0, most).Draw(rt, what) }
		rt.Repeat(map[string]func(*rapid.T){
			"order": func(*rapid.T) {
				i := drawn("issuer", 3)
				numbers[i]++
				var all []signed.Pointer
				for j, x := range people {
					if n := potluck.Size(drawn("limit", 3) * 40); j != i && n > 0 {
						all = append(all, to(x, n))
					}
				}
				if _, err := b.Accept(t.Context(), people[i].order(numbers[i], c.now().Unix(), all...)); err != nil {
					rt.Fatal(err)
				}
			},
			"go":   func(*rapid.T) { i := drawn("who", 3); place(people[i], i, PlacedLost) },
			"come": func(*rapid.T) { i := drawn("who", 3); place(people[i], i, PlacedStable) },
			"store": func(*rapid.T) {
				p := people[drawn("who", 3)]
				n := potluck.Size(10 * (1 + drawn("bytes", 9)))
				if drawn("all", 1) == 1 {
					n, _ = b.Quote(t.Context(), p.id, roomy, 1)
				}
				_ = store(t, b, c, p, drawn("file", 9), max(n, 1))
			},
			"away": func(*rapid.T) {
				i := drawn("issuer", 3)
				place(people[i], i, PlacedLost)
				numbers[i]++
				if _, err := b.Accept(t.Context(), people[i].order(numbers[i], c.now().Unix())); err != nil {
					rt.Fatal(err)
				}
				place(people[i], i, PlacedStable)
			},
			"cancel": func(*rapid.T) {
				_, gone, err := b.Cancel(t.Context(), people[drawn("who", 3)].id, []potluck.ShareID{shareID(drawn("file", 9), 0)})
				if err == nil {
					err = b.Deleted(t.Context(), gone)
				}
				if err != nil {
					rt.Fatal(err)
				}
			},
			"": func(*rapid.T) {
				u, err := b.Totals(t.Context())
				if err != nil || u.Held+u.Reserved > 400 {
					rt.Fatalf("%d held, %v", u.Held+u.Reserved, err)
				}
				if err := differs(b); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}
