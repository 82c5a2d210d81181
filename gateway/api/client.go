package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"

	"potluck/files"
)

// Client speaks to the node of one data directory over its unix socket. It is
// safe for concurrent use. Every method returns ErrNotRunning (wrapped) when
// the node is gone, *Error for what the node reports, and the context's error
// when that ended first. Where a peer is named, it is by petname, peer ID or a
// unique beginning of either.
type Client struct {
	http *http.Client
	data string
}

// Dial makes a client for the node that runs in a data directory. It returns
// ErrNotRunning (wrapped) when none answers there.
func Dial(ctx context.Context, dataDir string) (*Client, error) {
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	t := newTransport(dataDir)
	conn, err := t.DialContext(ctx, "unix", hostName)
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // it was opened only to see whether it can be
	return &Client{http: &http.Client{Transport: t}, data: dataDir}, nil
}

// Via makes a client of a node that answers where dial leads (ServeOn). The data
// directory is only named in errors.
func Via(dial func(context.Context) (net.Conn, error), dataDir string) *Client {
	t := newTransport(dataDir)
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return &Client{http: &http.Client{Transport: t}, data: dataDir}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status gives the node at a glance.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, "GET", "/v1/status", nil)
}

// Invite makes an invite; its link is in the answer only.
func (c *Client) Invite(ctx context.Context, r InviteRequest) (Invite, error) {
	return call[Invite](ctx, c, "POST", "/v1/invites", r)
}

// Invites lists all invites, newest first.
func (c *Client) Invites(ctx context.Context) ([]Invite, error) {
	return call[[]Invite](ctx, c, "GET", "/v1/invites", nil)
}

// Revoke ends a live invite. id may be a unique beginning of its ID.
func (c *Client) Revoke(ctx context.Context, id string) error {
	_, err := call[none](ctx, c, "DELETE", "/v1/invites/"+url.PathEscape(id), nil)
	return err
}

// Join accepts an invite of another node, or with DryRun only reads it.
func (c *Client) Join(ctx context.Context, r JoinRequest) (JoinResult, error) {
	return call[JoinResult](ctx, c, "POST", "/v1/join", r)
}

// Friends lists all accounts, by name.
func (c *Client) Friends(ctx context.Context) ([]Friend, error) {
	return call[[]Friend](ctx, c, "GET", "/v1/friends", nil)
}

// Who tells who holds how much for whom, and why.
func (c *Client) Who(ctx context.Context) (Who, error) {
	return call[Who](ctx, c, "GET", "/v1/who", nil)
}

func friendPath(peer, what string) string { return "/v1/friends/" + url.PathEscape(peer) + what }

// Terms gives the terms with a peer, both ways.
func (c *Client) Terms(ctx context.Context, peer string) (PeerTerms, error) {
	return call[PeerTerms](ctx, c, "GET", friendPath(peer, "/terms"), nil)
}

// PreviewTerms tells what SetTerms would change.
func (c *Client) PreviewTerms(ctx context.Context, peer string, change TermsChange) (TermsPreview, error) {
	return call[TermsPreview](ctx, c, "POST", friendPath(peer, "/preview"), change)
}

// SetTerms changes what a peer may have here.
func (c *Client) SetTerms(ctx context.Context, peer string, change TermsChange) (PeerTerms, error) {
	return call[PeerTerms](ctx, c, "PATCH", friendPath(peer, "/terms"), change)
}

// Deny takes no new bytes from a peer.
func (c *Client) Deny(ctx context.Context, peer string) (Friend, error) {
	return call[Friend](ctx, c, "POST", friendPath(peer, "/deny"), none{})
}

// Accept lifts a denial.
func (c *Client) Accept(ctx context.Context, peer string) (Friend, error) {
	return call[Friend](ctx, c, "POST", friendPath(peer, "/accept"), none{})
}

// Evict drops all that is held for a peer, or with dryRun tells what would be
// freed.
func (c *Client) Evict(ctx context.Context, peer string, dryRun bool) (Eviction, error) {
	return call[Eviction](ctx, c, "POST", friendPath(peer, "/evict"), EvictRequest{DryRun: dryRun})
}

// Unfriend ends a friendship. What each holds for the other stays in the books
// until it is evicted or its leases end.
func (c *Client) Unfriend(ctx context.Context, peer string) error {
	_, err := call[none](ctx, c, "DELETE", friendPath(peer, ""), nil)
	return err
}

// RemoveIndexed is Remove by a storage index that the node's books know, or a start
// of one that fits no other.
func (c *Client) RemoveIndexed(ctx context.Context, start string) (files.RemoveResult, error) {
	return call[files.RemoveResult](ctx, c, "POST", "/v1/rm", removeRequest{Index: start})
}

// Remove ends this node's leases on the shares of a file.
func (c *Client) Remove(ctx context.Context, cap string) (files.RemoveResult, error) {
	return call[files.RemoveResult](ctx, c, "POST", "/v1/rm", removeRequest{Cap: cap})
}

// Where asks all friends which shares of a file they hold.
func (c *Client) Where(ctx context.Context, cap string) (files.WhereResult, error) {
	return call[files.WhereResult](ctx, c, "POST", "/v1/where", capRequest{cap})
}

// Check proves the books from their rows, and compares the store with them.
func (c *Client) Check(ctx context.Context) (CheckReport, error) {
	return call[CheckReport](ctx, c, "POST", "/v1/check", none{})
}

// CheckBytes is Check that reads every byte in the store too.
func (c *Client) CheckBytes(ctx context.Context) (CheckReport, error) {
	return call[CheckReport](ctx, c, "POST", "/v1/check", readRequest{Read: true})
}

// Log visits events in order. With Follow it ends with ctx's error.
func (c *Client) Log(ctx context.Context, r LogRequest, visit func(Event) error) error {
	q := url.Values{"after": {strconv.FormatUint(r.After, 10)}, "limit": {strconv.Itoa(r.Limit)}, "newest": {strconv.Itoa(r.Newest)},
		"follow": {strconv.FormatBool(r.Follow)}, "evidence": {strconv.FormatBool(r.Evidence)}}
	a, err := c.ask(ctx, "GET", "/v1/log?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	return stream(ctx, a.Body, &logEnd{}, func(m message) error {
		if m.Event == nil {
			return nil
		}
		return visit(*m.Event)
	})
}
