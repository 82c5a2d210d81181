package node

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/p2p"
)

// tend is the loops that keep the relations with friends and the store in
// order. Each sleeps until it is due or woken; none of them polls.
type tend struct {
	n *Node

	sweeping, meeting, dialling, renewing, resigning *lifecycle.Cycle

	// Owned by the sweeping loop.
	drift     drift
	leftovers []leftover // of puts that earlier lives began, not given up yet

	mu      sync.Mutex
	met     []meeting             // not handled yet, in order
	tries   map[peer.ID]attempt   // of dialling
	renewed map[peer.ID]time.Time // newest heartbeat that was answered, in this life
}

// meeting is one message of the network about a friend.
type meeting struct {
	peer      peer.ID
	connected bool
	addrs     []string
}

type attempt struct {
	failures int
	next     time.Time
}

const (
	sweepEvery  = time.Minute
	renewEvery  = 24 * time.Hour  // the heartbeat of this node's leases at one host
	renewLook   = time.Hour       // how often it is looked for hosts to renew at
	firstRetry  = 2 * time.Second // then doubled with each failure
	lastRetry   = 5 * time.Minute
	resignEvery = 24 * time.Hour
	dialTime    = 20 * time.Second
	talkTime    = 2 * time.Minute
	atOnce      = 4 // friends talked to or dialled at the same time
	ownDowntime = 3 * 24 * time.Hour
)

func newTend(n *Node) *tend {
	t := &tend{n: n, tries: make(map[peer.ID]attempt), renewed: make(map[peer.ID]time.Time)}
	t.drift = drift{wall: n.config.Clock().Round(0), running: time.Now()}
	t.sweeping = lifecycle.NewCycle(t.sweep)
	t.meeting = lifecycle.NewCycle(t.meet)
	t.dialling = lifecycle.NewCycle(t.dial)
	t.renewing = lifecycle.NewCycle(t.renew)
	t.resigning = lifecycle.NewCycle(t.resign)
	return t
}

// loops names the loops, in the order in which they start.
func (t *tend) loops() iter.Seq2[string, *lifecycle.Cycle] {
	return func(yield func(string, *lifecycle.Cycle) bool) {
		n := t.n
		_ = yield("sweep", t.sweeping) && yield("resign", t.resigning) && yield("standing", n.judge.cycle) &&
			yield("statements", n.count.cycle) && yield("deliver", n.post.cycle) && yield("keepsake", n.souvenir.cycle) &&
			yield("crawl", n.crawl.cycle) && yield("scrub", n.scrub.cycle) && yield("losses", n.losses.cycle) &&
			yield("meet", t.meeting) && yield("dial", t.dialling) && yield("renew", t.renewing) && yield("audit", n.audit.cycle) && yield("reconcile", n.reconcile.cycle) &&
			yield("repair", n.repair.cycle)
	}
}

// seen takes a message of the network, and returns at once.
func (t *tend) seen(p peer.ID, connected bool, addrs []string) {
	t.mu.Lock()
	t.met = append(t.met, meeting{p, connected, addrs})
	if len(addrs) > 0 {
		delete(t.tries, p) // it let us in
	}
	t.mu.Unlock()
	t.meeting.Trigger()
}

// sweep ends what is past its time.
func (t *tend) sweep(ctx context.Context) time.Duration {
	every := min(sweepEvery, t.n.config.Coming/4)
	now := t.n.config.Clock().Round(0)
	if jump, ok := t.drift.look(now, time.Now()); ok {
		// Leases must not end because a clock was set, or because the machine
		// slept: their owners couldn't renew them.
		t.n.log.Warn("the clock jumped; leases get three days of grace", "by", jump)
		if err := t.n.grace(ctx); err != nil {
			t.complain("give grace", err)
			return every
		}
	}
	if err := t.n.keep.sweep(ctx); err != nil {
		t.complain("sweep", err)
	}
	if err := t.settle(ctx); err != nil {
		t.complain("give up puts that were cut off", err)
	}
	return every
}

// grace moves the end of leases that would end soon: owners who couldn't reach
// this node while it was away get three days.
func (n *Node) grace(ctx context.Context) error {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return err
	}
	until := n.config.Clock().Add(ownDowntime)
	for _, a := range accounts {
		if a.LeasesUntil == 0 || a.LeasesUntil >= until.Unix() {
			continue
		}
		if _, err := n.book.Renew(ctx, a.Peer, until); err != nil {
			n.fatal(err)
			return err
		}
	}
	return nil
}

// drift compares the wall clock with the running time of the process.
type drift struct {
	wall    time.Time // when it was looked last
	running time.Time // with its monotonic reading
}

// clockJump is how far the two may part before it counts as a jump.
const clockJump = time.Hour

// look tells by how much the wall clock jumped since the last look, and whether
// that is much.
func (d *drift) look(wall, running time.Time) (time.Duration, bool) {
	jump := wall.Sub(d.wall) - running.Sub(d.running)
	d.wall, d.running = wall, running
	return jump, jump.Abs() > clockJump
}

// meet handles what the network told of friends: it notes their addresses, and
// tells those who came back what they missed.
func (t *tend) meet(ctx context.Context) time.Duration {
	t.mu.Lock()
	met := t.met
	t.met = nil
	t.mu.Unlock()
	came := make(map[peer.ID]bool)
	for _, m := range met {
		err := t.n.book.Seen(ctx, m.peer, m.addrs)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) { // it may be about to join
			t.complain("note a friend's address", err)
		}
		came[m.peer] = m.connected
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for p, here := range came {
		if !here {
			t.dialling.Trigger()
			continue
		}
		t.n.post.met(p)
		t.n.reconcile.met(p)
		t.n.losses.cycle.Trigger()
		g.Go(func() error { t.catchUp(ctx, p); return nil })
	}
	_ = g.Wait() // none returns an error
	return -1
}

// catchUp tells a friend that is connected what it missed.
func (t *tend) catchUp(ctx context.Context, p peer.ID) {
	if t.n.writable() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, talkTime)
	defer cancel()
	if _, err := t.n.files.Sweep(ctx, p); err != nil {
		t.complain("tell a friend of removals", err, "peer", p)
	}
	t.heartbeat(ctx, p)
}

// renew tells the hosts that are connected what they missed, and gives them
// the daily heartbeat.
func (t *tend) renew(ctx context.Context) time.Duration {
	accounts, err := t.n.book.Accounts(ctx)
	if err != nil {
		t.complain("list friends", err)
		return renewLook
	}
	for _, a := range accounts {
		if t.n.gate.Admits(a.Peer) && t.n.host.Connected(a.Peer) {
			t.catchUp(ctx, a.Peer)
		}
	}
	return renewLook
}

// resign signs this node's documents again before they end, and lets go of what
// ended with time.
func (t *tend) resign(ctx context.Context) time.Duration {
	signed, err := t.n.resign(ctx)
	if err != nil {
		t.complain("sign documents again", err)
	}
	if signed {
		t.n.post.changed()
	}
	if err := t.n.regate(ctx); err != nil {
		t.complain("look who may come in", err)
	}
	return resignEvery
}

// heartbeat renews all leases at one host, if that is due.
func (t *tend) heartbeat(ctx context.Context, p peer.ID) {
	now := t.n.config.Clock()
	t.mu.Lock()
	last, ok := t.renewed[p]
	t.mu.Unlock()
	if ok && now.Sub(last).Abs() < renewEvery {
		return
	}
	u, err := t.n.book.Usage(ctx, p)
	if err != nil || u.EarnedShares == 0 {
		return
	}
	a, err := t.n.host.Renew(ctx, p, p2p.RenewRequest{Until: now.Add(t.n.config.Lease).Unix()})
	if err != nil {
		t.complain("renew leases", err, "peer", p)
		return
	}
	t.mu.Lock()
	t.renewed[p] = now
	t.mu.Unlock()
	if a.Shares != u.EarnedShares || a.Bytes != u.Earned {
		t.n.log.Warn("a friend counts otherwise", "peer", p, "here_shares", u.EarnedShares, "there_shares", a.Shares,
			"here_bytes", int64(u.Earned), "there_bytes", int64(a.Bytes))
		t.n.reconcile.doubt(p)
	}
}

// dial connects to friends that aren't, each after a waiting time that doubles.
func (t *tend) dial(ctx context.Context) time.Duration {
	accounts, err := t.n.book.Accounts(ctx)
	if err != nil {
		t.complain("list friends", err)
		return lastRetry
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	var missing []peer.ID
	for _, a := range accounts {
		if !(a.Friend || t.n.gate.isReached(a.Peer)) || len(a.Addrs) == 0 || t.n.host.Connected(a.Peer) {
			continue
		}
		missing = append(missing, a.Peer)
		if t.wait(a.Peer) <= 0 {
			g.Go(func() error { t.connect(ctx, a.Peer, a.Addrs); return nil })
		}
	}
	_ = g.Wait()              // none returns an error
	next := time.Duration(-1) // until somebody goes, or is befriended
	for _, p := range missing {
		if w := max(t.wait(p), firstRetry/2); next < 0 || w < next {
			next = w
		}
	}
	return next
}

// anew lets a peer be dialled at once: something about it is news.
func (t *tend) anew(p peer.ID) {
	t.mu.Lock()
	delete(t.tries, p)
	t.mu.Unlock()
	t.dialling.Trigger()
}

// wait tells how long a friend isn't to be dialled.
func (t *tend) wait(p peer.ID) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.tries[p].next)
}

func (t *tend) connect(ctx context.Context, p peer.ID, addrs []string) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if err := t.n.host.Connect(ctx, p, addrs); err != nil {
		t.n.log.Debug("a friend can't be reached", "peer", p, "err", err)
	}
	// One that hangs up at once, because it doesn't know this node, is tried as
	// seldom as one that isn't there; see seen.
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.tries[p]
	t.tries[p] = attempt{failures: a.failures + 1, next: time.Now().Add(retryAfter(a.failures, rand.Float64()))}
}

// retryAfter is the waiting time after so many failures, spread by half of it
// either way, so that friends that lost each other don't dial in step.
func retryAfter(failures int, spread float64) time.Duration {
	wait := min(firstRetry<<min(failures, 20), lastRetry)
	return wait/2 + time.Duration(spread*float64(wait))
}

// complain logs what a loop couldn't do, and ends the node if it must.
func (t *tend) complain(what string, err error, more ...any) {
	t.n.fatal(err)
	if errors.Is(err, context.Canceled) {
		return
	}
	t.n.log.Warn("can't "+what, append(more, "err", err)...)
}
