package node

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// numbersLeft is the highest number of a statement that an owner signs for its
// host: half of them are left to lower the figure without the host.
const numbersLeft = signed.MaxNumber / 2

// Propose signs a statement of a host that says what these books say; else it
// answers what they say, and the difference is in the events.
func (c *clerk) Propose(ctx context.Context, from peer.ID, r p2p.StatementRequest) (p2p.StatementResponse, error) {
	var none p2p.StatementResponse
	n, err := c.begin(ctx, &c.asked, from, 1, clerkAsks)
	if err != nil {
		return none, err
	}
	if n.writable() != nil {
		return none, &p2p.Error{Code: p2p.CodeBusy}
	}
	s, signer, err := signed.OpenStatement(r.Sealed)
	switch {
	case err != nil:
		return none, bad("statement: %v", err)
	case signer != from || s.Host != from || s.Owner != n.self:
		return none, bad("statement of %v about %v and %v, from %v", signer, s.Host, s.Owner, from)
	}
	// What stands there this node would sign, and be held against (ledger.Book.Behind).
	if has, err := n.hasHead(ctx, s.OwnerHead); err != nil {
		return none, n.keep.answer(err)
	} else if !has {
		return none, bad("statement that names event %d of the owner's books, which don't have it", s.OwnerHead.Seq)
	}
	if s.Number > numbersLeft { // one must be left to lower it
		return none, bad("statement %d, at most %d is signed", s.Number, uint64(numbersLeft))
	}
	if now := n.config.Clock().Unix(); max(s.Time-now, now-s.Time) > int64(signed.Tolerance/time.Second) {
		return none, bad("statement of time %d, and it is %d", s.Time, now)
	}
	begun, ended := n.begun.Load(), n.ended.Load()
	if begun != ended { // what is just being put is there and not yet here
		return none, &p2p.Error{Code: p2p.CodeBusy}
	}
	n.signing.Lock() // this node may be lowering a statement just now
	defer n.signing.Unlock()
	_, number, err := n.newest(ctx, from, n.self)
	if err != nil {
		return none, err
	}
	if s.Number <= number {
		return none, &p2p.Error{Code: p2p.CodeConflict}
	}
	sum, err := n.book.Summary(ctx, from, n.self)
	if err != nil {
		return none, n.keep.answer(err)
	}
	if n.begun.Load() != begun {
		return none, &p2p.Error{Code: p2p.CodeBusy}
	}
	if !says(s, sum) {
		n.count.refuse(ctx, s, sum, r.Sealed)
		return p2p.StatementResponse{Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest}, nil
	}
	sealed, err := signed.SealStatement(n.keep.key, s)
	if err != nil {
		return none, err
	}
	if _, err := n.book.Accept(ctx, signed.StatementOf(r.Sealed, sealed)); err != nil {
		return none, n.keep.answer(err)
	}
	n.post.changed()
	if err := n.agree(ctx, from, n.self); err != nil {
		return none, err
	}
	return p2p.StatementResponse{Sealed: sealed}, nil
}

// hasHead tells whether these books have a head, or none is named.
func (n *Node) hasHead(ctx context.Context, h signed.Head) (bool, error) {
	if h == (signed.Head{}) {
		return true, nil
	}
	return n.book.HasHead(ctx, h)
}

// refuse notes that a host counts otherwise, and has the books compared with it.
// When they were compared since it first said so, or can't be for long, it is a
// dispute.
func (c *count) refuse(ctx context.Context, s signed.Statement, mine ledger.Summary, sealed []byte) {
	t := refusal{trial{theirs: s.Bytes, mine: mine.Bytes, at: time.Now()}, s, sealed}
	c.mu.Lock()
	before, known := c.refused[s.Host]
	again := known && before.theirs == t.theirs && before.mine == t.mine
	if again {
		t.at = before.at
	}
	c.refused[s.Host] = t
	c.mu.Unlock()
	if again && (c.n.reconcile.since(s.Host, t.at) || time.Since(t.at) > compareLate) {
		if err := c.n.dissent(ctx, s.Host, ""); err != nil {
			c.n.tend.complain("keep a dispute", err)
		}
	}
	c.n.reconcile.doubt(s.Host)
}

// unsigned is the newest statement of a host that this node didn't sign, in this
// life.
func (c *count) unsigned(host peer.ID) (s signed.Statement, sealed []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused[host].statement, c.refused[host].sealed
}

// lower signs what a host still holds, when that is less than the newest
// statement says.
func (c *count) lower(ctx context.Context, host peer.ID) error {
	n := c.n
	u, err := n.book.Usage(ctx, host)
	if err != nil {
		return n.checked(err)
	}
	n.signing.Lock() // a host may be proposing just now
	defer n.signing.Unlock()
	last, number, err := n.newest(ctx, host, n.self)
	if err != nil || last.Number == 0 || last.Bytes <= u.Earned {
		return err
	}
	sum, err := n.book.Summary(ctx, host, n.self)
	if err != nil || sum.Bytes >= last.Bytes {
		return n.checked(err)
	}
	head, err := n.book.Head(ctx)
	if err != nil {
		return n.checked(err)
	}
	s := signed.Statement{Host: host, Owner: n.self, Number: number + 1, Time: n.config.Clock().Unix(), Bytes: sum.Bytes,
		Shares: sum.Shares, Digest: sum.Digest, OwnerHead: head}
	sealed, err := signed.SealStatement(n.keep.key, s)
	if err != nil {
		return err
	}
	if _, err := n.book.Accept(ctx, signed.StatementOf(nil, sealed)); err != nil {
		return n.checked(err)
	}
	n.log.Info("a host holds less than the newest statement says", "host", host, "bytes", int64(sum.Bytes), "before", int64(last.Bytes))
	n.post.changed()
	return nil
}
