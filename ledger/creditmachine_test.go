package ledger

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// creditMachine runs documents, shares and time on D's books, and on a model that
// remembers all that ever came and sums it anew for every figure.
type creditMachine struct {
	t      *testing.T
	dir    string
	clock  *clock
	book   *Book
	docs   []signed.Document // everything that was ever accepted
	papers []*paper
	terms  map[person]Terms
	earned map[person]potluck.Size
	frozen map[docKey]potluck.Size // after the last step
	filed  bool                    // the last step may have frozen something
	steps  int
}

var (
	creditPeople  = []person{personP, personQ, personK, personX, personY}
	creditFriends = []person{personP, personQ, personK}
)

func (m *creditMachine) now() int64 { return m.clock.now().Unix() }

func drawPerson(t *rapid.T, of []person) person { return rapid.SampledFrom(of).Draw(t, "person") }

func drawNumber(t *rapid.T) uint64 { return uint64(rapid.IntRange(1, 6).Draw(t, "number")) }

// take gives a document to the books and holds the outcome against all that came before.
func (m *creditMachine) take(t *rapid.T, d signed.Document) {
	p, err := openPaper(d)
	if err != nil {
		t.Fatal(err)
	}
	m.filed = true
	out, err := m.book.Accept(m.t.Context(), d)
	if err != nil {
		var refusal *potluck.Refusal
		if !errors.Is(err, ErrInvalid) && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		return
	}
	if p.id.Kind != signed.KindStatement {
		if want := m.outcome(p); out != want {
			t.Fatalf("%v %d: %v, want %v", p.id.Kind, p.id.Number, out, want)
		}
	}
	if out == OutcomeNew || out == OutcomeConflict {
		m.docs, m.papers = append(m.docs, d), append(m.papers, p)
	}
}

func (m *creditMachine) outcome(p *paper) Outcome {
	top, known := uint64(0), false
	for _, o := range m.papers {
		if o.key() == p.key() {
			top = max(top, o.id.Number)
			known = known || o.same(p)
		}
	}
	switch {
	case top < p.id.Number:
		return OutcomeNew
	case top > p.id.Number:
		return OutcomeStale
	case known && m.book.graph.entries[p.key()].has(p):
		return OutcomeKnown
	}
	return OutcomeConflict
}

func (m *creditMachine) Order(t *rapid.T) {
	p := drawPerson(t, append(slices.Clone(creditPeople), personD))
	// Dates are few, so that one number comes twice with one content.
	o := signed.Order{Number: drawNumber(t), NotBefore: m.now() / day * day, Expires: (m.now()/day + rapid.Int64Range(1, 60).Draw(t, "days")) * day}
	for _, x := range creditPeople {
		if x.id == p.id || rapid.IntRange(0, 2).Draw(t, "points") > 0 {
			continue
		}
		q := to(x, potluck.Size(rapid.Int64Range(-1, 60).Draw(t, "limit")))
		q.SharePPM = rapid.SampledFrom([]int64{signed.NoShare, signed.NoShare, 0, 300_000, 1_000_000}).Draw(t, "share")
		q.Since = rapid.Int64Range(1, 3).Draw(t, "since")
		if q.Limit > 0 && rapid.IntRange(0, 2).Draw(t, "loan") == 0 {
			q.Loan = true
		}
		if p.id != personD.id && rapid.Bool().Draw(t, "named") {
			q.Host = personD.id
		}
		if rapid.IntRange(0, 3).Draw(t, "until") == 0 {
			q.Until = o.NotBefore + rapid.Int64Range(1, 30).Draw(t, "until days")*day
		}
		o.Pointers = append(o.Pointers, q)
	}
	if rapid.IntRange(0, 3).Draw(t, "declines") == 0 {
		if x := drawPerson(t, creditPeople); x.id != p.id {
			o.Declined = append(o.Declined, x.id)
		}
	}
	m.take(t, p.orderOf(o))
}

func (m *creditMachine) Repay(t *rapid.T) {
	k := drawPerson(t, []person{personK, personD})
	at := m.now() / day * day
	server := personD
	if k == personD {
		server = personQ
	}
	if rapid.Bool().Draw(t, "consent") {
		m.take(t, server.consent(k, drawNumber(t), at, rapid.IntRange(0, 3).Draw(t, "works") > 0))
		return
	}
	m.take(t, k.repay(drawNumber(t), at, signed.Allotment{Node: server.id, SharePPM: rapid.SampledFrom([]int64{1, 500_000, 1_000_000}).Draw(t, "share")}))
}

func (m *creditMachine) Statement(t *rapid.T) {
	host := drawPerson(t, []person{personP, personQ})
	by := rapid.SampledFrom([][]person{{host, personK}, {host, personK}, {personK}, {host}}).Draw(t, "by")
	m.take(t, statement(host, personK, drawNumber(t), m.now()/day*day, potluck.Size(rapid.Int64Range(0, 3).Draw(t, "bytes")*30), by...))
}

func (m *creditMachine) Household(t *rapid.T) {
	p := drawPerson(t, []person{personD, personP, personK})
	label := rapid.SampledFrom([]string{"home", "home", ""}).Draw(t, "label")
	var others []person
	for _, o := range []person{personD, personP, personK} {
		if o != p && label != "" && rapid.Bool().Draw(t, "names") {
			others = append(others, o)
		}
	}
	m.take(t, p.household(drawNumber(t), m.now()/day*day, label, others...))
}

// Replay sends again what came before, in the state of now.
func (m *creditMachine) Replay(t *rapid.T) {
	if len(m.docs) > 0 {
		m.take(t, rapid.SampledFrom(m.docs).Draw(t, "document"))
	}
}

func (m *creditMachine) Reserve(t *rapid.T) {
	p := drawPerson(t, creditPeople)
	id := shareID(rapid.IntRange(0, 7).Draw(t, "file"), 0)
	before := m.short(t)
	events := m.book.seenNow()
	n := potluck.Size(rapid.IntRange(1, 40).Draw(t, "bytes"))
	free, quoteErr := m.book.Quote(m.t.Context(), p.id, roomy, n)
	_, err := m.book.Reserve(m.t.Context(), p.id, roomy, []Reservation{reservation(m.clock, id, n)})
	var refusal *potluck.Refusal
	switch {
	case err == nil && m.short(t) > before:
		t.Fatalf("%d bytes were taken, the shortfall rose from %d to %d", n, before, m.short(t))
	case errors.As(err, &refusal):
		if refusal.Free != free || quoteErr == nil || m.book.seenNow() != events {
			t.Fatalf("refused with %d free and %d events, the quote was %d, %v", refusal.Free, m.book.seenNow()-events, free, quoteErr)
		}
	case err == nil && rapid.Bool().Draw(t, "commits"):
		_ = m.book.Commit(m.t.Context(), p.id, id, digest(1), digest(2))
	case err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrConflict):
		t.Fatal(err)
	}
}

func (b *Book) seenNow() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen
}

func (m *creditMachine) short(t *rapid.T) (sum potluck.Size) {
	all, err := m.book.Shortfalls(m.t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		sum += s.Bytes
	}
	return sum
}

func (m *creditMachine) Cancel(t *rapid.T) {
	p, id := drawPerson(t, creditPeople), shareID(rapid.IntRange(0, 7).Draw(t, "file"), 0)
	_, gone, err := m.book.Cancel(m.t.Context(), p.id, []potluck.ShareID{id})
	if err == nil {
		err = m.book.Deleted(m.t.Context(), gone)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m *creditMachine) Place(t *rapid.T) {
	p := drawPerson(t, creditFriends)
	n := potluck.Size(rapid.IntRange(1, 100).Draw(t, "bytes"))
	state := rapid.SampledFrom([]PlacementState{PlacedStable, PlacedStable, PlacedLost}).Draw(t, "state")
	pl := Placement{Share: shareID(900, 0), Host: p.id, Layout: layout, Charge: n, Root: digest(1), Manifest: digest(2), State: state}
	if err := m.book.Place(m.t.Context(), []Placement{pl}); err != nil {
		t.Fatal(err)
	}
	if m.earned[p] = n; state != PlacedStable {
		m.earned[p] = 0
	}
}

func (m *creditMachine) Terms(t *rapid.T) {
	p := drawPerson(t, creditFriends)
	terms := Terms{RatioPPM: rapid.SampledFrom([]int64{0, 1_000_000, 1_500_000}).Draw(t, "ratio"), Gift: potluck.Size(rapid.IntRange(0, 50).Draw(t, "gift")),
		Paid: potluck.Size(rapid.IntRange(0, 1).Draw(t, "paid") * 30), PaidUntil: m.now() + rapid.Int64Range(0, 3).Draw(t, "paid days")*day}
	denied := rapid.IntRange(0, 5).Draw(t, "denied") == 0
	step := credit.Step(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(t, "step"))
	_, err := m.book.Update(m.t.Context(), p.id, "", func(a *Account) error {
		a.Terms, a.Denied, a.Standing.Step = terms, denied, step
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.terms[p] = terms
}

// Time passes by hours or weeks, or the clock is set back.
func (m *creditMachine) Time(t *rapid.T) {
	m.clock.move(time.Duration(rapid.SampledFrom([]int64{600, 3600, 86400, 7 * 86400, 15 * 86400, -600, -86400}).Draw(t, "seconds")) * time.Second)
	m.filed = true
	if err := m.book.Refresh(m.t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (m *creditMachine) Reopen(t *rapid.T) {
	if err := m.book.Close(); err != nil {
		t.Fatal(err)
	}
	m.open()
}

func (m *creditMachine) open() {
	cfg := config(m.dir, m.clock)
	cfg.Self = personD.id
	b, err := Open(m.t.Context(), cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.book = b
}

// Check runs after every step.
func (m *creditMachine) Check(t *rapid.T) {
	if err := m.book.current(m.t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := differs(m.book); err != nil {
		t.Fatal(err)
	}
	frozen := make(map[docKey]potluck.Size)
	for k, e := range m.book.graph.entries {
		for _, f := range e.frozen {
			at := docKey{k.kind, k.issuer, f.To}
			if frozen[at] = f.Limit; !m.filed && f.Limit > m.frozen[at] {
				t.Fatalf("frozen pointer of %v grew from %d to %d", k.issuer, m.frozen[at], f.Limit)
			}
		}
	}
	m.frozen, m.filed = frozen, false
	for _, p := range creditFriends {
		m.supply(t, p)
	}
	if m.steps++; m.steps%8 != 0 {
		return
	}
	if r, err := m.book.Check(m.t.Context()); err != nil || len(r.Problems) > 0 {
		t.Fatalf("check: %q, %v", r.Problems, err)
	}
}

// supply holds one friend's supply against the sum over all that ever came.
func (m *creditMachine) supply(t *rapid.T, p person) {
	v, found := m.book.graph.view(p.id, m.now())
	if !found {
		t.Fatal("a friend is not in the network")
	}
	a, err := m.book.Account(m.t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	want := a.Terms.Gift // households change it
	if m.now() < m.terms[p].PaidUntil {
		want += m.terms[p].Paid
	}
	earned := m.earned[p] * potluck.Size(m.ownPart()) / million
	if share := m.repaid(); share > 0 && p != personK && !m.house(p, personK) && !m.house(p, personD) {
		earned += m.stated(p) * potluck.Size(share) / million
	}
	want += earned * potluck.Size(m.terms[p].RatioPPM) / million
	if v.Supply != want || v.Earned != earned {
		t.Fatalf("supply of %v is %d, earned %d; the model says %d, %d", p.id, v.Supply, v.Earned, want, earned)
	}
}

// newest gives the papers with the highest number; two are a conflict.
func (m *creditMachine) newest(k docKey) (top []*paper) {
	for _, p := range m.papers {
		switch {
		case p.key() != k || len(top) > 0 && p.id.Number < top[0].id.Number:
		case len(top) == 0 || p.id.Number > top[0].id.Number:
			top = []*paper{p}
		case !slices.ContainsFunc(top, p.same):
			top = append(top, p)
		}
	}
	return top
}

func (m *creditMachine) ownPart() int64 {
	top := m.newest(docKey{signed.KindRepay, personD.id, ""})
	if len(top) == 0 || m.now() >= top[0].repay.Expires+1200 {
		return million
	}
	least := slices.MinFunc(top, func(a, b *paper) int { return bytes.Compare(a.payload, b.payload) })
	return million - least.repay.Allotments[0].SharePPM
}

func (m *creditMachine) repaid() int64 {
	r, c := m.newest(docKey{signed.KindRepay, personK.id, ""}), m.newest(docKey{signed.KindConsent, personD.id, personK.id})
	if len(r) != 1 || len(c) != 1 || !c[0].consent.Works || r[0].validAt(m.now()) != nil || c[0].validAt(m.now()) != nil {
		return 0
	}
	return r[0].repay.Share(personD.id)
}

func (m *creditMachine) house(a, b person) bool {
	x, y := m.newest(docKey{signed.KindHousehold, a.id, ""}), m.newest(docKey{signed.KindHousehold, b.id, ""})
	return len(x) == 1 && len(y) == 1 && x[0].household.Names(b.id, x[0].household.Label) && y[0].household.Names(a.id, x[0].household.Label)
}

// stated is what counts of P's statements with K.
func (m *creditMachine) stated(p person) potluck.Size {
	var both, owners uint64
	for _, s := range m.papers {
		if s.key() == (docKey{signed.KindStatement, p.id, personK.id}) && s.byOwner {
			owners = max(owners, s.id.Number)
			if s.byHost {
				both = max(both, s.id.Number)
			}
		}
	}
	least, at := potluck.MaxSize, int64(0)
	for _, s := range m.papers {
		if s.key() != (docKey{signed.KindStatement, p.id, personK.id}) || !s.byOwner {
			continue
		}
		if s.id.Number == owners || s.id.Number == both && s.byHost {
			least = min(least, s.statement.Bytes)
		}
		if s.byHost && s.id.Number == both {
			at = max(at, s.statement.Time)
		}
	}
	if both == 0 || m.now() >= at+14*day {
		return 0
	}
	return least
}

// replayed gives all documents to new books in another order: what they say in
// the end is the same.
func (m *creditMachine) replayed(t *rapid.T) {
	c := m.clock
	var states []map[docKey]string
	for range 2 {
		dir, err := os.MkdirTemp(m.t.TempDir(), "replay")
		if err != nil {
			t.Fatal(err)
		}
		b := openReplay(m.t, dir, c)
		for _, p := range creditPeople {
			if err := b.Know(m.t.Context(), p.id, "", nil); err != nil {
				t.Fatal(err)
			}
		}
		// What needs a consent is refused until that came: it is sent again.
		docs := rapid.Permutation(m.docs).Draw(t, "order of arrival")
		for _, d := range slices.Concat(docs, docs) {
			_, _ = b.Accept(m.t.Context(), d)
		}
		states = append(states, states1(b))
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		os.RemoveAll(dir)
	}
	if !maps.Equal(states[0], states[1]) {
		t.Fatalf("in another order the documents say something else")
	}
}

func openReplay(t *testing.T, dir string, c *clock) *Book {
	cfg := config(dir, c)
	cfg.Self = personD.id
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// states1 gives what documents say, apart from what was carried meanwhile, and
// from what a host alone said.
func states1(b *Book) map[docKey]string {
	all := make(map[docKey]string)
	for k, e := range b.graph.entries {
		c := *e
		c.frozen, c.asOf, c.byHost = nil, 0, nil
		all[k] = string(encodeEntry(&c))
	}
	return all
}

func TestCreditMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "book")
		if err != nil {
			rt.Fatal(err)
		}
		m := &creditMachine{t: t, dir: dir, clock: newClock(), terms: make(map[person]Terms), earned: make(map[person]potluck.Size)}
		m.open()
		defer func() {
			if err := m.book.Close(); err != nil {
				t.Error(err)
			}
			os.RemoveAll(dir)
		}()
		for _, p := range creditFriends {
			m.terms[p] = Terms{RatioPPM: 1_000_000, Gift: 50}
			friend(t, m.book, p, m.terms[p])
		}
		know(t, m.book, personX, personY)
		rt.Repeat(map[string]func(*rapid.T){
			"": m.Check, "order": m.Order, "order more": m.Order, "order most": m.Order, "repay": m.Repay, "statement": m.Statement, "household": m.Household,
			"replay": m.Replay, "reserve": m.Reserve, "reserve more": m.Reserve, "reserve most": m.Reserve, "cancel": m.Cancel, "cancel more": m.Cancel,
			"place": m.Place, "terms": m.Terms, "time": m.Time, "reopen": m.Reopen,
		})
		m.replayed(rt)
	})
}
