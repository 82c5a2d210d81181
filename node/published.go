package node

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// Statements are published to friends (CREDIT.md section 8): each side of one hands
// it to those who are friends of both, unless an operator of the two doesn't want
// that (see audiences). It goes no farther: it is taken from those alone who signed
// it, and by those alone who know both. It counts nothing there. So each node can draw who holds how much for whom, and
// sees where two words differ.

// between tells whether a statement is about a peer's own holdings.
func (p paper) between(who peer.ID) bool { return p.id.Issuer == who || p.id.Other == who }

// published tells whether a document is a statement that a friend publishes: it is
// one of its own, about somebody who is known here.
func (n *Node) published(ctx context.Context, from peer.ID, p paper) (bool, error) {
	if p.id.Kind != signed.KindStatement || p.between(n.self) || !p.between(from) || !n.gate.isFriend(from) {
		return false, nil
	}
	for _, side := range []peer.ID{p.id.Issuer, p.id.Other} {
		if known, err := n.knows(ctx, side); err != nil || !known {
			return false, err
		}
	}
	return true, nil
}

// notice takes a statement that a friend publishes, for the matrix alone.
func (n *Node) notice(ctx context.Context, from peer.ID, p paper) (uint8, error) {
	if ok, err := n.published(ctx, from, p); err != nil || !ok {
		return p2p.DeliveredNotConcerned, err
	}
	if n.paced.published.charge(from, 1, pacePublished, time.Now()) != nil {
		return p2p.DeliveredNotConcerned, nil
	}
	outcome, err := n.book.Accept(ctx, p.document)
	result, err := judged(outcome, err)
	return result, n.checked(err)
}

// Matrix says who holds how much for whom, as far as it was published to this node.
type Matrix struct {
	AsOf  int64        `json:"as_of"`
	Nodes []Party      `json:"nodes"` // rows and columns, by name; this node is called "you"
	Cells []MatrixCell `json:"cells"` // by holder, then by owner, in the order of the nodes; those without a word are left out
	More  bool         `json:"more"`  // there are cells after the last one; only with a limit
}

// MatrixCell is what the two sides of one holding signed last.
type MatrixCell struct {
	Holder  peer.ID `json:"holder"`
	Owner   peer.ID `json:"owner"`
	Held    *Word   `json:"held"`    // the holder's word; null: it published none
	Counted *Word   `json:"counted"` // the owner's
	Differs bool    `json:"differs"` // the two words aren't the same
}

// Word is what one side signed.
type Word struct {
	Bytes  potluck.Size   `json:"bytes"`
	Shares int64          `json:"shares"`
	Number uint64         `json:"number"`
	Time   int64          `json:"time"`
	Digest potluck.Digest `json:"digest"` // over the shares, see ledger.Summary
}

// MatrixPart selects cells, in the order of the holders' and then the owners' IDs.
type MatrixPart struct {
	Holder, Owner peer.ID // only cells after this one; empty: from the first
	Limit         int     // of cells; 0: all
}

// Matrix draws the statements in these books: this node's own, and those that
// friends published. A part has the nodes of its cells alone, and keeps the order of
// IDs, so that the next one goes on behind its last cell.
func (n *Node) Matrix(ctx context.Context, part MatrixPart) (Matrix, error) {
	m := Matrix{AsOf: n.config.Clock().Unix(), Nodes: []Party{}, Cells: []MatrixCell{}}
	if part.Limit < 0 {
		return m, usagef("a limit of %d cells", part.Limit)
	}
	ns, err := n.names(ctx)
	if err != nil {
		return m, err
	}
	seen := make(map[peer.ID]bool)
	err = n.book.WordsAfter(ctx, part.Holder, part.Owner, func(w ledger.Words) error {
		if m.More = part.Limit > 0 && len(m.Cells) == part.Limit; m.More {
			return ledger.ErrStop
		}
		m.Cells = append(m.Cells, cellOf(w))
		seen[w.Host], seen[w.Owner] = true, true
		return nil
	})
	if err != nil {
		return m, n.checked(err)
	}
	for p := range maps.Keys(seen) {
		m.Nodes = append(m.Nodes, ns.party(p))
	}
	if part.Limit > 0 {
		slices.SortFunc(m.Nodes, byName)
	} else {
		m.Arrange()
	}
	return m, nil
}

// Arrange brings the cells into the order of the nodes, and the nodes into that of
// their names.
func (m *Matrix) Arrange() {
	slices.SortFunc(m.Nodes, byName)
	place := make(map[peer.ID]int, len(m.Nodes))
	for i, x := range m.Nodes {
		place[x.Peer] = i
	}
	slices.SortFunc(m.Cells, func(a, b MatrixCell) int {
		return cmp.Or(cmp.Compare(place[a.Holder], place[b.Holder]), cmp.Compare(place[a.Owner], place[b.Owner]))
	})
}

// cellOf shows the newest word of each side.
func cellOf(w ledger.Words) MatrixCell {
	c := MatrixCell{Holder: w.Host, Owner: w.Owner, Held: wordOf(w.ByHost), Counted: wordOf(w.ByOwner)}
	c.Differs = c.Held != nil && c.Counted != nil && (c.Held.Bytes != c.Counted.Bytes || c.Held.Shares != c.Counted.Shares || c.Held.Digest != c.Counted.Digest)
	return c
}

func wordOf(s *signed.Statement) *Word {
	if s == nil {
		return nil
	}
	return &Word{Bytes: s.Bytes, Shares: s.Shares, Number: s.Number, Time: s.Time, Digest: s.Digest}
}
