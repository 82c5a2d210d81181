package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// many points one byte each to so many peers that nobody knows.
func many(from, n int) (all []signed.Pointer) {
	for i := range n {
		all = append(all, to(newPerson(fmt.Sprint("pointed ", from+i)), 1))
	}
	return all
}

// A peer that is no friend brings few pointers into the network, and all of them
// together not too many. What they have goes on, and can always be less.
func TestPointersOfStrangersAreFew(t *testing.T) {
	b, c := booksD(t, personP)
	know(t, b, personX)
	now := c.now().Unix()
	take := func(p person, number uint64, pointers []signed.Pointer) error {
		out, err := b.Accept(t.Context(), p.order(number, now, pointers...))
		if err == nil && out != OutcomeNew {
			t.Fatal(out)
		}
		return err
	}
	tooMany := func(err error) {
		t.Helper()
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "pointers") {
			t.Errorf("%v, want too many pointers", err)
		}
	}
	tooMany(take(personX, 1, many(0, strangePointers+1)))
	if err := take(personX, 1, many(0, strangePointers)); err != nil {
		t.Fatal(err)
	}
	if err := take(personP, 1, many(0, signed.MaxPointers)); err != nil {
		t.Fatal("of a friend:", err)
	}
	elsewhere := many(0, signed.MaxPointers)
	for i := range elsewhere {
		elsewhere[i].Host = personQ.id
	}
	if err := take(personX, 2, elsewhere); err != nil {
		t.Error("at another host:", err)
	}
	if err := take(personX, 3, many(0, 10)); err != nil {
		t.Fatal(err)
	}
	for i := range allStrange/strangePointers - 1 {
		p := newPerson(fmt.Sprint("stranger ", i))
		know(t, b, p)
		if err := take(p, 1, many(i, strangePointers)); err != nil {
			t.Fatal(i, err)
		}
	}
	tooMany(take(personX, 4, many(0, strangePointers+1)))
	if err := take(personX, 4, many(0, strangePointers)); err != nil {
		t.Fatal(err)
	}
	know(t, b, personY)
	tooMany(take(personY, 1, many(0, 1)))
	if err := take(personX, 5, many(7, strangePointers)); err != nil {
		t.Error("as many as before:", err)
	}
	if err := take(personX, 6, many(7, 3)); err != nil {
		t.Error("fewer than before:", err)
	}
	if err := take(personY, 1, many(0, 1)); err != nil {
		t.Error("when others have fewer:", err)
	}
	// A friend that is one no longer keeps what it has.
	if _, err := b.Update(t.Context(), personP.id, "", func(a *Account) error { a.Friend = false; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := take(personP, 2, many(0, 200)); err != nil {
		t.Error(err)
	}
	tooMany(take(personP, 3, many(0, 201)))
	sameGraph(t, b)
}

// What is frozen of a stranger's pointers counts among them.
func TestFrozenPointersOfStrangersAreFew(t *testing.T) {
	b, c := booksD(t, personP)
	know(t, b, personX)
	now := c.now().Unix()
	earn(t, b, personP, 1000)
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 1000)))
	fill := func(number uint64, from int) error {
		t.Helper()
		pointers := many(from, strangePointers)
		if _, err := b.Accept(t.Context(), personX.order(number, now, pointers...)); err != nil {
			return err
		}
		for i := range pointers {
			if err := store(t, b, c, newPerson(fmt.Sprint("pointed ", from+i)), from+i, 1); err != nil {
				t.Fatal(err)
			}
		}
		return nil
	}
	var err error
	n := uint64(0)
	for err == nil && n < 10 {
		n++
		err = fill(n, int(n)*strangePointers)
	}
	if !errors.Is(err, ErrInvalid) || n != 3 {
		t.Fatalf("order %d: %v", n, err)
	}
	if v := creditOf(t, b, personX); len(v.Out) > 2*strangePointers {
		t.Errorf("%d pointers in the network", len(v.Out))
	}
}

// The worst that one friend can bring: 256 pointers of its own, and as many of
// peers that are no friends as may be, all at random, much of it short. What is
// shown of anybody then takes the canonical flow.
func BenchmarkGraphOfOneFriend(b *testing.B) {
	for _, issuers := range []int{allStrange / strangePointers, 1024} {
		b.Run(fmt.Sprint(issuers, " issuers"), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			book := credit.New(DefaultHops)
			id := func(n int) credit.ID { return credit.ID(fmt.Sprint("peer ", n)) }
			put := func(n int, gift potluck.Size) {
				book.Put(credit.Peer{ID: id(n), Friend: n == 0, RatioPPM: million, Earned: potluck.Size(r.Int64N(1 << 30)), Gift: gift,
					Held: potluck.Size(r.Int64N(3 << 29)), Newest: r.Int64N(1000)})
			}
			for n := range 1024 {
				put(n, 0)
			}
			for n := range issuers + 1 {
				each := allStrange / issuers
				if n == 0 {
					each = signed.MaxPointers
				}
				var arcs []credit.Arc
				for i := range each {
					to := id(1 + r.IntN(1023))
					if n == 0 {
						to = id(i + 1)
					}
					arcs = append(arcs, credit.Arc{To: to, Limit: potluck.Size(r.Int64N(1 << 28)), SharePPM: credit.NoShare, Order: r.Int64N(1000)})
				}
				book.SetArcs(id(n), arcs)
			}
			for b.Loop() {
				put(1+r.IntN(1023), 0)
				if len(book.Shortfalls()) == 0 {
					b.Fatal("nobody is short")
				}
			}
		})
	}
}
