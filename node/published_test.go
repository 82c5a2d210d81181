package node

import (
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// cell finds what a node was told that one holds for another.
func cell(t *testing.T, at, holder, owner *Node) (c MatrixCell, found bool) {
	t.Helper()
	m, err := at.Matrix(t.Context(), MatrixPart{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Cells {
		if c.Holder == holder.self && c.Owner == owner.self {
			return c, true
		}
	}
	return c, false
}

// TestPublishedStatements: a friend of both sees what one holds for the other, and
// where they differ; who knows only one of them sees nothing.
func TestPublishedStatements(t *testing.T) {
	owner, host := pair(t)
	mutual, _ := start(t, config(t, "mutual"))
	half, _ := start(t, config(t, "half"))
	for _, n := range []*Node{owner, host} {
		befriend(t, n, mutual)
	}
	befriend(t, host, half)
	_, charge := store(t, owner, host, 20<<10)
	turn(t, host)
	eventually(t, "a friend of both sees the statement", func() bool {
		c, ok := cell(t, mutual, host, owner)
		return ok && !c.Differs && c.Held != nil && c.Counted != nil && c.Held.Bytes == charge && *c.Held == *c.Counted
	})
	x := makeContent(t, 300<<10)
	x.put(t, owner, host)
	turn(t, host)
	reconciled(t, owner, host)
	eventually(t, "a friend of both sees the two words", func() bool {
		turn(t, owner, host)
		c, ok := cell(t, mutual, host, owner)
		return ok && c.Differs && c.Held.Shares == 2 && c.Counted.Shares == 1
	})
	if c, ok := cell(t, half, host, owner); ok {
		t.Errorf("a friend of the host alone sees %+v", c)
	}
	if c, ok := cell(t, host, host, owner); !ok || c.Held == nil || c.Counted == nil {
		t.Errorf("the host sees %+v of its own", c)
	}
}

func TestPrivateNodesPublishNothing(t *testing.T) {
	c := config(t, "owner")
	c.Private = true
	owner, _ := start(t, c)
	host, _ := start(t, config(t, "host"))
	friend, _ := start(t, config(t, "friend"))
	befriend(t, host, owner)
	befriend(t, owner, friend)
	if err := friend.book.Know(t.Context(), host.self, "host", nil); err != nil {
		t.Fatal(err)
	}
	store(t, owner, host, 20<<10)
	turn(t, host, owner)
	papers, err := owner.papers(t.Context())
	if err != nil || len(papers) == 0 {
		t.Fatal(papers, err)
	}
	for _, x := range papers {
		if x.id.Kind == signed.KindStatement && owner.post.wants(friend.self, x) {
			t.Errorf("statement %d is handed to a friend", x.id.Number)
		}
	}
	if c, ok := cell(t, friend, host, owner); ok {
		t.Errorf("a friend sees %+v", c)
	}
}

// TestPublishedStatementsAreJudged: only of those who signed it, only about
// who is known, and never changed.
func TestPublishedStatementsAreJudged(t *testing.T) {
	one, at := pair(t)
	two, _ := start(t, config(t, "two"))
	third, _ := start(t, config(t, "third"))
	stranger, _ := start(t, config(t, "stranger"))
	befriend(t, at, two)
	befriend(t, at, third)
	raw := func(host, owner *Node, by []*Node, change func(*signed.Statement)) []byte {
		t.Helper()
		s := signed.Statement{Host: host.self, Owner: owner.self, Number: 3, Time: at.config.Clock().Unix(), Bytes: 5, Shares: 1}
		change(&s)
		var half [2][]byte
		for i, n := range by {
			if n == nil {
				continue
			}
			var err error
			if half[i], err = signed.SealStatement(n.keep.key, s); err != nil {
				t.Fatal(err)
			}
		}
		b, err := signed.StatementOf(half[0], half[1]).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := func(*signed.Statement) {}
	good := raw(two, one, []*Node{two, one}, same)
	broken := []byte(strings.Clone(string(good)))
	broken[len(broken)-1] ^= 1
	for _, c := range []struct {
		what string
		from *Node
		raw  []byte
		want uint8
	}{
		{"by one who didn't sign it", third, good, p2p.DeliveredNotConcerned},
		{"about somebody unknown", two, raw(two, stranger, []*Node{two, stranger}, same), p2p.DeliveredNotConcerned},
		{"changed on the way", two, broken, p2p.DeliveredInvalid},
		{"of a time to come", two, raw(two, one, []*Node{two, one}, func(s *signed.Statement) { s.Time += 5000 }), p2p.DeliveredInvalid},
		{"good", two, good, p2p.DeliveredNew},
		{"again, by the other side", one, good, p2p.DeliveredKnown},
		{"the host's word alone", two, raw(two, one, []*Node{two, nil}, func(s *signed.Statement) { s.Number = 4; s.Bytes = potluck.MaxSize }), p2p.DeliveredNew},
	} {
		if got := bring(t, c.from, at, c.raw); got != c.want {
			t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
	c, ok := cell(t, at, two, one)
	if !ok || !c.Differs || c.Held.Bytes != potluck.MaxSize || c.Counted.Bytes != 5 {
		t.Errorf("%+v", c)
	}
	for _, p := range []peer.ID{one.self, two.self} { // it is no credit
		if v, err := at.book.Credit(t.Context(), p); err != nil || v.Earned != 0 || v.Supply != ledger.DefaultTerms().Opening {
			t.Errorf("%+v, %v", v, err)
		}
	}
}
