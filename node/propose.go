package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// verifyBatch is how many share sets are asked for at once: an answer has at
// most p2p.MaxHeld shares, 255 of one set.
const verifyBatch = p2p.MaxHeld / potluck.MaxShares

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
	s, signer, err := signed.OpenStatement(r.Sealed)
	switch {
	case err != nil:
		return none, bad("statement: %v", err)
	case signer != from || s.Host != from || s.Owner != n.self:
		return none, bad("statement of %v about %v and %v, from %v", signer, s.Host, s.Owner, from)
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
	if sum.Bytes != s.Bytes || sum.Shares != s.Shares || sum.Digest != s.Digest {
		n.count.dispute(ctx, s, sum)
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
	return p2p.StatementResponse{Sealed: sealed}, nil
}

// dispute writes down that a host counts otherwise, once for the same figures,
// and lets the host be told of what was removed.
func (c *count) dispute(ctx context.Context, s signed.Statement, mine ledger.Summary) {
	t := trial{theirs: s.Bytes, mine: mine.Bytes}
	c.mu.Lock()
	same := c.disputed[s.Host] == t
	c.disputed[s.Host] = t
	c.mu.Unlock()
	if same {
		return
	}
	if err := c.n.disputed(ctx, s.Host, mine, ledger.Summary{Bytes: s.Bytes, Shares: s.Shares}); err != nil {
		c.n.tend.complain("write an event", err)
	}
	c.n.tend.renewing.Trigger() // tells hosts that are connected of removals
	c.doubt(s.Host)
}

// disputed writes down that a peer counts otherwise: both versions stand until
// they are cured, and the smaller counts. One event a day tells of one peer.
func (n *Node) disputed(ctx context.Context, p peer.ID, mine, theirs ledger.Summary) error {
	if !n.disputes.told(p, n.config.Clock().Unix()) {
		return nil
	}
	reason := fmt.Sprintf("it counts %d bytes in %d shares, these books %d in %d", theirs.Bytes, theirs.Shares, mine.Bytes, mine.Shares)
	n.log.Warn("a peer counts otherwise", "peer", p, "text", reason)
	return n.checked(n.book.Note(ctx, ledger.Event{Kind: kindDispute, Peer: p,
		Bytes: max(theirs.Bytes-mine.Bytes, mine.Bytes-theirs.Bytes), Reason: reason}))
}

// doubt has a host asked soon for every share that it should hold.
func (c *count) doubt(host peer.ID) {
	c.mu.Lock()
	c.doubted[host] = true
	c.mu.Unlock()
	c.cycle.Trigger()
}

// verify asks a host that counts otherwise which shares it holds, and marks as
// lost what it says that it doesn't.
func (c *count) verify(ctx context.Context, host peer.ID) error {
	c.mu.Lock()
	ask := c.doubted[host] && c.n.host.Connected(host)
	if ask {
		delete(c.doubted, host)
	}
	c.mu.Unlock()
	if !ask {
		return nil
	}
	var placed []potluck.ShareID
	var indexes []potluck.StorageIndex
	err := c.n.book.PlacementsAt(ctx, host, func(p ledger.Placement) error {
		if p.State == ledger.PlacedStable {
			placed = append(placed, p.Share)
			if !slices.Contains(indexes[max(0, len(indexes)-1):], p.Share.Index) { // they come in order
				indexes = append(indexes, p.Share.Index)
			}
		}
		return nil
	})
	if err != nil {
		return c.n.checked(err)
	}
	held := make(map[potluck.ShareID]bool)
	for batch := range slices.Chunk(indexes, verifyBatch) {
		a, err := c.n.host.Have(ctx, host, p2p.HaveRequest{Indexes: batch})
		if err != nil {
			c.doubt(host)
			return err
		}
		for i, set := range a.Sets {
			for _, s := range set.Shares {
				held[potluck.ShareID{Index: batch[i], Number: s.Number}] = s.Mine
			}
		}
	}
	lost := slices.DeleteFunc(placed, func(id potluck.ShareID) bool { return held[id] })
	for batch := range slices.Chunk(lost, verifyBatch) {
		if err := c.n.book.Mark(ctx, host, batch, ledger.PlacedLost, "the host says that it doesn't hold it"); err != nil {
			return c.n.checked(err)
		}
	}
	if len(lost) > 0 {
		c.n.log.Warn("a host lost shares of this node", "host", host, "shares", len(lost))
		c.n.judge.cycle.Trigger()
	}
	return nil
}
