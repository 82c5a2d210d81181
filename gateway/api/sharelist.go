package api

import (
	"context"
	"net/url"
	"strconv"

	"potluck"
	"potluck/node"
)

// FirstShares gives the rows that sum to one peer's line of Who, up to
// node.SharesMost of each side; EachHeld and EachPlaced go on from there.
func (c *Client) FirstShares(ctx context.Context, peer string) (PeerShares, error) {
	return call[PeerShares](ctx, c, "GET", "/v1/who/"+url.PathEscape(peer)+"/shares", nil)
}

// Shares gives all rows that sum to one peer's line of Who.
func (c *Client) Shares(ctx context.Context, peer string) (PeerShares, error) {
	s, err := c.FirstShares(ctx, peer)
	if err != nil || !s.More {
		return s, err
	}
	all := s
	all.IHold, all.HoldsForMe, all.More = nil, nil, false
	err = c.EachHeld(ctx, s, func(row HeldRow) error {
		all.IHold = append(all.IHold, row)
		return nil
	})
	if err == nil {
		err = c.EachPlaced(ctx, s, func(row PlacedRow) error {
			all.HoldsForMe = append(all.HoldsForMe, row)
			return nil
		})
	}
	return all, err
}

// EachHeld visits what this node holds for a peer, by share: what FirstShares gave,
// then the rest, page by page.
func (c *Client) EachHeld(ctx context.Context, first PeerShares, visit func(HeldRow) error) error {
	return eachShare(ctx, c, first, "held", func(s PeerShares) []HeldRow { return s.IHold }, func(r HeldRow) potluck.ShareID { return r.Share }, visit)
}

// EachPlaced visits what a peer holds for this node, as EachHeld does.
func (c *Client) EachPlaced(ctx context.Context, first PeerShares, visit func(PlacedRow) error) error {
	return eachShare(ctx, c, first, "placed", func(s PeerShares) []PlacedRow { return s.HoldsForMe }, func(r PlacedRow) potluck.ShareID { return r.Share }, visit)
}

// eachShare visits the rows of one side.
func eachShare[T any](ctx context.Context, c *Client, page PeerShares, side string, rows func(PeerShares) []T, share func(T) potluck.ShareID, visit func(T) error) error {
	for {
		list := rows(page)
		for _, row := range list {
			if err := visit(row); err != nil {
				return err
			}
		}
		if len(list) < node.SharesMost {
			return nil
		}
		last := share(list[len(list)-1])
		q := url.Values{"side": {side}, "after": {last.Index.String() + "/" + strconv.Itoa(int(last.Number))}, "limit": {strconv.Itoa(node.SharesMost)}}
		var err error
		if page, err = call[PeerShares](ctx, c, "GET", "/v1/who/"+page.Peer.String()+"/shares?"+q.Encode(), nil); err != nil {
			return err
		}
	}
}
