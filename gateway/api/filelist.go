package api

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"potluck"
	"potluck/node"
)

// FilesSummary sums up how safe all files are.
type FilesSummary = node.FilesSummary

// filePage is how many files are read from the books at once.
const filePage = 200

// files answers with the files that the query names, as they are read: however many
// they are, the node has a page of them in memory.
func (s *server) files(w http.ResponseWriter, r *http.Request) {
	part, err := filesPart(r.URL.Query())
	var rows []FileRow
	if err == nil {
		rows, err = s.node.Files(r.Context(), part.page())
	}
	if err != nil {
		fail(w, problem(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriter(w)
	before := byte('[')
	for more := true; more; {
		for _, row := range rows {
			_ = out.WriteByte(before) // a writer's first error is the one that Flush gives
			before = ','
			text, err := json.Marshal(row)
			if err != nil {
				panic(http.ErrAbortHandler) // an array that ends here would say that there is no more
			}
			_, _ = out.Write(text)
		}
		if more = part.next(rows); !more {
			break
		}
		if rows, err = s.node.Files(r.Context(), part.page()); err != nil || out.Flush() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if before == '[' {
		_ = out.WriteByte(before)
	}
	_, _ = out.WriteString("]\n")
	_ = out.Flush() // an error means that nobody reads it any more
}

// fileSpan is what is left to give of the files that were asked for.
type fileSpan node.FilesPart

// page is what is read at once.
func (p *fileSpan) page() node.FilesPart {
	if p.Limit == 0 {
		return node.FilesPart{After: p.After, Limit: filePage}
	}
	return node.FilesPart{After: p.After, Limit: min(p.Limit, filePage)}
}

// next goes on behind a page, and tells whether there may be more to give.
func (p *fileSpan) next(rows []FileRow) bool {
	if len(rows) < p.page().Limit || len(rows) == p.Limit {
		return false
	}
	p.After = rows[len(rows)-1].Index
	p.Limit = max(p.Limit-len(rows), 0) // 0 stays: all
	return true
}

// filesPart reads which files are asked for.
func filesPart(q url.Values) (part fileSpan, err error) {
	if text := q.Get("limit"); text != "" {
		if part.Limit, err = number("limit", text); err != nil {
			return part, err
		}
		if part.Limit < 1 {
			return part, usagef("limit is a number from 1 up, not %q", text)
		}
	}
	if text := q.Get("after"); text != "" {
		if err := part.After.UnmarshalText([]byte(text)); err != nil {
			return part, usagef("after names a file by its storage index: %v", err)
		}
	}
	return part, nil
}

func (s *server) filesSummary(r *http.Request) (any, error) { return s.node.FilesSummary(r.Context()) }

// FilesPage gives at most limit of the files that this node put, by storage index,
// from the first after one on; with the zero index from the first. Fewer than limit
// are the last ones.
func (c *Client) FilesPage(ctx context.Context, after potluck.StorageIndex, limit int) ([]FileRow, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != (potluck.StorageIndex{}) {
		q.Set("after", after.String())
	}
	return call[[]FileRow](ctx, c, "GET", "/v1/files?"+q.Encode(), nil)
}

// EachFile visits the files that this node put, by storage index, page by page: a
// file that is there all the while comes once, one that is put or removed meanwhile
// may come or not.
func (c *Client) EachFile(ctx context.Context, visit func(FileRow) error) error {
	var after potluck.StorageIndex
	for {
		rows, err := c.FilesPage(ctx, after, filePage)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := visit(row); err != nil {
				return err
			}
		}
		if len(rows) < filePage {
			return nil
		}
		after = rows[len(rows)-1].Index
	}
}

// Files lists the files that this node put.
func (c *Client) Files(ctx context.Context) ([]FileRow, error) {
	all := []FileRow{}
	err := c.EachFile(ctx, func(row FileRow) error {
		all = append(all, row)
		return nil
	})
	return all, err
}

// FilesSummary sums up how safe all files are.
func (c *Client) FilesSummary(ctx context.Context) (FilesSummary, error) {
	return call[FilesSummary](ctx, c, "GET", "/v1/files/summary", nil)
}
