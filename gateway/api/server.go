// Package api is the door for the command line: JSON over HTTP on a unix
// socket in the node's data directory (docs/spec/api.md), and its Go client.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"potluck/node"
)

const (
	// hostName is the one Host that is answered. A page that a browser was led
	// to can't send it.
	hostName    = "potluck"
	maxBody     = 1 << 20          // bytes of a JSON body
	bodyTime    = 30 * time.Second // for a JSON body to arrive
	drainTime   = 10 * time.Second // for running requests to end when the server stops
	headerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 64 << 10
)

// server answers the API of one node.
type server struct {
	node *node.Node
	log  *slog.Logger
}

// Serve listens on the node's socket and answers until ctx ends; running
// requests are then cancelled and awaited for at most 10 s. n holds the lock of
// its data directory, so a socket that is there already is a dead one's.
func Serve(ctx context.Context, n *node.Node, log *slog.Logger) error {
	l, err := listen(n.Data())
	if err != nil {
		return err
	}
	defer l.forget()
	return serve(ctx, l, n, log)
}

// ServeOn is Serve on a listener of the caller's, which it closes: for a node in
// the same process as its client. Whoever can connect to l may do everything.
func ServeOn(ctx context.Context, l net.Listener, n *node.Node, log *slog.Logger) error {
	return serve(ctx, l, n, log)
}

// serve answers on a listener, which it closes.
func serve(ctx context.Context, l net.Listener, n *node.Node, log *slog.Logger) error {
	s := &server{node: n, log: log}
	return s.run(ctx, l, guard(s.routes()))
}

// run answers with a handler on a listener, which it closes.
func (s *server) run(ctx context.Context, l net.Listener, answer http.Handler) error {
	base, cancel := context.WithCancel(context.Background())
	defer cancel()
	h := &http.Server{
		Handler:           answer,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
	done := make(chan error, 1)
	go func() { done <- h.Serve(l) }() // ends with Shutdown or Close
	select {
	case err := <-done:
		return fmt.Errorf("serve the local API: %w", err)
	case <-ctx.Done():
	}
	cancel()
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer stop()
	err := h.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop the local API: %w", err), h.Close())
	}
	<-done
	return err
}

// guard refuses what a web page could send, before anything else is looked at.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Origin", "Sec-Fetch-Site", "Referer"} {
			if r.Header.Get(h) != "" {
				fail(w, &Error{Kind: KindNotAllowed, Message: "requests of web pages are not answered here (" + h + " is set)"})
				return
			}
		}
		if r.Host != hostName {
			fail(w, &Error{Kind: KindNotAllowed, Message: fmt.Sprintf("the Host must be %q, not %q", hostName, r.Host)})
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// routes answers every endpoint.
func (s *server) routes() http.Handler {
	m := http.NewServeMux()
	for pattern, h := range s.endpoints() {
		m.Handle(pattern, h)
	}
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, &Error{Kind: KindUsage, Message: fmt.Sprintf("there is no %s %s", r.Method, r.URL.Path)})
	})
	return m
}

// endpoints lists what can be called; docs/spec/openapi.json describes the same.
func (s *server) endpoints() map[string]http.Handler {
	all := map[string]http.Handler{
		"POST /v1/put":          http.HandlerFunc(s.put),
		"POST /v1/get":          http.HandlerFunc(s.get),
		"GET /v1/files":         http.HandlerFunc(s.files),
		"POST /v1/files/check":  http.HandlerFunc(s.health),
		"POST /v1/files/repair": http.HandlerFunc(s.repair),
		"GET /v1/log":           http.HandlerFunc(s.events),
		"GET /v1/events":        http.HandlerFunc(s.pushEvents),
		"GET /livez":            http.HandlerFunc(alive),
		"GET /readyz":           http.HandlerFunc(s.ready),
		"GET /metrics":          http.HandlerFunc(s.metrics),
	}
	for pattern, h := range s.creditRoutes() {
		all[pattern] = h
	}
	for pattern, h := range map[string]handler{
		"GET /v1/status":                    s.status,
		"POST /v1/invites":                  s.invite,
		"GET /v1/invites":                   s.invites,
		"DELETE /v1/invites/{id}":           s.revoke,
		"POST /v1/join":                     s.join,
		"GET /v1/friends":                   s.friends,
		"DELETE /v1/friends/{peer}":         s.unfriend,
		"GET /v1/friends/{peer}/terms":      s.terms,
		"GET /v1/friends/{peer}/history":    s.history,
		"PATCH /v1/friends/{peer}/terms":    s.setTerms,
		"POST /v1/friends/{peer}/deny":      s.deny,
		"POST /v1/friends/{peer}/accept":    s.accept,
		"POST /v1/friends/{peer}/evict":     s.evict,
		"GET /v1/who":                       s.who,
		"GET /v1/who/{peer}/shares":         s.shares,
		"GET /v1/matrix":                    s.matrix,
		"GET /v1/disputes":                  s.disputes,
		"POST /v1/orphans":                  s.orphans,
		"POST /v1/rm":                       s.remove,
		"POST /v1/where":                    s.where,
		"GET /v1/files/summary":             s.filesSummary,
		"POST /v1/check":                    s.check,
		"POST /v1/friends/{peer}/authority": s.authorize,
		"GET /v1/authorities":               s.authorities,
		"POST /v1/crawl":                    s.crawl,
		"POST /v1/keepsake":                 s.keepsake,
		"POST /v1/qr":                       s.qr,
		"GET /v1/files/versions":            s.versions,
		"GET /v1/work":                      s.works,
		"GET /v1/settings":                  s.settings,
		"PUT /v1/settings":                  s.setSettings,
	} {
		all[pattern] = h
	}
	return all
}
