package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// count keeps the statements of what this node holds for others, and of what
// others hold for it, up to date (CREDIT.md section 8). As host it proposes one
// each day, after large changes, and at once after a loss. As owner it signs a
// lower one by itself when it finds placements lost: the smaller figure counts.
type count struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu       sync.Mutex
	tried    map[peer.ID]trial // as host: what was proposed last and not signed, by owner
	disputed map[peer.ID]trial // as owner: what was disputed last, by host
}

// trial is figures that weren't agreed on.
type trial struct {
	theirs, mine potluck.Size
	at           time.Time
}

const (
	countEvery  = time.Minute    // how often it is looked for changes
	stateEvery  = 24 * time.Hour // a statement is renewed after this
	largeChange = 64 * potluck.MiB
	tryAgain    = 10 * time.Minute // after an owner didn't sign the same figures
)

func newCount(n *Node) *count {
	c := &count{n: n, tried: make(map[peer.ID]trial), disputed: make(map[peer.ID]trial)}
	c.cycle = lifecycle.NewCycle(c.turn)
	return c
}

// turn proposes what is due, and lowers what is lost.
func (c *count) turn(ctx context.Context) time.Duration {
	accounts, err := c.n.book.Accounts(ctx)
	if err != nil {
		c.n.tend.complain("list accounts", err)
		return countEvery
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, a := range accounts {
		if err := c.lower(ctx, a.Peer); err != nil {
			c.n.tend.complain("sign a lower statement", err, "host", a.Peer)
		}
		if !c.n.host.Connected(a.Peer) {
			continue
		}
		g.Go(func() error {
			if err := c.propose(ctx, a.Peer); err != nil {
				c.n.tend.complain("propose a statement", err, "owner", a.Peer)
			}
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return countEvery
}

// newest is the newest statement between a host and an owner, and the highest
// number that either signed.
func (n *Node) newest(ctx context.Context, host, owner peer.ID) (s signed.Statement, number uint64, err error) {
	row, err := n.book.Document(ctx, signed.KindStatement, host, owner)
	if errors.Is(err, ledger.ErrNotFound) {
		return s, 0, nil
	}
	if err != nil {
		return s, 0, n.checked(err)
	}
	for _, d := range []*signed.Document{&row.Document, row.ByHost, row.ByOwner} {
		if d == nil || len(d.Sealed) == 0 {
			continue
		}
		x, _, _, err := d.Statement()
		if err != nil {
			return s, 0, err
		}
		if d != row.ByHost && x.Number >= s.Number {
			s = x
		}
		number = max(number, x.Number)
	}
	return s, number, nil
}

// due tells whether what is held differs from a statement so much, or for so
// long, that the next one is to be made.
func due(s signed.Statement, held potluck.Size, now time.Time) bool {
	switch {
	case s.Number == 0 || held == 0:
		return held != s.Bytes
	case held < s.Bytes || now.Sub(time.Unix(s.Time, 0)).Abs() >= stateEvery:
		return true
	}
	return held-s.Bytes >= min(largeChange, max(s.Bytes/100, 1))
}

// propose makes the next statement with one owner, if it is due.
func (c *count) propose(ctx context.Context, owner peer.ID) error {
	n := c.n
	u, err := n.book.Usage(ctx, owner)
	if err != nil {
		return n.checked(err)
	}
	last, number, err := n.newest(ctx, n.self, owner)
	now := n.config.Clock()
	if err != nil || !due(last, u.Held, now) || c.waits(owner, u.Held) {
		return err
	}
	sum, err := n.book.Summary(ctx, n.self, owner)
	if err != nil {
		return n.checked(err)
	}
	s := signed.Statement{Host: n.self, Owner: owner, Number: number + 1, Time: now.Unix(), Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest}
	sealed, err := signed.SealStatement(n.keep.key, s)
	if err != nil {
		return err
	}
	a, err := n.host.Propose(ctx, owner, p2p.StatementRequest{Sealed: sealed})
	switch {
	case err != nil:
		c.failed(owner, trial{mine: u.Held, at: time.Now()})
		n.log.Debug("an owner doesn't sign now", "peer", owner, "err", err)
		return nil // it is asked again
	case len(a.Sealed) == 0:
		c.failed(owner, trial{theirs: a.Bytes, mine: u.Held, at: time.Now()})
		n.log.Warn("an owner counts otherwise", "peer", owner, "here", int64(sum.Bytes), "there", int64(a.Bytes),
			"here_shares", sum.Shares, "there_shares", a.Shares)
		return nil
	}
	theirs, signer, err := signed.OpenStatement(a.Sealed)
	if err != nil || signer != owner || theirs != s {
		return fmt.Errorf("the owner signed another statement: %w", errors.Join(err, p2p.ErrProtocol))
	}
	if _, err := n.book.Accept(ctx, signed.StatementOf(sealed, a.Sealed)); err != nil {
		return n.checked(err)
	}
	c.failed(owner, trial{})
	n.post.changed()
	return nil
}

// waits tells whether the same figures were proposed a short time ago.
func (c *count) waits(owner peer.ID, held potluck.Size) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tried[owner]
	return ok && t.mine == held && time.Since(t.at) < tryAgain
}

// failed notes figures that weren't agreed on; the zero trial forgets them.
func (c *count) failed(owner peer.ID, t trial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t == (trial{}) {
		delete(c.tried, owner)
		return
	}
	c.tried[owner] = t
}

// lower signs what a host still holds, when that is less than the newest
// statement says.
func (c *count) lower(ctx context.Context, host peer.ID) error {
	n := c.n
	u, err := n.book.Usage(ctx, host)
	if err != nil {
		return n.checked(err)
	}
	last, number, err := n.newest(ctx, host, n.self)
	if err != nil || last.Number == 0 || last.Bytes <= u.Earned {
		return err
	}
	sum, err := n.book.Summary(ctx, host, n.self)
	if err != nil || sum.Bytes >= last.Bytes {
		return n.checked(err)
	}
	s := signed.Statement{Host: host, Owner: n.self, Number: number + 1, Time: n.config.Clock().Unix(), Bytes: sum.Bytes,
		Shares: sum.Shares, Digest: sum.Digest}
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
	if now := n.config.Clock().Unix(); max(s.Time-now, now-s.Time) > int64(signed.Tolerance/time.Second) {
		return none, bad("statement of time %d, and it is %d", s.Time, now)
	}
	if !n.putting.TryLock() { // what is just being put is there and not yet here
		return none, &p2p.Error{Code: p2p.CodeBusy}
	}
	defer n.putting.Unlock()
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
	reason := fmt.Sprintf("it counts %d bytes in %d shares, these books %d in %d", s.Bytes, s.Shares, mine.Bytes, mine.Shares)
	if err := c.n.book.Note(ctx, ledger.Event{Kind: kindDispute, Peer: s.Host, Bytes: max(s.Bytes-mine.Bytes, mine.Bytes-s.Bytes), Reason: reason}); err != nil {
		c.n.tend.complain("write an event", err)
	}
	c.n.tend.renewing.Trigger() // tells hosts that are connected of removals
	c.cycle.Trigger()           // if it holds less: sign that
}
