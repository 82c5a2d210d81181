package testnet

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
)

// Node is what stories and checks need of a node of either kind.
type Node interface {
	Label() string    // the node's own name
	Peer() peer.ID    // its peer ID
	API() *api.Client // its local API
}

// Label gives the node's own name.
func (p *Process) Label() string { return p.Name }

// Opening gives terms with an opening of so many bytes, and ratio 1.
func Opening(bytes potluck.Size) *api.Terms {
	return &api.Terms{RatioPPM: 1_000_000, Opening: bytes}
}

// Befriend makes two nodes friends by a real invite: a invites, b joins. Each
// grants the other terms; nil means the default terms.
func Befriend(ctx context.Context, a, b Node, terms *api.Terms) error {
	return join(ctx, a, b, terms, terms)
}

// Grant makes two nodes friends by a real invite, with other terms each way: what
// a gives b, and what b gives a.
func Grant(ctx context.Context, a, b Node, gives, gets api.Terms) error {
	return join(ctx, a, b, &gives, &gets)
}

func join(ctx context.Context, a, b Node, gives, gets *api.Terms) error {
	invite, err := a.API().Invite(ctx, api.InviteRequest{Name: b.Label(), Terms: gives})
	if err != nil {
		return fmt.Errorf("%s invites %s: %w", a.Label(), b.Label(), err)
	}
	joined, err := b.API().Join(ctx, api.JoinRequest{Link: invite.Link, Name: a.Label(), Terms: gets})
	if err != nil {
		return fmt.Errorf("%s joins %s: %w", b.Label(), a.Label(), err)
	}
	if joined.Peer != a.Peer() {
		return fmt.Errorf("%s joined %s by the invite of %s, %s", b.Label(), joined.Peer, a.Label(), a.Peer())
	}
	return nil
}

// Mesh makes every two of the nodes friends.
func Mesh[N Node](ctx context.Context, terms *api.Terms, nodes ...N) error {
	for i, a := range nodes {
		// The others join at once; one node's invites don't wait for another's.
		err := each(len(nodes)-i-1, func(j int) error { return Befriend(ctx, a, nodes[i+1+j], terms) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Star makes one node a friend of all the others.
func Star[N Node](ctx context.Context, terms *api.Terms, center N, others ...N) error {
	return each(len(others), func(i int) error { return Befriend(ctx, center, others[i], terms) })
}

// WaitConnected returns when a node is connected to all of the others.
func WaitConnected[N Node](ctx context.Context, node N, others ...N) error {
	missing := ""
	err := Poll(ctx, func() (bool, error) {
		friends, err := node.API().Friends(ctx)
		if err != nil {
			return false, fmt.Errorf("friends of %s: %w", node.Label(), err)
		}
		up := map[peer.ID]bool{}
		for _, f := range friends {
			up[f.Peer] = f.Connected
		}
		for _, o := range others {
			if !up[o.Peer()] {
				missing = o.Label()
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not connected to %s: %w", node.Label(), missing, err)
	}
	return nil
}
