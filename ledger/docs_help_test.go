package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// person is a node with its key.
type person struct {
	key crypto.PrivKey
	id  peer.ID
}

func newPerson(name string) person {
	seed := sha256.Sum256([]byte(name))
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		panic(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return person{key, id}
}

// The people of the tests: D's books are the ones that are tested.
var (
	personD = newPerson("D")
	personP = newPerson("P")
	personQ = newPerson("Q")
	personK = newPerson("K")
	personX = newPerson("X")
	personY = newPerson("Y")
)

const day = 24 * 3600

// sealed panics in tests alone: a document of the test that can't be signed is a
// mistake in the test.
func sealed(k signed.Kind, b []byte, err error) signed.Document {
	if err != nil {
		panic(err)
	}
	return signed.Single(k, b)
}

func (p person) order(number uint64, now int64, pointers ...signed.Pointer) signed.Document {
	return p.orderOf(signed.Order{Number: number, NotBefore: now, Expires: now + 30*day, Pointers: pointers})
}

func (p person) orderOf(o signed.Order) signed.Document {
	o.Issuer = p.id
	b, err := signed.SealOrder(p.key, o.Sorted())
	return sealed(signed.KindOrder, b, err)
}

// to points so many bytes to a peer at any host.
func to(p person, limit potluck.Size) signed.Pointer {
	return signed.Pointer{To: p.id, Limit: limit, SharePPM: signed.NoShare, Since: 1}
}

func (p person) repay(number uint64, now int64, allotments ...signed.Allotment) signed.Document {
	b, err := signed.SealRepay(p.key, signed.Repay{Principal: p.id, Number: number, NotBefore: now, Expires: now + 30*day, Allotments: allotments}.Sorted())
	return sealed(signed.KindRepay, b, err)
}

func (p person) consent(principal person, number uint64, now int64, works bool) signed.Document {
	b, err := signed.SealConsent(p.key, signed.Consent{Server: p.id, Principal: principal.id, Number: number, NotBefore: now, Expires: now + 30*day, Works: works})
	return sealed(signed.KindConsent, b, err)
}

func (p person) household(number uint64, now int64, label string, others ...person) signed.Document {
	h := signed.Household{Member: p.id, Number: number, Time: now, Label: label}
	for _, o := range others {
		h.Members = append(h.Members, o.id)
	}
	b, err := signed.SealHousehold(p.key, h.Sorted())
	return sealed(signed.KindHousehold, b, err)
}

// statement is signed by those of the two who are named.
func statement(host, owner person, number uint64, now int64, n potluck.Size, by ...person) signed.Document {
	s := signed.Statement{Host: host.id, Owner: owner.id, Number: number, Time: now, Bytes: n, Shares: 1}
	var sides [2][]byte
	for _, p := range by {
		b, err := signed.SealStatement(p.key, s)
		if err != nil {
			panic(err)
		}
		if p.id == host.id {
			sides[0] = b
		} else {
			sides[1] = b
		}
	}
	return signed.StatementOf(sides[0], sides[1])
}

// openD opens D's books, which are checked and closed with the test.
func openD(t testing.TB, dir string, c *clock) *Book {
	t.Helper()
	cfg := config(dir, c)
	cfg.Self = personD.id
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// booksD gives D's books with these friends, on stranger's terms.
func booksD(t testing.TB, friends ...person) (*Book, *clock) {
	t.Helper()
	c := newClock()
	b := openD(t, t.TempDir(), c)
	for _, f := range friends {
		friend(t, b, f, Terms{RatioPPM: 1_000_000})
	}
	return b, c
}

func friend(t testing.TB, b *Book, p person, terms Terms) {
	t.Helper()
	if err := b.Befriend(t.Context(), Account{Peer: p.id, Terms: terms}); err != nil {
		t.Fatal(err)
	}
}

func know(t testing.TB, b *Book, people ...person) {
	t.Helper()
	for _, p := range people {
		if err := b.Know(t.Context(), p.id, "", nil); err != nil {
			t.Fatal(err)
		}
	}
}

// earn lets a host hold so much for D.
func earn(t testing.TB, b *Book, host person, n potluck.Size) {
	t.Helper()
	p := Placement{Share: shareID(900, 0), Host: host.id, Layout: layout, Charge: n, Root: digest(1), Manifest: digest(2), State: PlacedStable}
	if err := b.Place(t.Context(), []Placement{p}); err != nil {
		t.Fatal(err)
	}
}

func accept(t testing.TB, b *Book, want Outcome, docs ...signed.Document) {
	t.Helper()
	for _, d := range docs {
		if out, err := b.Accept(t.Context(), d); err != nil || out != want {
			t.Fatalf("accept %v: %v, %v; want %v", d.Kind, out, err, want)
		}
	}
	sameGraph(t, b)
}

func creditOf(t testing.TB, b *Book, p person) CreditView {
	t.Helper()
	v, err := b.Credit(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func frozenOf(t testing.TB, b *Book, p person) (sum potluck.Size) {
	t.Helper()
	row, err := b.Document(t.Context(), signed.KindOrder, p.id, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range row.Frozen {
		sum += f.Limit
	}
	return sum
}

// sameGraph holds the network that was fed step by step against one that is built
// from the rows.
func sameGraph(t testing.TB, b *Book) {
	t.Helper()
	if err := differs(b); err != nil {
		t.Fatal(err)
	}
}

func differs(b *Book) error {
	fed := b.graph
	built := newGraph(b.self, fed.hops)
	built.window = fed.window
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	if err := built.load(view{txn}, fed.asOf); err != nil {
		return err
	}
	fed.mu.Lock()
	defer fed.mu.Unlock()
	switch {
	case !maps.Equal(fed.earned, built.earned), !maps.Equal(fed.proofs, built.proofs), !maps.Equal(fed.loans, built.loans), !maps.Equal(fed.paid, built.paid),
		!maps.Equal(fed.frozen, built.frozen), !maps.Equal(fed.slowed, built.slowed), fed.ownPPM != built.ownPPM, !maps.EqualFunc(fed.via, built.via, slices.Equal[[]EarnedFor]):
		return fmt.Errorf("fed\n%+v\nbuilt\n%+v", fed, built)
	case fed.from < built.from || fed.due > built.due: // looking too often is no harm
		return fmt.Errorf("fed is right from %d to %d, built from %d to %d", fed.from, fed.due, built.from, built.due)
	case !maps.EqualFunc(fed.entries, built.entries, func(a, b *entry) bool { return bytes.Equal(encodeEntry(a), encodeEntry(b)) }):
		return fmt.Errorf("documents differ")
	case !slices.Equal(fed.book.Shortfalls(), built.book.Shortfalls()):
		return fmt.Errorf("shortfalls are %v, built %v", fed.book.Shortfalls(), built.book.Shortfalls())
	}
	peers, err := view{txn}.peers()
	if err != nil {
		return err
	}
	for p := range peers {
		id := credit.ID(p)
		x, _ := fed.book.Peer(id)
		y, _ := built.book.Peer(id)
		if x != y || fed.book.Free(id) != built.book.Free(id) || !slices.Equal(fed.book.Carried(id), built.book.Carried(id)) {
			return fmt.Errorf("%v: fed %+v free %d carries %v\nbuilt %+v free %d carries %v", p, x, fed.book.Free(id), fed.book.Carried(id),
				y, built.book.Free(id), built.book.Carried(id))
		}
		for _, f := range fed.book.Carried(id) {
			if f.Bytes > f.Capacity || f.Frozen && f.Bytes < f.Capacity && len(fed.book.Shortfalls()) == 0 {
				return fmt.Errorf("pointer %+v carries more than it can, or is frozen and could carry more", f)
			}
		}
	}
	return nil
}
