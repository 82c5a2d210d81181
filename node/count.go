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

	calm calm // of the cycle

	mu       sync.Mutex
	tried    map[peer.ID]trial   // as host: what was proposed last and not signed, by owner
	refused  map[peer.ID]refusal // as owner: what wasn't signed last, by host
	proposed map[peer.ID]bool    // as host: owners to whom this life proposed something
	disputed map[peer.ID]bool    // as host: owners with whom there is a dispute, as of the last turn
}

// calm is what a turn saw that found nothing amiss. While all of it stays so, the
// next turn would see the same.
type calm struct {
	newest uint64           // event of the books
	at     time.Time        // by the node's clock
	online map[peer.ID]bool // whether it was connected, by account; nil: nothing is known
}

// trial is figures that weren't agreed on.
type trial struct {
	theirs, mine potluck.Size
	at           time.Time
	again        bool // they weren't before either
}

// wait is how long after it the same figures aren't proposed.
func (t trial) wait() time.Duration {
	if t.again {
		return tryAgain
	}
	return trySoon
}

// refusal is a trial that this node didn't sign as owner.
type refusal struct {
	trial
	statement signed.Statement
	sealed    []byte // what the host signed alone
}

const (
	countEvery  = time.Minute      // how often it is looked for changes
	countAnyway = 10 * time.Minute // how often all statements are looked at, whatever changed
	stateEvery  = 24 * time.Hour   // a statement is renewed after this
	largeChange = 64 * potluck.MiB
	trySoon     = 15 * time.Second // after an owner didn't sign for the first time: it compares the books now
	tryAgain    = 2 * time.Minute  // after it didn't sign the same figures again
)

func newCount(n *Node) *count {
	c := &count{n: n, tried: make(map[peer.ID]trial), refused: make(map[peer.ID]refusal), proposed: make(map[peer.ID]bool)}
	c.cycle = lifecycle.NewCycle(c.turn)
	return c
}

// turn proposes what is due, and lowers what is lost.
func (c *count) turn(ctx context.Context) time.Duration {
	if c.n.writable() != nil {
		return countEvery
	}
	newest, now := c.n.book.Newest(), c.n.config.Clock()
	if c.resting(newest, now) {
		return countEvery
	}
	c.calm = calm{}
	accounts, err := c.n.book.Accounts(ctx)
	if err != nil {
		c.n.tend.complain("list accounts", err)
		return countEvery
	}
	if err := c.lookUp(ctx); err != nil {
		c.n.tend.complain("read disputes", err)
		return countEvery
	}
	if online, err := c.all(ctx, accounts); err == nil {
		c.calm = calm{newest: newest, at: now, online: online}
	}
	return c.next()
}

// all looks at the statements with each account, and tells which of them were
// connected. It complains of what it fails at, and gives one of these errors.
func (c *count) all(ctx context.Context, accounts []ledger.Account) (online map[peer.ID]bool, failed error) {
	online = make(map[peer.ID]bool, len(accounts))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, a := range accounts {
		if err := c.lower(ctx, a.Peer); err != nil {
			failed = err
			c.n.tend.complain("sign a lower statement", err, "host", a.Peer)
		}
		if online[a.Peer] = c.n.host.Connected(a.Peer); !online[a.Peer] {
			continue
		}
		g.Go(func() error {
			err := c.propose(ctx, a.Peer)
			if err != nil {
				c.n.tend.complain("propose a statement", err, "owner", a.Peer)
			}
			return err
		})
	}
	return online, errors.Join(failed, g.Wait())
}

// resting tells whether a turn would find what the last one found. What isn't
// signed yet is tried again in any case.
func (c *count) resting(newest uint64, now time.Time) bool {
	r := c.calm
	if r.online == nil || r.newest != newest || now.Sub(r.at).Abs() >= countAnyway || c.trying() {
		return false
	}
	for p, was := range r.online {
		if c.n.host.Connected(p) != was {
			return false
		}
	}
	return true
}

// lookUp reads with which owners there is a dispute: what is disputed is proposed
// until it is signed.
func (c *count) lookUp(ctx context.Context) error {
	all, err := c.n.book.Disputes(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disputed = make(map[peer.ID]bool)
	for _, d := range all {
		if d.Host == c.n.self {
			c.disputed[d.Owner] = true
		}
	}
	return nil
}

// trying tells whether there are figures that weren't agreed on.
func (c *count) trying() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.tried) > 0
}

func (c *count) contested(owner peer.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.disputed[owner]
}

// next is how long the loop may sleep.
func (c *count) next() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := countEvery
	for _, t := range c.tried {
		if left := t.wait() - time.Since(t.at); left > 0 {
			wait = min(wait, left)
		}
	}
	return wait
}

// newest is the newest statement between a host and an owner, and the highest
// number that either signed.
func (n *Node) newest(ctx context.Context, host, owner peer.ID) (s signed.Statement, number uint64, err error) {
	s, number, err = n.book.Stated(ctx, host, owner)
	return s, number, n.checked(err)
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

// naming gives a statement that names where its owner's books stand. What can't be
// a head is left out: nobody gets around a statement by saying nonsense here.
func naming(s signed.Statement, told p2p.Head) signed.Statement {
	plain := s
	if s.OwnerHead = signed.Head(told); s.Validate() != nil {
		return plain
	}
	return s
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
	asked := c.unsure(owner, u) || c.contested(owner)
	if err != nil || !(asked || due(last, u.Held, now)) || c.waits(owner, u.Held) {
		return err
	}
	sum, err := n.book.Summary(ctx, n.self, owner)
	if err != nil || !asked && says(last, sum) && now.Sub(time.Unix(last.Time, 0)).Abs() < stateEvery {
		return n.checked(err) // what was lost is held still, and counts nothing
	}
	head, err := n.book.Head(ctx)
	if err != nil {
		return n.checked(err)
	}
	told, err := n.ask(ctx, owner, 0) // where its books stand: what both sign tells it one day that they are old
	if err != nil {
		// Once it is given time. Then it is its own loss: nobody gets around a
		// statement, or a dispute, by keeping silent here.
		n.fatal(err)
		n.log.Debug("an owner doesn't say where its books stand", "peer", owner, "err", err)
		if !c.contested(owner) && !c.failed(owner, trial{mine: u.Held, at: time.Now()}) {
			return nil
		}
		told = p2p.AccountResponse{}
	}
	s := naming(signed.Statement{Host: n.self, Owner: owner, Number: number + 1, Time: now.Unix(), Bytes: sum.Bytes, Shares: sum.Shares, Digest: sum.Digest,
		HostHead: head}, told.Head)
	sealed, err := signed.SealStatement(n.keep.key, s)
	if err != nil {
		return err
	}
	// It is in the books before it is shown: what isn't signed by the owner has used
	// up its number all the same. An owner that kept two of one number, one from
	// before a crash, could show them as a contradiction.
	if _, err := n.book.Accept(ctx, signed.StatementOf(sealed, nil)); err != nil {
		return n.checked(err)
	}
	a, err := n.host.Propose(ctx, owner, p2p.StatementRequest{Sealed: sealed})
	switch {
	case p2p.CodeOf(err) == p2p.CodeBusy:
		return nil // it puts something just now: the next turn asks again
	case p2p.CodeOf(err) == p2p.CodeConflict: // it signed that number before, and these books couldn't take it
		if !c.failed(owner, trial{mine: u.Held, at: time.Now()}) {
			n.post.met(owner) // which asks for what it has
		}
		return nil
	case err != nil:
		c.failed(owner, trial{mine: u.Held, at: time.Now()})
		n.log.Debug("an owner doesn't sign now", "peer", owner, "err", err)
		return nil // it is asked again
	case len(a.Sealed) == 0:
		if !c.failed(owner, trial{theirs: a.Bytes, mine: u.Held, at: time.Now()}) {
			return nil // it compares the books now: it is asked again
		}
		return n.disputed(ctx, ledger.Dispute{Host: n.self, Owner: owner, Mine: sum,
			Theirs: ledger.Summary{Bytes: a.Bytes, Shares: a.Shares, Digest: a.Digest}}, versions{Statement: sealed})
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
	return n.agree(ctx, n.self, owner)
}

// says tells whether a statement has the figures of a sum.
func says(s signed.Statement, sum ledger.Summary) bool {
	return s.Number > 0 && s.Bytes == sum.Bytes && s.Shares == sum.Shares && s.Digest == sum.Digest
}

// unsure tells, once for each owner, whether a statement is to be proposed
// whatever the last one says: the last life ended without closing its books.
func (c *count) unsure(owner peer.ID, u ledger.Usage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := !c.proposed[owner]
	c.proposed[owner] = true
	return first && u.Held > 0 && c.n.book.Unclean()
}

// waits tells whether the same figures were proposed a short time ago.
func (c *count) waits(owner peer.ID, held potluck.Size) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.tried[owner]
	return ok && t.mine == held && time.Since(t.at) < t.wait()
}

// failed notes figures that weren't agreed on, and tells whether they were the
// same before; the zero trial forgets them.
func (c *count) failed(owner peer.ID, t trial) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t == (trial{}) {
		delete(c.tried, owner)
		return false
	}
	before, tried := c.tried[owner]
	t.again = tried && before.theirs == t.theirs && before.mine == t.mine
	c.tried[owner] = t
	return t.again
}
