package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/p2p"
)

// gate tells the network who may come in, from a copy of the accounts.
type gate struct {
	clock func() time.Time

	change sync.Mutex // held while the copy below is made from the books

	mu       sync.RWMutex
	friends  map[peer.ID]bool
	inviting int64           // unix seconds at which the last live invite ends
	joining  map[peer.ID]int // peers whose invites are being accepted: dialled, no friends yet
}

var _ p2p.Gate = (*gate)(nil)

// Admits tells whether p is a friend, or about to be one.
func (g *gate) Admits(p peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.friends[p] || g.joining[p] > 0
}

// Inviting tells whether an invite is live.
func (g *gate) Inviting() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.clock().Unix() < g.inviting
}

// join lets p be dialled until leave is called.
func (g *gate) join(p peer.ID) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.joining == nil {
		g.joining = make(map[peer.ID]int)
	}
	g.joining[p]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.joining[p]--; g.joining[p] == 0 {
			delete(g.joining, p)
		}
	}
}

// regate makes the gate's copy anew. It is called after every change of
// friends and invites.
func (n *Node) regate(ctx context.Context) error {
	g := n.gate
	g.change.Lock()
	defer g.change.Unlock()
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return err
	}
	invites, err := n.book.Invites(ctx)
	if err != nil {
		return err
	}
	friends := make(map[peer.ID]bool, len(accounts))
	for _, a := range accounts {
		if a.Friend {
			friends[a.Peer] = true
		}
	}
	var until int64
	for _, i := range invites {
		// A used one may be repeated by its user, who is a friend and needs no
		// open gate.
		if i.State == ledger.InviteLive {
			until = max(until, i.Expires)
		}
	}
	g.mu.Lock()
	g.friends, g.inviting = friends, until
	g.mu.Unlock()
	return nil
}
