package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/node"
)

// Types of the matrix.
type (
	Matrix     = node.Matrix
	MatrixCell = node.MatrixCell
	MatrixWord = node.Word
)

// matrixPage is how many cells a client asks for at once.
const matrixPage = 1000

func (s *server) matrix(r *http.Request) (any, error) {
	part, err := matrixPart(r.URL.Query())
	if err != nil {
		return nil, err
	}
	return s.node.Matrix(r.Context(), part)
}

// matrixPart reads which cells are asked for.
func matrixPart(q url.Values) (part node.MatrixPart, err error) {
	if text := q.Get("limit"); text != "" {
		if part.Limit, err = number("limit", text); err != nil {
			return part, err
		}
	}
	if text := q.Get("after"); text != "" {
		holder, owner, _ := strings.Cut(text, "/")
		if part.Holder, err = peer.Decode(holder); err == nil {
			part.Owner, err = peer.Decode(owner)
		}
		if err != nil {
			return part, usagef("after names a cell as HOLDER/OWNER, two peer IDs: %v", err)
		}
	}
	return part, nil
}

// Matrix tells who holds how much for whom, as friends published it. It reads page
// by page: what is published meanwhile may be in it or not.
func (c *Client) Matrix(ctx context.Context) (Matrix, error) {
	all := Matrix{Nodes: []Party{}, Cells: []MatrixCell{}}
	seen := make(map[peer.ID]bool)
	for after := ""; ; {
		q := url.Values{"limit": {strconv.Itoa(matrixPage)}}
		if after != "" {
			q.Set("after", after)
		}
		m, err := call[Matrix](ctx, c, "GET", "/v1/matrix?"+q.Encode(), nil)
		if err != nil {
			return all, err
		}
		all.AsOf, all.Cells = m.AsOf, append(all.Cells, m.Cells...)
		for _, p := range m.Nodes {
			if !seen[p.Peer] {
				seen[p.Peer], all.Nodes = true, append(all.Nodes, p)
			}
		}
		if !m.More {
			all.Arrange()
			return all, nil
		}
		last := m.Cells[len(m.Cells)-1]
		after = last.Holder.String() + "/" + last.Owner.String()
	}
}
