package api

import (
	"context"
	"net/http"

	"potluck/node"
)

// The bodies about books that agree or don't.
type (
	OrphansRequest = node.OrphansRequest
	Orphans        = node.Orphans
	OrphansAt      = node.OrphansAt
	Orphan         = node.Orphan
	DisputeView    = node.DisputeView
)

func (s *server) orphans(r *http.Request) (any, error) {
	var q OrphansRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.Orphans(r.Context(), q)
}

func (s *server) disputes(r *http.Request) (any, error) { return s.node.Disputes(r.Context()) }

// Orphans tells what hosts hold for this node that nothing here needs, or ends it.
func (c *Client) Orphans(ctx context.Context, q OrphansRequest) (Orphans, error) {
	return call[Orphans](ctx, c, "POST", "/v1/orphans", q)
}

// Disputes lists what this node and others count otherwise.
func (c *Client) Disputes(ctx context.Context) ([]DisputeView, error) {
	return call[[]DisputeView](ctx, c, "GET", "/v1/disputes", nil)
}
