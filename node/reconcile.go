package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/p2p"
)

// reconcile brings this node's placements and the leases of its hosts into step
// (CREDIT.md section 8). As owner it compares the two books with a host when a
// statement or a heartbeat counted otherwise, and with every host once after a stop
// that wasn't clean; then it cures what it finds. What it can't cure is a dispute.
type reconcile struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu     sync.Mutex
	due    map[peer.ID]bool     // hosts to compare the books with
	course map[peer.ID]progress // of those that were compared with in this life
	unsure bool                 // the last stop wasn't clean: every host is due once
}

// progress is how far the comparisons with one host have come.
type progress struct {
	next  potluck.ShareID // where one that was cut off goes on; zero: at the beginning
	tried time.Time       // when the last one stopped, at the end or before
	took  time.Duration   // and how long it took
	ended time.Time       // when one came to the end
}

const (
	compareTime  = 2 * time.Minute  // of one comparison with one host
	compareAgain = time.Minute      // after one that failed
	compareLate  = 10 * time.Minute // after this a host that counts otherwise is in dispute, compared with or not
	compareSoon  = 5 * time.Second  // least time between two with one host
	comparePart  = 10               // and one may take this part of the time: a host could have this node read all of its rows over and over
)

func newReconcile(n *Node) *reconcile {
	r := &reconcile{n: n, due: make(map[peer.ID]bool), course: make(map[peer.ID]progress), unsure: n.book.Unclean()}
	r.cycle = lifecycle.NewCycle(r.turn)
	return r
}

// doubt has the books compared with a host soon, or when it is back.
func (r *reconcile) doubt(host peer.ID) {
	r.mu.Lock()
	r.due[host] = true
	r.mu.Unlock()
	r.cycle.Trigger()
}

// met is told that a peer came.
func (r *reconcile) met(p peer.ID) {
	r.mu.Lock()
	if r.unsure && r.course[p].ended.IsZero() {
		r.due[p] = true
	}
	due := r.due[p]
	r.mu.Unlock()
	if due {
		r.cycle.Trigger()
	}
}

// since tells whether a comparison with a host ended after a time.
func (r *reconcile) since(host peer.ID, t time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.course[host].ended.After(t)
}

// turn compares with the hosts that are due and here, one by one: each reads
// many rows.
func (r *reconcile) turn(ctx context.Context) time.Duration {
	if r.n.writable() != nil {
		return -1 // what an old copy lacks is no loss
	}
	r.mu.Lock()
	hosts := slices.Sorted(maps.Keys(r.due))
	r.mu.Unlock()
	wait := time.Duration(-1)
	for _, host := range hosts {
		if !r.n.host.Connected(host) {
			continue // its coming wakes this loop
		}
		if left := r.early(host); left > 0 {
			wait = sooner(wait, left)
			continue
		}
		if err := r.settle(ctx, host); err != nil {
			if unwilling(err) {
				err = errors.Join(err, r.n.dissent(ctx, host, "; it doesn't compare its books as it should"))
			}
			r.n.tend.complain("compare books with a host", err, "host", host)
			wait = sooner(wait, compareAgain)
		}
	}
	return wait
}

// unwilling tells whether a host answered, and not what it was asked for: it isn't
// away or busy.
func unwilling(err error) bool {
	var e *p2p.Error
	return errors.Is(err, p2p.ErrProtocol) || errors.As(err, &e) && e.Code != p2p.CodeBusy
}

// sooner is the less of two waiting times, of which the first may be none.
func sooner(wait, other time.Duration) time.Duration {
	if wait < 0 {
		return other
	}
	return min(wait, other)
}

// early is how long a host isn't to be asked again.
func (r *reconcile) early(host peer.ID) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.course[host]
	if !ok {
		return 0
	}
	return max(compareSoon, comparePart*c.took) - time.Since(c.tried)
}

// settle compares the books with one host from where it was left, and cures what
// it finds. When we die between two cures the rest is found again.
func (r *reconcile) settle(ctx context.Context, host peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	begun := time.Now()
	r.mu.Lock()
	c := r.course[host]
	delete(r.due, host) // what comes up from now on counts again
	r.mu.Unlock()
	next, err := r.round(ctx, host, c.next)
	c.tried, c.took = time.Now(), time.Since(begun)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.due[host] = true
	case next != (potluck.ShareID{}): // it goes on after a while: there may be no end to it
		c.next, r.due[host] = next, true
		r.cycle.Trigger()
	default:
		c.next, c.ended = next, c.tried
	}
	r.course[host] = c
	return err
}

// round compares and cures once, and tells where to go on; zero: nowhere.
func (r *reconcile) round(ctx context.Context, host peer.ID, from potluck.ShareID) (next potluck.ShareID, err error) {
	n := r.n
	if _, err := n.files.Sweep(ctx, host); err != nil { // removals that it missed
		return from, err
	}
	mine, theirs := n.ours(host), n.theirs(host)
	c, err := compare(ctx, mine, theirs, from)
	if err != nil {
		return from, n.checked(err)
	}
	f, err := n.sort(ctx, host, c.found)
	if err == nil {
		err = n.cure(ctx, host, &f)
	}
	if err != nil || c.next != (potluck.ShareID{}) {
		return c.next, n.checked(err)
	}
	return c.next, r.conclude(ctx, host, f)
}

// conclude looks whether the two agree now. What is still under way is no dispute:
// it comes to an end by itself.
func (r *reconcile) conclude(ctx context.Context, host peer.ID, f findings) error {
	n := r.n
	whole := []p2p.Span{{}}
	ours, err := n.ours(host).sums(ctx, whole)
	if err != nil {
		return n.checked(err)
	}
	theirs, err := n.theirs(host).sums(ctx, whole)
	if err != nil {
		return err
	}
	if ours[0] == theirs[0] {
		n.log.Info("the books agree with a host", "host", host, "shares", ours[0].Shares, "lost", len(f.lost), "back", len(f.back), "found", len(f.repaired))
		n.count.cycle.Trigger()
		return n.agree(ctx, host, n.self)
	}
	if len(f.orphans)+len(f.differing) == 0 {
		r.doubt(host) // it changed meanwhile
		return nil
	}
	return n.contend(ctx, host, f, theirs[0])
}

// ours is what these books say that a host holds for this node.
func (n *Node) ours(host peer.ID) holding { return booked{n.book, host, n.self} }

// theirs is what a host says that it holds for this node.
func (n *Node) theirs(host peer.ID) holding { return saidBy{n.host, host} }

// booked is a holding as the books have it.
type booked struct {
	book        *ledger.Book
	host, owner peer.ID
}

func (b booked) sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	sums, err := b.book.RangeSums(ctx, b.host, b.owner, each(spans, func(s p2p.Span) ledger.Span { return ledger.Span(s) }))
	return each(sums, func(s ledger.SpanSum) p2p.SpanSum { return p2p.SpanSum(s) }), err
}

func (b booked) list(ctx context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	items, more, err := b.book.RangeItems(ctx, b.host, b.owner, ledger.Span(span), p2p.MaxItems)
	return each(items, func(i ledger.Item) p2p.Item { return p2p.Item(i) }), more, err
}

// saidBy is a holding as its host tells it.
type saidBy struct {
	network *p2p.Host
	host    peer.ID
}

func (t saidBy) sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	a, err := t.network.Ranges(ctx, t.host, p2p.RangesRequest{Role: p2p.AsOwner, Spans: spans})
	return a.Sums, err
}

func (t saidBy) list(ctx context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	a, err := t.network.List(ctx, t.host, p2p.ListRequest{Role: p2p.AsOwner, Span: span})
	return a.Items, a.More, err
}

// each gives what f makes of every element.
func each[A, B any](all []A, f func(A) B) []B {
	out := make([]B, len(all))
	for i, x := range all {
		out[i] = f(x)
	}
	return out
}
