package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/zeebo/blake3"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// store lets an owner keep bytes with D, or gives the error.
func store(t testing.TB, b *Book, c *clock, owner person, file int, n potluck.Size) error {
	t.Helper()
	id := shareID(file, 0)
	if _, err := b.Reserve(t.Context(), owner.id, roomy, []Reservation{reservation(c, id, n)}); err != nil {
		return err
	}
	return b.Commit(t.Context(), owner.id, id, digest(1), digest(2))
}

func refused(t testing.TB, err error, code potluck.Code, free potluck.Size) {
	t.Helper()
	var r *potluck.Refusal
	if !errors.As(err, &r) || r.Code != code || r.Free != free {
		t.Fatalf("%v, want %s with %d free", err, code, free)
	}
}

func cancel(t testing.TB, b *Book, owner person, file int) {
	t.Helper()
	if _, _, err := b.Cancel(t.Context(), owner.id, []potluck.ShareID{shareID(file, 0)}); err != nil {
		t.Fatal(err)
	}
	sameGraph(t, b)
}

// The case of CREDIT.md section 11, in the books of server4: P is server2, K is
// client3, X is client1.
func TestCaseThatEverythingMustAnswer(t *testing.T) {
	b, c := booksD(t, personP, personK)
	now := c.now().Unix()
	repay := personK.repay(1, now, signed.Allotment{Node: personD.id, SharePPM: 500_000})
	if _, err := b.Accept(t.Context(), repay); !errors.Is(err, ErrInvalid) {
		t.Fatal("without consent:", err)
	}
	accept(t, b, OutcomeNew, personD.consent(personK, 1, now, true), repay, statement(personP, personK, 1, now, 1001, personP, personK),
		personP.order(1, now, to(personX, signed.NoLimit)))
	if v := creditOf(t, b, personP); v.Supply != 500 || len(v.EarnedFor) != 1 || v.EarnedFor[0] != (EarnedFor{personK.id, 500}) {
		t.Errorf("%+v", v)
	}
	if v := creditOf(t, b, personX); v.Free != 500 || v.Distance != 1 || !v.Sponsored || v.Friend {
		t.Errorf("%+v", v)
	}
	refused(t, store(t, b, c, personX, 1, 501), potluck.CodeUnfunded, 500)
	if err := store(t, b, c, personX, 1, 400); err != nil { // X has no account until now
		t.Fatal(err)
	}
	v := creditOf(t, b, personX)
	if v.Free != 100 || len(v.Funding) != 1 || v.Funding[0].Bytes != 400 || v.Funding[0].Via[0] != credit.ID(personP.id) {
		t.Errorf("%+v", v)
	}
	if v := creditOf(t, b, personP); v.Free != 100 || len(v.Out) != 1 || v.Out[0].Bytes != 400 {
		t.Errorf("%+v", v)
	}
	// Server2 drops data: the owner alone says so, and at once the smaller figure counts.
	accept(t, b, OutcomeNew, statement(personP, personK, 2, now, 600, personK))
	short, err := b.Shortfalls(t.Context())
	if err != nil || len(short) != 1 || short[0] != (credit.Shortfall{ID: credit.ID(personX.id), Bytes: 100}) {
		t.Error(short, err)
	}
	refused(t, store(t, b, c, personX, 2, 1), potluck.CodeUnfunded, 0)
	// The host alone can't raise it again; both can.
	accept(t, b, OutcomeNew, statement(personP, personK, 3, now, 9999, personP))
	if v := creditOf(t, b, personP); v.Supply != 300 {
		t.Errorf("%+v", v)
	}
	accept(t, b, OutcomeNew, statement(personP, personK, 4, now, 900, personP, personK))
	if v := creditOf(t, b, personX); v.Shortfall != 0 || v.Free != 50 {
		t.Errorf("%+v", v)
	}
	// Nobody says anything for two weeks.
	c.move(14 * 24 * time.Hour)
	if v := creditOf(t, b, personX); v.Shortfall != 400 || v.Into[0].Bytes != 0 {
		t.Errorf("%+v", v)
	}
	sameGraph(t, b)
	clean(t, b)
}

// Revoking after use gains nothing: what the pointer carries stays charged.
func TestRevokeAfterUse(t *testing.T) {
	b, c := booksD(t, personP)
	now := c.now().Unix()
	earn(t, b, personP, 100)
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 80)))
	for file, n := range []potluck.Size{40, 20} {
		if err := store(t, b, c, personX, file, n); err != nil {
			t.Fatal(err)
		}
	}
	accept(t, b, OutcomeNew, personP.order(2, now, to(personX, 10))) // lowered
	if n := frozenOf(t, b, personP); n != 50 {
		t.Errorf("%d frozen", n)
	}
	accept(t, b, OutcomeNew, personP.order(3, now)) // revoked
	if n := frozenOf(t, b, personP); n != 60 {
		t.Errorf("%d frozen", n)
	}
	refused(t, store(t, b, c, personX, 9, 1), potluck.CodeUnfunded, 0)
	refused(t, store(t, b, c, personP, 9, 41), potluck.CodeUnfunded, 40)
	cancel(t, b, personX, 1)
	if n := frozenOf(t, b, personP); n != 40 {
		t.Errorf("%d frozen", n)
	}
	refused(t, store(t, b, c, personX, 9, 1), potluck.CodeUnfunded, 0)
	cancel(t, b, personX, 0)
	if n := frozenOf(t, b, personP); n != 0 {
		t.Errorf("%d frozen", n)
	}
	if v := creditOf(t, b, personP); v.Free != 100 || len(v.Out) != 0 {
		t.Errorf("%+v", v)
	}
	clean(t, b)
}

// An order, or a pointer of it, that ends while the books are closed is frozen
// when they are opened.
func TestOrdersExpire(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openD(t, dir, c)
	friend(t, b, personP, Terms{})
	earnTerms := func(a *Account) error { a.Terms.Gift = 100; return nil }
	if _, err := b.Update(t.Context(), personP.id, "", earnTerms); err != nil {
		t.Fatal(err)
	}
	now := c.now().Unix()
	short := to(personY, 30)
	short.Until = now + day
	order := personP.order(1, now, to(personX, 50), short)
	accept(t, b, OutcomeNew, order)
	for i, p := range []person{personX, personY} {
		if err := store(t, b, c, p, i, 20); err != nil {
			t.Fatal(err)
		}
	}
	c.move(24 * time.Hour)
	if v := creditOf(t, b, personY); v.Free != 10 {
		t.Errorf("within the tolerance: %+v", v)
	}
	c.move(10 * time.Minute)
	if v := creditOf(t, b, personY); v.Free != 0 || v.Shortfall != 0 || !v.Into[0].Frozen || v.Into[0].Capacity != 20 {
		t.Errorf("%+v", v)
	}
	if v := creditOf(t, b, personX); v.Free != 30 {
		t.Errorf("%+v", v)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c.move(30 * 24 * time.Hour)
	b = openD(t, dir, c)
	if v := creditOf(t, b, personX); v.Free != 0 || v.Shortfall != 0 || frozenOf(t, b, personP) != 40 {
		t.Errorf("%+v", v)
	}
	for number, d := range map[int]signed.Document{1: order, 2: personP.order(2, now)} {
		if out, err := b.Accept(t.Context(), d); number == 1 && (out != OutcomeKnown || err != nil) || number == 2 && !errors.Is(err, signed.ErrExpired) {
			t.Errorf("order %d: %v, %v", number, out, err)
		}
	}
	now = c.now().Unix()
	if _, err := b.Accept(t.Context(), personP.order(3, now+3600)); !errors.Is(err, signed.ErrNotYet) || !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	accept(t, b, OutcomeNew, personP.order(3, now+500, to(personX, 50)))
	accept(t, b, OutcomeStale, order)
	if v := creditOf(t, b, personX); v.Free != 30 || v.Into[0].Frozen {
		t.Errorf("%+v", v)
	}
	clean(t, b)
}

// What ended while the books were closed may be more than one transaction takes.
func TestManyOrdersExpireAtOnce(t *testing.T) {
	c := newClock()
	dir := t.TempDir()
	b := openD(t, dir, c)
	var pointers []signed.Pointer
	for n := range 250 {
		pointers = append(pointers, to(newPerson(fmt.Sprint("beneficiary ", n)), 10))
	}
	const issuers = 80
	for n := range issuers {
		p := newPerson(fmt.Sprint("issuer ", n))
		friend(t, b, p, Terms{Gift: 1000})
		if _, err := b.Accept(t.Context(), p.order(1, c.now().Unix(), pointers...)); err != nil {
			t.Fatal(err)
		}
	}
	x := newPerson("beneficiary 7")
	if err := store(t, b, c, x, 1, 10*issuers); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c.move(31 * 24 * time.Hour)
	b = openD(t, dir, c)
	if v := creditOf(t, b, x); v.Free != 0 || v.Shortfall != 0 || len(v.Into) != issuers || !v.Into[3].Frozen {
		t.Errorf("%+v", v)
	}
	cancel(t, b, x, 1)
	for n := range issuers {
		if sum := frozenOf(t, b, newPerson(fmt.Sprint("issuer ", n))); sum != 0 {
			t.Errorf("%d frozen", sum)
		}
	}
	clean(t, b)
}

// Two orders with one number freeze the issuer's pointers; a higher number ends
// that, and the proof stays.
func TestEquivocation(t *testing.T) {
	b, c := booksD(t, personP)
	now := c.now().Unix()
	earn(t, b, personP, 100)
	one, other := personP.order(1, now, to(personX, 100)), personP.order(1, now, to(personY, 100))
	accept(t, b, OutcomeNew, one)
	if err := store(t, b, c, personX, 1, 30); err != nil {
		t.Fatal(err)
	}
	accept(t, b, OutcomeConflict, other)
	accept(t, b, OutcomeKnown, one, other)
	accept(t, b, OutcomeConflict, personP.order(1, now, to(personQ, 1)))
	if v := creditOf(t, b, personX); v.Free != 0 || v.Shortfall != 0 {
		t.Errorf("%+v", v)
	}
	if _, err := b.Credit(t.Context(), personY.id); !errors.Is(err, ErrNotFound) {
		t.Error("a pointer in conflict counts:", err)
	}
	row, err := b.Document(t.Context(), signed.KindOrder, personP.id, "")
	if err != nil || row.Live || row.Conflict == nil {
		t.Fatalf("%+v, %v", row, err)
	}
	if verdict, err := signed.Verify(*row.Conflict); err != nil || !verdict.Proof {
		t.Error(verdict, err)
	}
	clean(t, b)
	accept(t, b, OutcomeNew, personP.order(2, now, to(personY, 100)))
	if v := creditOf(t, b, personY); v.Free != 70 {
		t.Errorf("%+v", v)
	}
	proof, err := b.Document(t.Context(), signed.KindConflict, personP.id, "")
	if err != nil || proof.Number != 1 || proof.Issuer != personP.id {
		t.Errorf("%+v, %v", proof, err)
	}
	// To somebody else the proof alone is enough.
	b2, _ := booksD(t, personP)
	accept(t, b2, OutcomeConflict, proof.Document)
	accept(t, b2, OutcomeKnown, proof.Document)
	if out, err := b2.Accept(t.Context(), one); err != nil || out == OutcomeNew {
		t.Error(out, err)
	}
	clean(t, b2)
}

func TestDecline(t *testing.T) {
	b, c := booksD(t, personP, personX)
	now := c.now().Unix()
	earn(t, b, personP, 100)
	accept(t, b, OutcomeNew, personP.order(1, now, to(personX, 100)))
	if err := store(t, b, c, personX, 1, 30); err != nil {
		t.Fatal(err)
	}
	decline := signed.Order{Number: 1, NotBefore: now, Expires: now + day}
	decline.Declined = append(decline.Declined, personP.id)
	accept(t, b, OutcomeNew, personX.orderOf(decline))
	if v := creditOf(t, b, personX); v.Free != 0 || v.Shortfall != 0 || frozenOf(t, b, personP) != 30 {
		t.Errorf("%+v", v)
	}
	c.move(2 * 24 * time.Hour) // it holds until X says otherwise
	if v := creditOf(t, b, personX); v.Free != 0 {
		t.Errorf("%+v", v)
	}
	accept(t, b, OutcomeNew, personX.order(2, c.now().Unix()))
	if v := creditOf(t, b, personX); v.Free != 70 || frozenOf(t, b, personP) != 0 {
		t.Errorf("%+v", v)
	}
	clean(t, b)
}

// A pointer that names this host beats one for any host; one that names another
// host says nothing here.
func TestPointersNameHosts(t *testing.T) {
	b, c := booksD(t, personP)
	earn(t, b, personP, 100)
	here, there, share := to(personX, 7), to(personY, 9), to(personQ, 50)
	here.Host, there.Host, share.SharePPM = personD.id, personK.id, 333_333
	accept(t, b, OutcomeNew, personP.order(1, c.now().Unix(), to(personX, 80), here, there, share))
	for p, free := range map[person]potluck.Size{personX: 7, personQ: 33} {
		if v := creditOf(t, b, p); v.Free != free {
			t.Errorf("%+v, want %d", v, free)
		}
	}
	if _, err := b.Credit(t.Context(), personY.id); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// D's own loans are demand of the borrower here, and must be covered.
func TestOwnLoans(t *testing.T) {
	b, c := booksD(t)
	now := c.now().Unix()
	friend(t, b, personX, Terms{Gift: 100})
	loan := func(p person, n potluck.Size) signed.Pointer {
		q := to(p, n)
		q.Loan, q.Host = true, personK.id
		return q
	}
	if _, err := b.Accept(t.Context(), personD.order(1, now, loan(personY, 10))); !errors.Is(err, ErrNotFound) {
		t.Error("to a stranger:", err)
	}
	_, err := b.Accept(t.Context(), personD.order(1, now, loan(personX, 101)))
	refused(t, err, potluck.CodeUnfunded, 100)
	accept(t, b, OutcomeNew, personD.order(1, now, loan(personX, 60)))
	refused(t, store(t, b, c, personX, 1, 41), potluck.CodeUnfunded, 40)
	if err := store(t, b, c, personX, 1, 40); err != nil {
		t.Fatal(err)
	}
	_, err = b.Accept(t.Context(), personD.order(2, now, loan(personX, 61)))
	refused(t, err, potluck.CodeUnfunded, 0)
	sameGraph(t, b)
	before, after, err := b.Preview(t.Context(), personD.order(2, now, loan(personX, 50)))
	if err != nil || len(after) != 1 || before[personX.id] != 0 || after[personX.id] != 10 {
		t.Error(before, after, err)
	}
	if v := creditOf(t, b, personX); v.Loans != 60 || v.Free != 0 {
		t.Errorf("%+v", v)
	}
	accept(t, b, OutcomeNew, personD.order(2, now))
	if v := creditOf(t, b, personX); v.Loans != 0 || v.Free != 60 {
		t.Errorf("%+v", v)
	}
	if _, err := b.Update(t.Context(), personX.id, "", func(a *Account) error { a.Denied = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Accept(t.Context(), personD.order(3, now, to(personX, 1))); !errors.Is(err, ErrInvalid) {
		t.Error("to somebody who is denied:", err)
	}
	clean(t, b)
}

// What D's own repay order gives to others, D doesn't count itself.
func TestOwnPartOfAPrincipal(t *testing.T) {
	b, c := booksD(t, personP, personQ)
	now := c.now().Unix()
	earn(t, b, personP, 101)
	repay := personD.repay(1, now, signed.Allotment{Node: personQ.id, SharePPM: 300_000})
	if _, err := b.Accept(t.Context(), repay); !errors.Is(err, ErrInvalid) {
		t.Error("without consent:", err)
	}
	accept(t, b, OutcomeNew, personQ.consent(personD, 1, now, true), repay)
	if v := creditOf(t, b, personP); v.Earned != 70 || v.EarnedFor[0] != (EarnedFor{personD.id, 70}) {
		t.Errorf("%+v", v)
	}
	if u, err := b.Usage(t.Context(), personP.id); err != nil || u.Earned != 101 {
		t.Error(u, err)
	}
	c.move(30*24*time.Hour + 19*time.Minute)
	if v := creditOf(t, b, personP); v.Earned != 70 {
		t.Errorf("another clock may be behind: %+v", v)
	}
	c.move(time.Minute)
	if v := creditOf(t, b, personP); v.Earned != 101 {
		t.Errorf("%+v", v)
	}
}

func TestHouseholds(t *testing.T) {
	b, c := booksD(t, personP, personK)
	now := c.now().Unix()
	accept(t, b, OutcomeNew, personD.household(1, now, "home", personP))
	if v := creditOf(t, b, personP); v.Gift != 0 {
		t.Errorf("one alone: %+v", v)
	}
	accept(t, b, OutcomeNew, personP.household(1, now, "other", personD))
	accept(t, b, OutcomeNew, personP.household(2, now, "home", personD, personK))
	a, err := b.Account(t.Context(), personP.id)
	if v := creditOf(t, b, personP); v.Gift != potluck.MaxSize || err != nil || a.Household != "home" {
		t.Errorf("%+v, %+v", v, a)
	}
	// P and K of one household: P earns nothing by holding for K.
	accept(t, b, OutcomeNew, personD.consent(personK, 1, now, true), personK.repay(1, now, signed.Allotment{Node: personD.id, SharePPM: 1_000_000}),
		statement(personP, personK, 1, now, 100, personP, personK))
	if v := creditOf(t, b, personP); v.Earned != 0 {
		t.Errorf("P and D are one household: %+v", v)
	}
	accept(t, b, OutcomeNew, personD.household(2, now, ""))
	if v := creditOf(t, b, personP); v.Gift != 0 || v.Earned != 100 {
		t.Errorf("%+v", v)
	}
	accept(t, b, OutcomeNew, personK.household(1, now, "home", personP))
	if v := creditOf(t, b, personP); v.Earned != 0 {
		t.Errorf("P and K are one household: %+v", v)
	}
	clean(t, b)
}

func TestDocumentsOfStrangers(t *testing.T) {
	b, c := booksD(t, personP)
	now := c.now().Unix()
	for _, d := range []signed.Document{personX.order(1, now), statement(personP, personX, 1, now, 5, personP),
		personX.consent(personP, 1, now, true), personX.household(1, now, "a")} {
		if _, err := b.Accept(t.Context(), d); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", d.Kind, err)
		}
	}
	bad := personP.order(1, now)
	bad.Sealed[0][len(bad.Sealed[0])-1] ^= 1
	if _, err := b.Accept(t.Context(), bad); !errors.Is(err, signed.ErrDocument) {
		t.Error(err)
	}
	know(t, b, personX)
	accept(t, b, OutcomeNew, personX.order(1, now))
	n := 0
	if err := b.Documents(t.Context(), 0, func(r DocumentRow) error { n++; return nil }); err != nil || n != 1 {
		t.Error(n, err)
	}
	if _, err := b.Document(t.Context(), signed.KindOrder, personP.id, ""); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// Events name documents by their hash, for the rows have them. A contradiction is
// proved in its event, once for each number.
func TestEventsOfDocuments(t *testing.T) {
	b, c := booksD(t, personP, personK)
	now := c.now().Unix()
	after := b.seenNow()
	order := personP.order(1, now, to(personX, 5))
	accept(t, b, OutcomeNew, order)
	encoded, err := order.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sum := blake3.Sum256(encoded)
	events := func(n int) []Event {
		t.Helper()
		all, err := b.Events(t.Context(), after, 100)
		if err != nil || len(all) != n {
			t.Fatalf("%d events, want %d: %v, %v", len(all), n, all, err)
		}
		after += uint64(n)
		return all
	}
	if e := events(1)[0]; e.Kind != KindOrder || !bytes.Equal(e.Evidence, sum[:]) || e.Reason != "number 1" {
		t.Errorf("%+v", e)
	}
	proof := func(e Event, by person) {
		t.Helper()
		d, err := signed.ParseDocument(e.Evidence)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := signed.VerifyConflict(d); err != nil || v.Signer != by.id || e.Kind != KindConflict || e.Peer != by.id {
			t.Errorf("%+v, %v", v, err)
		}
	}
	for n := range 5 {
		accept(t, b, OutcomeConflict, personP.order(1, now, to(personX, potluck.Size(6+n))))
	}
	proof(events(1)[0], personP)
	accept(t, b, OutcomeNew, personP.order(2, now))
	accept(t, b, OutcomeConflict, personP.order(2, now, to(personX, 9)))
	proof(events(2)[1], personP)

	accept(t, b, OutcomeNew, statement(personP, personK, 1, now, 90, personP, personK))
	events(1)
	for n := range 5 {
		accept(t, b, OutcomeConflict, statement(personP, personK, 1, now, potluck.Size(80-n), personP))
	}
	proof(events(1)[0], personP)
	for n := range 5 { // what the owner signs against itself lowers the figure, and is told too
		accept(t, b, OutcomeConflict, statement(personP, personK, 1, now, potluck.Size(70-n), personK))
	}
	accept(t, b, OutcomeConflict, statement(personP, personK, 1, now, 3, personP))
	if n := b.graph.entries[docKey{signed.KindStatement, personP.id, personK.id}].leastBytes; n != 66 {
		t.Errorf("%d count", n)
	}
	proof(events(1)[0], personK)
	clean(t, b)
}

// A consent that its server contradicts, or takes back, counts nothing, and
// whatever came first the same documents are in the books.
func TestConsentInAnyOrder(t *testing.T) {
	for name, second := range map[string]uint64{"contradicted": 1, "taken back": 2} {
		t.Run(name, func(t *testing.T) {
			var states []map[docKey]string
			for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}} {
				b, c := booksD(t, personP, personK)
				now := c.now().Unix()
				docs := []signed.Document{personD.consent(personK, 1, now, true), personD.consent(personK, second, now, false),
					personK.repay(1, now, signed.Allotment{Node: personD.id, SharePPM: 1_000_000})}
				for range 2 {
					for _, i := range order {
						_, _ = b.Accept(t.Context(), docs[i]) // some are refused until others are there
					}
				}
				accept(t, b, OutcomeNew, statement(personP, personK, 1, now, 90, personP, personK))
				if v := creditOf(t, b, personP); v.Earned != 0 {
					t.Errorf("%v: %+v", order, v)
				}
				states = append(states, states1(b))
			}
			for _, s := range states[1:] {
				if len(s) != 3 || !maps.Equal(s, states[0]) {
					t.Errorf("in another order the %d documents say something else", len(s))
				}
			}
		})
	}
}
