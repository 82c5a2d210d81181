package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"potluck/node"
)

// Page says how the page and the API are served on loopback.
type Page struct {
	Listen string       // host:port of loopback; port 0: the one of the last start, or any that is free
	Static http.Handler // answers what needs no token: the page itself, without any of the node's data
	Renew  bool         // throws the key away, so that nobody stays signed in
}

// policy is what a browser lets the page do: its own scripts and styles, and
// nothing from anywhere else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Opened is a page that has its address and is to be served.
type Opened struct {
	l      net.Listener
	server *server
	porter *porter
}

// Open takes the page's address and notes it: links of PageLink lead to it from
// now on. n holds the lock of its data directory. Serve must follow.
func (p Page) Open(n *node.Node, log *slog.Logger) (*Opened, error) {
	l, err := p.listen(n.Data())
	if err != nil {
		return nil, err
	}
	d, err := openDoor(n.Data(), l.Addr().String(), p.Renew)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &server{node: n, log: log}
	g := &porter{door: d, clock: time.Now, api: s.routes(), static: p.Static, fetch: &fetches{node: n, clock: time.Now}}
	return &Opened{l, s, g}, nil
}

// Serve answers with the page and the API on loopback until ctx ends. Every call
// of the API needs a token: POST /v1/session gives one for a link of PageLink,
// once.
func (o *Opened) Serve(ctx context.Context) error { return o.server.run(ctx, o.l, o.porter) }

// listen opens the port. The one of the last start is tried first, so that a
// bookmark stays good.
func (p Page) listen(dataDir string) (net.Listener, error) {
	if err := node.CheckPage(p.Listen); err != nil {
		return nil, err
	}
	if _, port, err := net.SplitHostPort(p.Listen); err == nil && port == "0" {
		if d, err := readDoor(dataDir); err == nil {
			if l, err := net.Listen("tcp", d.Addr); err == nil {
				return l, nil
			}
		}
	}
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return nil, fmt.Errorf("open the page on %s: %w; name another address with --page", p.Listen, err)
	}
	return l, nil
}

// ClosePage removes what says where the page is. A node that has no page calls
// it, so that no link is made to one of an earlier start.
func ClosePage(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, doorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// porter decides who gets what on loopback, where every program and every web
// page of this machine can knock.
type porter struct {
	door   *door
	clock  func() time.Time
	api    http.Handler
	static http.Handler
	fetch  *fetches

	mu   sync.Mutex
	used map[[16]byte]time.Time // links that were used, until they end
}

// ServeHTTP refuses what another site could send, then what has no token.
func (g *porter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if e := g.foreign(r); e != nil {
		fail(w, e)
		return
	}
	path := r.URL.Path
	switch {
	case path == "/livez" || path == "/readyz":
		g.api.ServeHTTP(w, r)
	case path == "/v1/session" && r.Method == http.MethodPost:
		h.Set("Cache-Control", "no-store")
		handler(g.signIn).ServeHTTP(w, r)
	case strings.HasPrefix(path, fetchPath) && r.Method == http.MethodGet:
		h.Set("Cache-Control", "no-store")
		g.fetch.serve(w, r)
	case strings.HasPrefix(path, "/v1/") || path == "/metrics":
		h.Set("Cache-Control", "no-store")
		if !g.knows(r) {
			h.Set("WWW-Authenticate", "Bearer")
			fail(w, &Error{Kind: KindNoToken, Message: "this needs a token; open the page anew with \"potluck page\""})
			return
		}
		if path == "/v1/fetches" && r.Method == http.MethodPost {
			handler(g.fetch.ticket).ServeHTTP(w, r)
			return
		}
		g.api.ServeHTTP(w, r)
	default:
		g.static.ServeHTTP(w, r)
	}
}

// foreign tells why a request can't be of the page or of a program here: it
// has the Host of a name that was led to this address, or comes from a page of
// another site.
func (g *porter) foreign(r *http.Request) *Error {
	_, port, _ := net.SplitHostPort(g.door.Addr)
	if r.Host != g.door.Addr && r.Host != "localhost:"+port {
		return &Error{Kind: KindNotAllowed, Message: fmt.Sprintf("the Host must be %q, not %q", g.door.Addr, r.Host)}
	}
	if o := r.Header.Get("Origin"); o != "" && o != "http://"+r.Host {
		return &Error{Kind: KindNotAllowed, Message: "requests of other web pages are not answered"}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	return &Error{Kind: KindNotAllowed, Message: "requests of other web pages are not answered"}
}

// knows tells whether a request has a token that is good.
func (g *porter) knows(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	_, _, good := g.door.check(passSession, token, g.clock())
	return good
}

// signInRequest has the code of a link; session the token that it is changed for.
type signInRequest struct {
	Code string `json:"code"`
}

type session struct {
	Token   string `json:"token"`
	Expires int64  `json:"expires"`
}

// signIn changes the code of a link for a token, once.
func (g *porter) signIn(r *http.Request) (any, error) {
	var q signInRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	now := g.clock()
	id, until, ok := g.door.check(passLink, q.Code, now)
	if !ok || !g.first(id, until, now) {
		return nil, &Error{Kind: KindNoToken, Message: "this link was used, or is too old; make another with \"potluck page\""}
	}
	expires := now.Add(sessionTime)
	return session{g.door.pass(passSession, expires), expires.Unix()}, nil
}

// first tells whether a link is used for the first time, and notes it.
func (g *porter) first(id [16]byte, until, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for old, end := range g.used {
		if !now.Before(end) {
			delete(g.used, old)
		}
	}
	if _, used := g.used[id]; used {
		return false
	}
	if g.used == nil {
		g.used = make(map[[16]byte]time.Time)
	}
	g.used[id] = until
	return true
}
