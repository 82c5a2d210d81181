package node

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// Loss hears what a host can't give back any more, though it held it. The
// placements count no longer before it is acknowledged; what the host says of
// shares that aren't placed there changes nothing.
func (c *clerk) Loss(ctx context.Context, from peer.ID, r p2p.LossRequest) (p2p.LossResponse, error) {
	n, err := c.begin(ctx, &c.asked, from, 1, clerkAsks)
	if err != nil {
		return p2p.LossResponse{}, err
	}
	var a p2p.LossResponse
	for _, l := range []struct {
		shares []potluck.ShareID
		reason string
	}{
		{r.Lost, "the host says that the bytes vanished"},
		{r.Corrupt, "the host says that the bytes changed"},
	} {
		marked, err := n.mourn(ctx, from, l.shares, l.reason)
		a.Marked += int64(marked)
		if err != nil {
			return p2p.LossResponse{}, n.keep.answer(err)
		}
	}
	return a, nil
}

// mourn marks those of the shares that count as placed at a host as lost, and
// lets what depends on it follow.
func (n *Node) mourn(ctx context.Context, host peer.ID, ids []potluck.ShareID, reason string) (int, error) {
	var counted []potluck.ShareID
	for _, id := range ids {
		rows, err := n.book.Placements(ctx, id.Index)
		if err != nil {
			return 0, err
		}
		for _, p := range rows {
			if p.Host == host && p.Share == id && p.State == ledger.PlacedStable {
				counted = append(counted, id)
			}
		}
	}
	if len(counted) == 0 {
		return 0, nil
	}
	defer n.shrunk()
	n.log.Warn("a host lost what it held for this node", "host", host, "shares", len(counted), "reason", reason)
	return len(counted), n.book.Mark(ctx, host, counted, ledger.PlacedLost, reason)
}
