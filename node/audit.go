package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/files"
	"potluck/internal/lifecycle"
	"potluck/ledger"
)

// audit asks hosts for slices of what they should hold (CREDIT.md section 7). The
// questions of a day are drawn at random, spread over the day, and asked as a read
// asks. What is wrong or missing is lost at once; what isn't answered stays open,
// is asked again, and holds up the host's proof meanwhile.
type audit struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu      sync.Mutex
	courses map[peer.ID]*course      // a course itself is owned by the cycle
	failed  map[placedAt]files.Slice // of this life: what a lost placement must prove to count again
	path    string                   // of what kept has, see open
	kept    map[peer.ID][]asking     // the questions that hosts left open
	unsaved bool                     // kept was changed
}

// placedAt names a placement.
type placedAt struct {
	share potluck.ShareID
	host  peer.ID
}

// maxFailed bounds how many failures are remembered. Any of them may go: then a
// random slice is asked for instead.
const maxFailed = 4096

const (
	auditEvery   = 8 * time.Minute // and as much again at random
	auditAtOnce  = 4               // questions to one host under way
	auditSilence = 8               // so many without an answer end a turn
)

func newAudit(n *Node) *audit {
	a := &audit{n: n, courses: make(map[peer.ID]*course), failed: make(map[placedAt]files.Slice)}
	a.cycle = lifecycle.NewCycle(a.turn)
	return a
}

// turn asks every host that is here what is due.
func (a *audit) turn(ctx context.Context) time.Duration {
	next := auditEvery + rand.N(auditEvery)
	if a.n.wish().Audits == 0 || a.n.writable() != nil {
		return next
	}
	accounts, err := a.n.book.Accounts(ctx)
	if err != nil {
		a.n.tend.complain("list hosts", err)
		return next
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, x := range accounts {
		if a.n.host.Connected(x.Peer) && a.n.gate.Admits(x.Peer) {
			g.Go(func() error {
				if err := a.visit(ctx, x.Peer); err != nil {
					a.n.tend.complain("audit a host", err, "host", x.Peer)
				}
				return nil
			})
		}
	}
	_ = g.Wait() // none returns an error
	if err := a.save(); err != nil {
		a.n.tend.complain("keep the questions that hosts left open", err)
	}
	return next
}

// visit asks one host what is due, and books what it said.
func (a *audit) visit(ctx context.Context, host peer.ID) error {
	usage, err := a.n.book.Usage(ctx, host)
	if err != nil || usage.EarnedShares == 0 {
		return err
	}
	proof, err := a.n.book.Proof(ctx, host)
	if err != nil {
		return err
	}
	now := a.n.config.Clock().Unix()
	c := a.course(host, proof, now)
	if err := a.renew(ctx, host, c, usage.Earned, now); err != nil {
		return err
	}
	list := c.take(now, proof.Lapsed, a.n.wish().AuditBytes)
	if len(list) == 0 {
		return nil
	}
	answers := a.ask(ctx, host, list)
	found := c.settle(answers, now)
	if err := ctx.Err(); err != nil {
		return err // what came before it ended is asked again
	}
	lost, err := a.n.book.Audited(ctx, host, found)
	if err != nil {
		return err
	}
	a.remember(answers)
	a.keepOpen(host, c.open)
	a.follow(host, lost)
	return nil
}

// remember keeps which slices were wrong or missing.
func (a *audit) remember(answers []answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range answers {
		if !x.asked || !files.Missing(x.err) {
			continue
		}
		if len(a.failed) >= maxFailed {
			for k := range a.failed {
				delete(a.failed, k)
				break
			}
		}
		a.failed[placedAt{x.Share, x.Host}] = x.Slice
	}
}

// again gives the slice that a lost placement must prove to count again: the one
// that failed, or a random one. Else a host that spoiled a part of a share would
// have it back by showing another part.
func (a *audit) again(p ledger.Placement) files.Slice {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.failed[placedAt{p.Share, p.Host}]; ok && s.Root == p.Root {
		return s
	}
	return slice(p)
}

// follow lets all that depends on a placement that was lost know.
func (a *audit) follow(host peer.ID, lost []potluck.ShareID) {
	if len(lost) == 0 {
		return
	}
	a.n.log.Warn("audits found shares lost", "host", host, "shares", len(lost))
	for _, id := range lost {
		a.n.repair.doubt(id.Index)
	}
	a.n.reconcile.doubt(host)
	a.n.shrunk()
}

// course finds where the audits of a host stand: those of earlier lives are known
// by when they asked last, others begin with the first receipt.
func (a *audit) course(host peer.ID, proof ledger.Proof, now int64) *course {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.courses[host]
	if c == nil {
		c = &course{paid: now, open: a.left(host)}
		if asked := max(proof.Asked, proof.Proven); asked > 0 {
			c.paid = min(asked, now)
		}
		a.courses[host] = c
	}
	return c
}

// renew draws the questions of a new day, and when those of the day are used up.
func (a *audit) renew(ctx context.Context, host peer.ID, c *course, total potluck.Size, now int64) error {
	day := ledger.DayOf(now)
	if day == c.day && (len(c.plan) > 0 || c.daily == 0) {
		return nil
	}
	s := newSampler(a.n.wish().Audits, total, now, rand.Int64N)
	err := a.n.book.PlacementsAt(ctx, host, func(p ledger.Placement) error {
		s.add(p)
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("draw what to ask: %w", err)
	}
	if day != c.day {
		c.spent = 0
	}
	c.day, c.plan = day, s.plan(rand.Int64N)
	c.daily = len(c.plan)
	a.show(c)
	return nil
}

// show keeps what daily tells.
func (a *audit) show(c *course) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.asks, c.moves = int64(c.daily), 0
	for _, q := range c.plan {
		c.moves += q.Cost()
	}
}

// ask asks a host for slices. One that answers nothing isn't asked for all. The
// last ones come first, which it may answer: what it leaves open again and again
// would else end every turn before it has said anything. Of that the oldest comes
// next.
func (a *audit) ask(ctx context.Context, host peer.ID, list []question) []answer {
	answers := make([]answer, len(list))
	var silent atomic.Int64
	var g errgroup.Group
	g.SetLimit(auditAtOnce)
	for i, q := range slices.Backward(list) {
		answers[i].question = q
		g.Go(func() error {
			if ctx.Err() != nil || silent.Load() >= auditSilence || !a.n.host.Connected(host) {
				return nil
			}
			err := a.n.files.Prove(ctx, q.Slice)
			if err != nil && !files.Missing(err) {
				silent.Add(1)
				a.n.log.Debug("a host left a question open", "host", host, "share", q.Share, "err", err)
			}
			answers[i].asked, answers[i].err = ctx.Err() == nil, err
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return answers
}

// failures is how many failed audits count against a peer's standing: those of the
// window, when they are at least 1 % of all in it. So one slice that was lost is
// made good by a few days of right ones, and many aren't.
func (n *Node) failures(ctx context.Context, p peer.ID) (int, error) {
	today := ledger.DayOf(n.config.Clock().Unix())
	days, err := n.book.History(ctx, p, today-defaultProofDays+1, today)
	if err != nil {
		return 0, err
	}
	var sum ledger.Deeds
	for _, d := range days {
		sum = sum.Plus(d.Deeds)
	}
	if sum.AuditsFailed*100 < sum.AuditsGood+sum.AuditsFailed {
		return 0, nil
	}
	return int(sum.AuditsFailed), nil
}

// daily is how many questions a day a host of so many shares is asked, and what
// they may move: as the day's plan has it, or before there is one the most.
func (a *audit) daily(host peer.ID) (questions int64, most potluck.Size) {
	if a.n.wish().Audits == 0 {
		return 0, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.courses[host]; c != nil && c.asks > 0 {
		return c.asks, min(c.moves, a.n.wish().AuditBytes)
	}
	questions = 2 * int64(a.n.wish().Audits)
	return questions, min(potluck.Size(questions)*maxUnitCost, a.n.wish().AuditBytes)
}
