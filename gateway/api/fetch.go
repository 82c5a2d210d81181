package api

import (
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"potluck/caps"
	"potluck/files"
	"potluck/node"
)

// A browser that saves a file sends no header of ours. So the page asks, with
// its token, for a ticket, and the browser fetches the file with that: once,
// and soon.

const (
	fetchPath  = "/fetch/"
	fetchTime  = time.Minute // in which a ticket is to be used
	maxFetches = 64          // tickets that weren't used yet
	maxSaved   = 255         // bytes of a file's name
)

// fetches is the tickets that weren't used yet.
type fetches struct {
	node  *node.Node
	clock func() time.Time

	mu   sync.Mutex
	open map[string]fetch
}

type fetch struct {
	cap  caps.Cap
	name string
	end  time.Time
}

type fetchRequest struct {
	Cap  string `json:"cap"`
	Name string `json:"name"` // under which the browser saves it
}

// fetchTicket is where a file can be had once.
type fetchTicket struct {
	URL     string `json:"url"`
	Expires int64  `json:"expires"`
}

// ticket makes a ticket for one file.
func (f *fetches) ticket(r *http.Request) (any, error) {
	var q fetchRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	c, err := caps.Parse(q.Cap)
	if err != nil {
		return nil, err
	}
	if q.Name == "" || len(q.Name) > maxSaved || strings.ContainsAny(q.Name, "/\\\x00\r\n") {
		q.Name = "potluck-file"
	}
	now := f.clock()
	id := randomHex(16)
	f.mu.Lock()
	defer f.mu.Unlock()
	for old, x := range f.open {
		if !now.Before(x.end) {
			delete(f.open, old)
		}
	}
	if len(f.open) >= maxFetches {
		return nil, usagef("%d files wait to be saved already; at most %d at once", len(f.open), maxFetches)
	}
	if f.open == nil {
		f.open = make(map[string]fetch)
	}
	end := now.Add(fetchTime)
	f.open[id] = fetch{c, q.Name, end}
	return fetchTicket{fetchPath + id, end.Unix()}, nil
}

// take uses a ticket up.
func (f *fetches) take(id string) (fetch, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x, ok := f.open[id]
	delete(f.open, id)
	return x, ok && f.clock().Before(x.end)
}

// serve gives the file of a ticket. What breaks off in the middle breaks the
// connection, so that no browser takes a part for the whole.
func (f *fetches) serve(w http.ResponseWriter, r *http.Request) {
	x, ok := f.take(strings.TrimPrefix(r.URL.Path, fetchPath))
	if !ok {
		fail(w, &Error{Kind: KindNotFound, Message: "this was saved already, or asked for too late; ask for it on the page again"})
		return
	}
	body := &saved{w: w, head: func() {
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": x.name}))
		switch c := x.cap.(type) {
		case caps.Read:
			h.Set("Content-Length", strconv.FormatInt(int64(c.Layout.Size), 10))
		case caps.Literal:
			h.Set("Content-Length", strconv.Itoa(len(c.Data)))
		}
	}}
	if _, err := f.node.Get(r.Context(), x.cap, body, files.GetOptions{}, nil); err != nil {
		if !body.begun {
			fail(w, problem(fmt.Errorf("fetch %s: %w", x.name, err)))
			return
		}
		panic(http.ErrAbortHandler) // the server's word for breaking the connection
	}
	body.begin() // an empty file was never written to
}

// saved is a response whose head is sent with its first byte.
type saved struct {
	w     http.ResponseWriter
	head  func()
	begun bool
}

func (s *saved) begin() {
	if !s.begun {
		s.begun = true
		s.head()
	}
}

// Write sends bytes of the file.
func (s *saved) Write(p []byte) (int, error) {
	s.begin()
	return s.w.Write(p)
}
