package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// gate tells the network who may come in, from a copy of the accounts.
type gate struct {
	clock func() time.Time

	change sync.Mutex // held while the copy below is made from the books

	mu         sync.RWMutex
	friends    map[peer.ID]bool
	sponsored  map[peer.ID]bool   // no friends, but a friend's pointer leads to them
	reached    map[peer.ID]bool   // no friends, but a pointer to this node is good there
	households map[peer.ID]string // of peers whose household others confirm: one text for each household
	inviting   int64              // unix seconds at which the last live invite ends
	joining    map[peer.ID]int    // peers whose invites are being accepted: dialled, no friends yet
}

var _ p2p.Gate = (*gate)(nil)

// Admits tells whether p is a friend or about to be one, is sponsored by one, or
// is a host that a pointer to this node reaches.
func (g *gate) Admits(p peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.friends[p] || g.sponsored[p] || g.reached[p] || g.joining[p] > 0
}

func (g *gate) isFriend(p peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.friends[p]
}

// someFriends lists friends, at most so many.
func (g *gate) someFriends(most int) []peer.ID {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := slices.Collect(maps.Keys(g.friends))
	return all[:min(len(all), most)]
}

func (g *gate) isReached(p peer.ID) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.reached[p]
}

// household is the text that the peers of one household share; empty: p is of
// none that another one confirms.
func (g *gate) household(p peer.ID) string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.households[p]
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
// friends, invites and documents. Who isn't admitted any more is disconnected.
func (n *Node) regate(ctx context.Context) error {
	g := n.gate
	g.change.Lock()
	defer g.change.Unlock()
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return n.checked(err)
	}
	until, err := n.inviting(ctx)
	if err != nil {
		return err
	}
	friends, sponsored := make(map[peer.ID]bool, len(accounts)), make(map[peer.ID]bool)
	for _, a := range accounts {
		if a.Friend {
			friends[a.Peer] = true
			continue
		}
		v, err := n.book.Credit(ctx, a.Peer)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return n.checked(err)
		}
		// What is held for somebody who came by a pointer can be read, whatever
		// became of the pointer.
		if v.Sponsored || stranger(a) && v.Held+v.Reserved > 0 {
			sponsored[a.Peer] = true
		}
	}
	reached, err := n.reached(ctx, accounts)
	if err != nil {
		return err
	}
	households, err := n.households(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	others := !maps.Equal(g.friends, friends)
	g.friends, g.sponsored, g.reached, g.households, g.inviting = friends, sponsored, reached, households, until
	g.mu.Unlock()
	if others {
		n.audiences.changed(friends)
		n.post.changed()
	}
	if n.host != nil {
		n.host.Recheck()
	}
	return nil
}

// inviting is when the last live invite ends.
func (n *Node) inviting(ctx context.Context) (until int64, err error) {
	invites, err := n.book.Invites(ctx)
	if err != nil {
		return 0, n.checked(err)
	}
	for _, i := range invites {
		// A used one may be repeated by its user, who is a friend and needs no
		// open gate.
		if i.State == ledger.InviteLive {
			until = max(until, i.Expires)
		}
	}
	return until, nil
}

// reached lists the hosts at which this node is no friend but may have credit:
// a pointer to this node names them, or holds at any host and a hint came with
// it that led here. Where it has bytes it goes on as long as they are there.
func (n *Node) reached(ctx context.Context, accounts []ledger.Account) (map[peer.ID]bool, error) {
	named, anywhere := make(map[peer.ID]bool), false
	err := n.book.Documents(ctx, signed.KindOrder, func(row ledger.DocumentRow) error {
		o, err := row.Document.Order()
		if err != nil || !row.Live {
			return err
		}
		for _, p := range o.Pointers {
			if p.To == n.self && p.Host != "" {
				named[p.Host] = true
			}
			anywhere = anywhere || p.To == n.self && p.Host == ""
		}
		return nil
	})
	if err != nil {
		return nil, n.checked(err)
	}
	all := make(map[peer.ID]bool)
	for _, a := range accounts {
		if !stranger(a) {
			continue
		}
		u, err := n.book.Usage(ctx, a.Peer)
		if err != nil {
			return nil, n.checked(err)
		}
		if named[a.Peer] || anywhere && len(a.Addrs) > 0 || u.EarnedShares > 0 {
			all[a.Peer] = true
		}
	}
	return all, nil
}

// stranger tells whether an account is of a peer that never was a friend. One
// that was keeps its terms, and isn't let in again by its own doing.
func stranger(a ledger.Account) bool { return !a.Friend && a.Terms == ledger.StrangerTerms() }

// households finds who confirms whom: two nodes whose newest documents name each
// other under one label are of one household, and so is who is of one with
// either.
func (n *Node) households(ctx context.Context) (map[peer.ID]string, error) {
	newest := make(map[peer.ID]signed.Household)
	err := n.book.Documents(ctx, signed.KindHousehold, func(row ledger.DocumentRow) error {
		h, err := row.Document.Household()
		if err == nil && row.Live {
			newest[row.Issuer] = h
		}
		return err
	})
	if err != nil {
		return nil, n.checked(err)
	}
	first := make(map[peer.ID]peer.ID) // the least member of each one's household, as far as joined
	for p, h := range newest {
		if h.Label != "" {
			first[p] = p
		}
	}
	for again := true; again; {
		again = false
		for p, h := range newest {
			for _, q := range h.Members {
				if newest[q].Names(p, h.Label) && first[q] < first[p] {
					first[p], again = first[q], true
				}
			}
		}
	}
	all := make(map[peer.ID]string)
	for p, h := range newest {
		if slices.ContainsFunc(h.Members, func(q peer.ID) bool { return newest[q].Names(p, h.Label) }) {
			all[p] = h.Label + " " + first[p].String()
		}
	}
	return all, nil
}
