package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"potluck/caps"
	"potluck/files"
	"potluck/node"
)

type (
	HealthReport  = node.HealthReport
	RepairReport  = node.RepairReport
	AuthorityView = node.AuthorityView
)

// HealthRequest says which files are checked, and how closely. Without a cap it is
// all that the node put.
type HealthRequest struct {
	Cap    string `json:"cap,omitempty"`
	Verify bool   `json:"verify,omitempty"` // read every share whole
}

// RepairRequest says which files are repaired. Without a cap it is all that the
// node put, and all that friends gave it leave to repair.
type RepairRequest struct {
	Cap    string `json:"cap,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// AuthorizeRequest gives a friend leave to repair one file, or takes it back.
type AuthorizeRequest struct {
	Cap     string `json:"cap"`              // when it is taken back it may be empty: of every file
	Seconds int64  `json:"seconds"`          // how long it holds, at most 90 days; 0 when it is taken back
	Revoke  bool   `json:"revoke,omitempty"` // take it back
}

// oneOrAll reads a cap that may be left out.
func oneOrAll(text string) (caps.Cap, error) {
	if text == "" {
		return nil, nil
	}
	return caps.Parse(text)
}

// streamed answers a call that takes its time with a stream.
func streamed[Q any](w http.ResponseWriter, r *http.Request, do func(Q, func(files.Progress)) (any, error)) {
	var q Q
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := read(r, &q); err != nil {
		fail(w, problem(err))
		return
	}
	l := &lines{w: w}
	l.end(do(q, l.progress))
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	streamed(w, r, func(q HealthRequest, report func(files.Progress)) (any, error) {
		c, err := oneOrAll(q.Cap)
		if err != nil {
			return nil, err
		}
		return s.node.Health(r.Context(), c, files.CheckOptions{Verify: q.Verify}, report)
	})
}

func (s *server) repair(w http.ResponseWriter, r *http.Request) {
	streamed(w, r, func(q RepairRequest, report func(files.Progress)) (any, error) {
		c, err := oneOrAll(q.Cap)
		if err != nil {
			return nil, err
		}
		return s.node.Repair(r.Context(), c, q.DryRun, report)
	})
}

func (s *server) authorize(r *http.Request) (any, error) {
	var q AuthorizeRequest
	if err := read(r, &q); err != nil {
		return nil, err
	}
	parse := caps.Parse
	if q.Revoke {
		parse = oneOrAll
	}
	c, err := parse(q.Cap)
	if err != nil {
		return nil, err
	}
	a, err := s.account(r)
	if err != nil {
		return nil, err
	}
	if q.Revoke {
		return s.node.RevokeAuthority(r.Context(), a, c)
	}
	return s.node.Authorize(r.Context(), a, c, time.Duration(q.Seconds)*time.Second)
}

func (s *server) authorities(r *http.Request) (any, error) { return s.node.Authorities(r.Context()) }

// callStream posts a request and takes the stream that answers it.
func callStream[T any](ctx context.Context, c *Client, path string, q any, report func(files.Progress)) (res T, err error) {
	b, err := json.Marshal(q)
	if err != nil {
		return res, err
	}
	a, err := c.ask(ctx, "POST", path, bytes.NewReader(b))
	if err != nil {
		return res, err
	}
	defer a.Body.Close()
	err = stream(ctx, a.Body, &res, reporting(report))
	return res, err
}

// Health tells how healthy files are. report may be nil; it is called from one
// goroutine.
func (c *Client) Health(ctx context.Context, q HealthRequest, report func(files.Progress)) (HealthReport, error) {
	return callStream[HealthReport](ctx, c, "/v1/files/check", q, report)
}

// Repair brings lost shares back. report may be nil; it is called from one
// goroutine.
func (c *Client) Repair(ctx context.Context, q RepairRequest, report func(files.Progress)) (RepairReport, error) {
	return callStream[RepairReport](ctx, c, "/v1/files/repair", q, report)
}

// Authorize gives a friend leave to repair one file at this node's cost, or takes it
// back.
func (c *Client) Authorize(ctx context.Context, peer string, q AuthorizeRequest) (AuthorityView, error) {
	return call[AuthorityView](ctx, c, "POST", friendPath(peer, "/authority"), q)
}

// Authorities lists the files that friends gave this node leave to repair.
func (c *Client) Authorities(ctx context.Context) ([]AuthorityView, error) {
	return call[[]AuthorityView](ctx, c, "GET", "/v1/authorities", nil)
}
