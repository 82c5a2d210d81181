package ledger

import (
	"fmt"
	"testing"
	"time"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// An issuer whose pointers of many orders still carry can't stop the books by
// letting the last one end.
func TestManyFrozenPointersExpire(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openD(t, dir, c)
	friend(t, b, personP, Terms{Gift: 10_000})
	file := 0
	for number := range uint64(3) {
		var pointers []signed.Pointer
		var all []person
		for n := range 250 {
			x := newPerson(fmt.Sprint("sybil ", number, n))
			all = append(all, x)
			pointers = append(pointers, to(x, 1))
		}
		if out, err := b.Accept(t.Context(), personP.order(number+1, c.now().Unix(), pointers...)); err != nil || out != OutcomeNew {
			t.Fatal(out, err)
		}
		for _, x := range all {
			file++
			if err := store(t, b, c, x, file, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := b.Accept(t.Context(), personP.order(4, c.now().Unix())); err == nil {
		t.Error("an order was taken that leaves 750 pointers frozen")
	}
	c.move(31 * 24 * time.Hour)
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := frozenOf(t, b, personP); n != 750 {
		t.Errorf("%d frozen", n)
	}
	sameGraph(t, b)
	clean(t, b)
}

// A new order during a want of supply doesn't rid its issuer of what is frozen.
func TestOrderWhileSupplyIsAway(t *testing.T) {
	b, c := booksD(t, personP)
	now := c.now().Unix()
	earn(t, b, personP, 100)
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 80)))
	if err := store(t, b, c, personX, 1, 80); err != nil {
		t.Fatal(err)
	}
	accept(t, b, OutcomeNew, personP.order(2, now))
	mark := func(s PlacementState) {
		p := Placement{Share: shareID(900, 0), Host: personP.id, Layout: layout, Charge: 100, Root: digest(1), Manifest: digest(2), State: s}
		if err := b.Place(t.Context(), []Placement{p}); err != nil {
			t.Fatal(err)
		}
	}
	mark(PlacedLost)
	accept(t, b, OutcomeNew, personP.order(3, now, to(personX, 80)), personP.order(4, now))
	if n := frozenOf(t, b, personP); n != 80 {
		t.Errorf("%d frozen while the supply is away", n)
	}
	mark(PlacedStable)
	if v := creditOf(t, b, personP); v.Free != 20 {
		t.Errorf("the issuer has %d free", v.Free)
	}
	if v := creditOf(t, b, personX); v.Shortfall != 0 || v.Free != 0 {
		t.Errorf("%+v", v)
	}
	sameGraph(t, b)
	clean(t, b)
}

// A frozen pointer shrinks as bytes go, though somebody else to whom its
// beneficiary points is short.
func TestFrozenShrinksBesideShort(t *testing.T) {
	b, c := booksD(t, personP, personQ)
	now := c.now().Unix()
	earn(t, b, personP, 100)
	if _, err := b.Update(t.Context(), personQ.id, "", func(a *Account) error { a.Terms.Gift = 50; return nil }); err != nil {
		t.Fatal(err)
	}
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 80)), personQ.order(1, now, to(personY, 50)))
	know(t, b, personX, personY)
	if err := store(t, b, c, personX, 1, 70); err != nil {
		t.Fatal(err)
	}
	if err := store(t, b, c, personY, 2, 50); err != nil {
		t.Fatal(err)
	}
	accept(t, b, OutcomeNew, personX.order(1, now, to(personY, 1)), personP.order(2, now)) // revoked
	if n := frozenOf(t, b, personP); n != 70 {
		t.Fatalf("%d frozen", n)
	}
	if _, err := b.Update(t.Context(), personQ.id, "", func(a *Account) error { a.Terms.Gift = 0; return nil }); err != nil {
		t.Fatal(err)
	}
	sameGraph(t, b)
	if _, _, err := b.Cancel(t.Context(), personX.id, []potluck.ShareID{shareID(1, 0)}); err != nil {
		t.Fatal(err)
	}
	// One byte goes on to Y, by the pointer of X.
	if n := frozenOf(t, b, personP); n > 1 {
		t.Errorf("%d frozen after the bytes are gone", n)
	}
	refused(t, store(t, b, c, personX, 3, 10), potluck.CodeUnfunded, 0)
	sameGraph(t, b)
	clean(t, b)
}

// Neither a new invite nor a renewed friendship washes anybody white.
func TestBefriendAgainKeepsStanding(t *testing.T) {
	b, c := booksD(t, personP)
	want := credit.Standing{Step: credit.StepFrozen, Since: c.now().Unix(), Breach: 5, GoodwillPPM: 1_000_000, Service: 7}
	if err := b.SetStanding(t.Context(), personP.id, want, "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(t.Context(), personP.id, "", func(a *Account) error { a.Denied, a.Household = true, "home"; return nil }); err != nil {
		t.Fatal(err)
	}
	i := Invite{ID: InviteID{1}, Secret: InviteSecret{1, 1}, Terms: DefaultTerms(), Created: c.now().Unix(), Expires: c.now().Add(time.Hour).Unix(), State: InviteLive}
	if err := b.AddInvite(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	if _, err := b.UseInvite(t.Context(), i.ID, personP.id, c.now(), Account{Peer: personP.id, Terms: i.Terms}); err != nil {
		t.Fatal(err)
	}
	a, err := b.Account(t.Context(), personP.id)
	if err != nil || a.Standing != want || !a.Denied {
		t.Errorf("%+v, %v", a, err)
	}
	refused(t, store(t, b, c, personP, 3, 10), potluck.CodeDenied, 0)
	clean(t, b)
}

// What a friend was given doesn't come back by a pointer once it is no friend.
func TestTermsOfFormerFriends(t *testing.T) {
	b, c := booksD(t, personP)
	earn(t, b, personP, 100)
	terms := Terms{RatioPPM: 500_000, Gift: 50, Opening: 70, Paid: 30, PaidUntil: c.now().Unix() + day}
	friend(t, b, personX, terms)
	if v := creditOf(t, b, personX); v.Supply != 150 {
		t.Fatalf("%+v", v)
	}
	set := func(friend bool) {
		t.Helper()
		if _, err := b.Update(t.Context(), personX.id, "", func(a *Account) error { a.Friend = friend; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set(false)
	accept(t, b, OutcomeNew, personP.order(1, c.now().Unix(), to(personX, 1)))
	if v := creditOf(t, b, personX); v.Free != 1 || v.Supply != 0 || v.Gift+v.Opening+v.Paid != 0 || v.RatioPPM != 500_000 {
		t.Errorf("%+v", v)
	}
	refused(t, store(t, b, c, personX, 1, 2), potluck.CodeUnfunded, 1)
	set(true)
	if v := creditOf(t, b, personX); v.Free != 151 {
		t.Errorf("%+v", v)
	}
	sameGraph(t, b)
	clean(t, b)
}
