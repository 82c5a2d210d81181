package api

import (
	"context"
	"net/http"

	"potluck/node"
)

// Work is one piece of work that a node has under way.
type Work = node.Work

// works tells what the node works on now.
func (s *server) works(r *http.Request) (any, error) { return s.node.Works(), nil }

// Works tells what the node works on now, the oldest first.
func (c *Client) Works(ctx context.Context) ([]Work, error) {
	return call[[]Work](ctx, c, "GET", "/v1/work", nil)
}
