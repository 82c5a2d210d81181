package node

import (
	"context"

	"potluck/files"
)

// hosts is a node as files sees it: whom to ask to keep shares.
type hosts Node

// Hosts lists the friends, and the hosts that a pointer to this node reaches.
func (n *hosts) Hosts(ctx context.Context) ([]files.Place, error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]files.Place, 0, len(accounts))
	for _, a := range accounts {
		if a.Friend || n.gate.isReached(a.Peer) {
			at := files.Place{Peer: a.Peer, Name: a.Name, Household: n.gate.household(a.Peer), Friend: a.Friend}
			at.Up, at.Windows = n.repair.uptime(a.Peer)
			list = append(list, at)
		}
	}
	return list, nil
}
