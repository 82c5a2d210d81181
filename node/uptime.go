package node

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/p2p"
)

// presence looks once in each window, at a moment that nobody can foresee, who is
// connected, and adds what was kept and moved since the last look to the history
// of each account. The part of windows in which a peer was seen is then the part
// of time in which it is there, whatever it does at other moments.
type presence struct {
	n     *Node
	cycle *lifecycle.Cycle

	mu    sync.Mutex // held by a look
	last  int64      // the window that was looked at last, or in which this life began
	swept int64      // the day on which old rows were dropped
	moved map[peer.ID]p2p.Traffic
}

func newPresence(n *Node) *presence {
	p := &presence{n: n, last: windowOf(n.started.Unix()), moved: make(map[peer.ID]p2p.Traffic)}
	p.cycle = lifecycle.NewCycle(p.turn)
	return p
}

func windowOf(unix int64) int64 { return unix / ledger.WindowSeconds }

// Run keeps the loop, and books at its end what was moved since the last look.
func (p *presence) Run(ctx context.Context) error {
	err := p.cycle.Run(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	if err := p.look(ctx, false); err != nil {
		p.n.tend.complain("keep history", err)
	}
	return err
}

func (p *presence) turn(ctx context.Context) time.Duration {
	now := p.n.config.Clock()
	w := windowOf(now.Unix())
	if w > p.last {
		if err := p.look(ctx, true); err != nil {
			p.n.tend.complain("keep history", err)
		}
	}
	p.last = w // a clock that was set back counts from where it is
	return nextLook(now, rand.Int64N(ledger.WindowSeconds))
}

// nextLook is how long it is until a moment of the next window.
func nextLook(now time.Time, into int64) time.Duration {
	return time.Unix((windowOf(now.Unix())+1)*ledger.WindowSeconds+into, 0).Sub(now)
}

// look adds to the histories; whole tells that it is a window's look.
func (p *presence) look(ctx context.Context, whole bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	accounts, err := p.n.book.Accounts(ctx)
	if err != nil {
		return err
	}
	now := p.n.config.Clock().Unix()
	day := ledger.DayOf(now)
	traffic := p.n.host.Traffic()
	here, friends := make(map[peer.ID]bool), 0
	for _, a := range accounts {
		if p.n.host.Connected(a.Peer) {
			here[a.Peer] = true
		}
		if a.Friend {
			friends++
		}
	}
	knows := whole && wouldKnow(len(here), friends, networked())
	var rows []ledger.Past
	for _, a := range accounts {
		t, before := traffic[a.Peer], p.moved[a.Peer]
		d := ledger.Deeds{In: t.In - before.In, Out: t.Out - before.Out}
		if knows {
			d.Of = 1
			if here[a.Peer] {
				d.Seen = 1
			}
		}
		if whole {
			if d.Held, d.Earned, err = p.kept(ctx, a.Peer); err != nil {
				return err
			}
			if paid := a.Counted(); now < paid.PaidUntil {
				d.Paid = min(d.Held, int64(paid.Paid))
			}
		}
		rows = append(rows, ledger.Past{Peer: a.Peer, Day: day, Deeds: d})
	}
	if err := p.n.book.Record(ctx, rows); err != nil {
		return err
	}
	p.moved = traffic
	return p.sweep(ctx, day)
}

// kept is what one window adds to byte-windows, both ways. What nothing proves any
// more isn't earned.
func (p *presence) kept(ctx context.Context, of peer.ID) (held, earned int64, err error) {
	u, err := p.n.book.Usage(ctx, of)
	if err != nil {
		return 0, 0, err
	}
	proof, err := p.n.book.Proof(ctx, of)
	if err != nil || proof.Lapsed {
		return int64(u.Held), 0, err
	}
	return int64(u.Held), int64(u.Earned), nil
}

// sweep drops what is too old, once a day.
func (p *presence) sweep(ctx context.Context, day int64) error {
	for p.swept != day {
		gone, err := p.n.book.ForgetHistory(ctx, day-ledger.HistoryDays+1)
		if err != nil {
			return err
		}
		if gone > 0 {
			continue
		}
		if err := p.n.forgetVersions(ctx); err != nil {
			return err
		}
		p.swept = day
	}
	return nil
}

// fewFriends may all be away at once; when more are, it is this node that is cut off.
const fewFriends = 4

// wouldKnow tells whether a peer that isn't seen now is away, or whether that
// can't be known: this node itself is offline, as far as it can tell. Whoever sees
// somebody is online. Who sees nobody is when it has a network and friends so few
// that all of them may be away.
func wouldKnow(here, friends int, networked bool) bool {
	return here > 0 || networked && friends > 0 && friends < fewFriends
}

// networked tells whether this machine has an address of a network other than itself.
func networked() bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}

// absence is for how many seconds a peer was away since a day, in windows in which
// this node would have seen it.
func (n *Node) absence(ctx context.Context, p peer.ID, since int64) (int64, error) {
	days, err := n.book.History(ctx, p, ledger.DayOf(since)+1, ledger.DayOf(n.config.Clock().Unix()))
	if err != nil {
		return 0, err
	}
	var away int64
	for _, d := range days {
		away += d.Of - d.Seen
	}
	return away * ledger.WindowSeconds, nil
}
