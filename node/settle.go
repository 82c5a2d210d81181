package node

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// leftover is a placement that an earlier life of this node intended: its put
// was cut off, and may have been stored and charged at the host.
type leftover struct {
	host   peer.ID
	share  potluck.ShareID
	placed int64
}

// leftovers lists what earlier lives intended. It is called before this life
// puts anything.
func (n *Node) leftovers(ctx context.Context) ([]leftover, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var all []leftover
	for _, a := range accounts {
		err := n.book.PlacementsAt(ctx, a.Peer, func(p ledger.Placement) error {
			if p.State == ledger.PlacedComing {
				all = append(all, leftover{p.Host, p.Share, p.Placed})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// settle gives up the leftovers that nobody went on with until the deadline of
// their reservations, and tells their hosts. Before that a repeated put sends
// only what is missing. If we die after the marks: the hosts are told when they
// are met.
func (t *tend) settle(ctx context.Context) error {
	now := t.n.config.Clock()
	late := func(l leftover) bool { return now.Sub(time.Unix(l.placed, 0)) > t.n.config.Coming }
	if !slices.ContainsFunc(t.leftovers, late) || !t.n.putting.TryLock() {
		return nil // a put may be going on with one of them: look again later
	}
	hosts, err := t.giveUp(ctx, late)
	t.n.putting.Unlock()
	if err != nil {
		return err
	}
	for _, p := range hosts {
		if t.n.host.Connected(p) {
			t.catchUp(ctx, p)
		}
	}
	return nil
}

// giveUp marks late leftovers as removed, and names their hosts.
func (t *tend) giveUp(ctx context.Context, late func(leftover) bool) (hosts []peer.ID, err error) {
	var rest []leftover
	for i, l := range t.leftovers {
		if !late(l) {
			rest = append(rest, l)
			continue
		}
		same, err := t.n.stillComing(ctx, l)
		if err == nil && same {
			err = t.n.book.Mark(ctx, l.host, []potluck.ShareID{l.share}, ledger.PlacedGoing, "its put was cut off")
		}
		if err != nil {
			t.leftovers = append(rest, t.leftovers[i:]...)
			return nil, err
		}
		if same && !slices.Contains(hosts, l.host) {
			hosts = append(hosts, l.host)
		}
	}
	t.leftovers = rest
	return hosts, nil
}

// stillComing tells whether a leftover is as an earlier life left it.
func (n *Node) stillComing(ctx context.Context, l leftover) (bool, error) {
	rows, err := n.book.Placements(ctx, l.share.Index)
	return slices.ContainsFunc(rows, func(p ledger.Placement) bool {
		return p.Host == l.host && p.Share == l.share && p.State == ledger.PlacedComing && p.Placed == l.placed
	}), err
}
