package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck/internal/lifecycle"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// post hands documents on: to whom they name, and this node's own to its
// friends, who may owe it something or meet a host before it does. It pushes
// when something changed, and when a peer connects it also asks for what that
// one has: so a document comes through whom both know while its issuer is away.
type post struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu   sync.Mutex
	due  map[peer.ID]bool                       // to be talked to; true: in full, false: only pushed to
	sent map[peer.ID]map[signed.Identity]uint64 // the newest number that each peer is known to have, by paper.key, while connected
	fail map[peer.ID]int                        // how often in a row a talk with a peer that is here failed
	last time.Time                              // when all were talked to
}

const (
	postEvery = time.Hour
	postAgain = 4  // a talk that failed is tried so often again soon: a new friend may not know yet that it is one
	pullMost  = 16 // rounds of one pull
)

func newPost(n *Node) *post {
	d := &post{n: n, due: make(map[peer.ID]bool), sent: make(map[peer.ID]map[signed.Identity]uint64), fail: make(map[peer.ID]int)}
	d.cycle = lifecycle.NewCycle(d.turn)
	return d
}

// met is told that a peer came: all is exchanged anew.
func (d *post) met(p peer.ID) {
	d.mu.Lock()
	delete(d.sent, p)
	delete(d.fail, p)
	d.due[p] = true
	d.mu.Unlock()
	d.n.audiences.know(p, audienceKey{})
	d.cycle.Trigger()
}

// changed is told that this node signed something, or took in something new:
// those who are here and should have it get it.
func (d *post) changed() {
	d.mu.Lock()
	for _, p := range d.n.admitted() {
		if _, ok := d.due[p]; !ok {
			d.due[p] = false
		}
	}
	d.mu.Unlock()
	d.cycle.Trigger()
}

// turn talks to those who are due, and every hour to all.
func (d *post) turn(ctx context.Context) time.Duration {
	d.mu.Lock()
	due := d.due
	d.due = make(map[peer.ID]bool)
	wait := postEvery - time.Since(d.last)
	if wait <= 0 {
		wait, d.last = postEvery, time.Now()
		for _, p := range d.n.admitted() {
			due[p] = true
		}
	}
	d.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(atOnce)
	shared := sync.OnceValues(func() ([]paper, error) { return d.n.papers(ctx) })
	for p, full := range due {
		if d.n.host.Connected(p) {
			g.Go(func() error { d.talk(ctx, p, full, shared); return nil })
		}
	}
	_ = g.Wait() // none returns an error
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, failures := range d.fail {
		wait = min(wait, firstRetry/4<<failures)
	}
	return wait
}

// again notes whether a talk with a peer failed; then there is another one soon.
func (d *post) again(p peer.ID, failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !failed || d.fail[p] == postAgain {
		delete(d.fail, p)
		return
	}
	d.fail[p]++
	d.due[p] = true
}

// talk exchanges with one peer that is connected what either lacks. papers gives
// what there is to hand on.
func (d *post) talk(ctx context.Context, p peer.ID, full bool, papers func() ([]paper, error)) {
	ctx, cancel := context.WithTimeout(ctx, talkTime)
	defer cancel()
	if full {
		papers = func() ([]paper, error) { return d.n.papers(ctx) } // after what comes in now
		_, err := d.n.ask(ctx, p, 0)
		d.again(p, err != nil && d.n.host.Connected(p))
		if err != nil {
			d.complain("ask a peer how this node stands with it", err, p)
			return // it is gone, or doesn't speak of credit, or knows us not yet
		}
		if err := d.pull(ctx, p); err != nil {
			d.complain("ask a peer for documents", err, p)
		}
	}
	if err := d.n.tellAudience(ctx, p); err != nil {
		d.again(p, d.n.host.Connected(p))
		d.complain("tell a friend who may see statements", err, p)
	}
	if err := d.pushSome(ctx, p, papers); err != nil {
		d.complain("hand documents to a peer", err, p)
	}
	if full {
		d.n.judge.tell(ctx, p)
		d.n.count.cycle.Trigger()
	}
}

func (d *post) complain(what string, err error, p peer.ID) {
	if !d.n.host.Connected(p) || errors.Is(err, p2p.ErrUnreachable) || errors.Is(err, p2p.ErrTimeout) || p2p.CodeOf(err) == p2p.CodeUnsupported || p2p.CodeOf(err) == p2p.CodeNotFound {
		d.n.fatal(err)
		d.n.log.Debug("can't "+what, "peer", p, "err", err)
		return
	}
	d.n.tend.complain(what, err, "peer", p)
}

// pull asks a peer for what this node lacks.
func (d *post) pull(ctx context.Context, p peer.ID) error {
	for range pullMost {
		have, err := d.n.haveKeys(ctx)
		if err != nil {
			return err
		}
		a, err := d.n.host.Sync(ctx, p, p2p.SyncRequest{Have: have})
		if err != nil {
			return err
		}
		news := false
		for _, raw := range a.Documents {
			result, err := d.n.take(ctx, p, raw, nil)
			if err != nil {
				return err
			}
			news = news || result == p2p.DeliveredNew
		}
		if !a.More || !news {
			return nil
		}
	}
	return nil
}

// push hands a peer what it may not have yet.
func (d *post) push(ctx context.Context, p peer.ID) error {
	return d.pushSome(ctx, p, func() ([]paper, error) { return d.n.papers(ctx) })
}

func (d *post) pushSome(ctx context.Context, p peer.ID, all func() ([]paper, error)) error {
	papers, err := all()
	if err != nil {
		return err
	}
	var due []paper
	for _, x := range papers {
		if d.wants(p, x) && d.has(p, x.key()) < x.id.Number {
			due = append(due, x)
		}
	}
	var failed error
	for _, batch := range batches(due) {
		if err := d.hand(ctx, p, batch); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// wants tells whether a document is handed to a peer unasked: to whom it names,
// and this node's own to friends. What a pointer for any host gives, its
// beneficiary may decline, and take again: such orders go from the issuer to its
// friends, and from the beneficiary to the hosts that it found.
func (d *post) wants(p peer.ID, x paper) bool {
	if x.id.Kind == signed.KindKeepsake {
		return x.id.Issuer == d.n.self && d.n.gate.isFriend(p)
	}
	if x.word {
		return !x.between(p) && d.n.publishes(p, x)
	}
	if x.names[p] || x.id.Issuer == p && x.id.Kind == signed.KindStatement {
		return true // a statement is filed under its host, who may not have it as the owner signed it
	}
	if !x.open || x.id.Issuer != d.n.self {
		return x.spread && d.n.gate.isFriend(p) || d.n.publishes(p, x)
	}
	return d.n.gate.isFriend(p) || (x.id.Kind == signed.KindOrder || x.id.Kind == signed.KindRevocation) && d.n.gate.isReached(p)
}

// has is the newest number of a document that a peer is known to have.
func (d *post) has(p peer.ID, key signed.Identity) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent[p][key]
}

func (d *post) note(p peer.ID, x paper) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent[p] == nil {
		d.sent[p] = make(map[signed.Identity]uint64)
	}
	d.sent[p][x.key()] = max(d.sent[p][x.key()], x.id.Number)
}

// hand delivers a batch, and heeds what becomes of each document.
func (d *post) hand(ctx context.Context, p peer.ID, batch []paper) error {
	r := p2p.DeliverRequest{}
	for _, x := range batch {
		r.Documents = append(r.Documents, x.raw)
	}
	var err error
	if r.Hosts, err = d.n.hints(ctx, p, batch); err != nil {
		return err
	}
	a, err := d.n.host.Deliver(ctx, p, r)
	if err != nil {
		return err
	}
	again := false
	for i, x := range batch {
		switch a.Results[i] {
		case p2p.DeliveredNew, p2p.DeliveredKnown:
			d.note(p, x)
		case p2p.DeliveredStale: // of this node's own it remembers more than the books do
			d.note(p, x)
			again = again || d.mine(x)
		case p2p.DeliveredConflict:
			d.note(p, x)
			if d.mine(x) {
				if err := d.n.outdo(ctx, x); err != nil {
					return err
				}
				d.changed()
			}
		default:
			if x.id.Kind == signed.KindStatement {
				d.note(p, x) // it knows only one side of it; when it comes again it is asked again
			}
			d.n.log.Debug("a peer didn't take a document", "peer", p, "kind", x.id.Kind, "issuer", x.id.Issuer, "result", a.Results[i])
		}
	}
	if again {
		return d.pull(ctx, p)
	}
	return nil
}

// mine tells whether a document is this node's alone.
func (d *post) mine(x paper) bool {
	return x.id.Issuer == d.n.self && x.id.Kind != signed.KindStatement && x.id.Kind != signed.KindConflict
}
