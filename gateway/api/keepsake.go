package api

import (
	"context"
	"net/http"

	"potluck/node"
)

type (
	KeepsakeView = node.KeepsakeView
	KeepsakeWith = node.KeepsakeWith
)

// keepsakeRequest is the body of a look at the keepsake: whether a new one is
// made first.
type keepsakeRequest struct {
	Now bool `json:"now,omitempty"`
}

func (s *server) keepsake(r *http.Request) (any, error) {
	var q keepsakeRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.Keepsake(r.Context(), q.Now)
}

// Keepsake tells what friends keep for the day on which the node's disk is gone;
// with now, the books are backed up and a keepsake is left with them first.
func (c *Client) Keepsake(ctx context.Context, now bool) (KeepsakeView, error) {
	return call[KeepsakeView](ctx, c, "POST", "/v1/keepsake", keepsakeRequest{Now: now})
}
