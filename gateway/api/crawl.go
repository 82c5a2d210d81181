package api

import (
	"context"
	"net/http"

	"potluck/node"
)

type (
	CrawlReport = node.CrawlReport
	PassView    = node.PassView
)

// readRequest is the body of checks and crawls: whether every byte is read.
type readRequest struct {
	Read bool `json:"read,omitempty"`
}

func (s *server) crawl(r *http.Request) (any, error) {
	var q readRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	return s.node.Crawl(r.Context(), q.Read)
}

// Crawl compares the store with the books and mends where they differ; with read
// every byte is read too.
func (c *Client) Crawl(ctx context.Context, read bool) (CrawlReport, error) {
	return call[CrawlReport](ctx, c, "POST", "/v1/crawl", readRequest{Read: read})
}
