package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"potluck/node"
)

type (
	FileVersion   = node.FileVersion
	VersionsQuery = node.VersionsQuery
)

// versions tells what names meant: one name's versions, or those of all names at
// a time.
func (s *server) versions(r *http.Request) (any, error) {
	q := r.URL.Query()
	var asOf, limit uint64
	for key, into := range map[string]*uint64{"as_of": &asOf, "limit": &limit} {
		if text := q.Get(key); text != "" {
			n, err := strconv.ParseUint(text, 10, 40)
			if err != nil {
				return nil, usagef("%s is a number, not %q", key, text)
			}
			*into = n
		}
	}
	if q.Has("name") && q.Get("name") == "" {
		return nil, usagef("a name is wanted, or none is said")
	}
	return s.node.Versions(r.Context(), VersionsQuery{Name: q.Get("name"), AsOf: int64(asOf), After: q.Get("after"), Limit: int(limit)})
}

// Versions tells what names meant, from one put on.
func (c *Client) Versions(ctx context.Context, v VersionsQuery) ([]FileVersion, error) {
	q := url.Values{}
	for key, text := range map[string]string{"name": v.Name, "after": v.After, "as_of": positive(v.AsOf), "limit": positive(int64(v.Limit))} {
		if text != "" {
			q.Set(key, text)
		}
	}
	return call[[]FileVersion](ctx, c, "GET", "/v1/files/versions?"+q.Encode(), nil)
}

func positive(n int64) string {
	if n <= 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
