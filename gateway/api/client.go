package api

import (
	"context"
	"io"
	"net/http"

	"potluck/files"
)

// Client speaks to the node of one data directory over its unix socket. It is
// safe for concurrent use. Every method returns ErrNotRunning (wrapped) when
// the node is gone, *Error for what the node reports, and the context's error
// when that ended first.
type Client struct {
	http *http.Client
	data string
}

// Dial makes a client for the node that runs in a data directory. It returns
// ErrNotRunning (wrapped) when none answers there.
func Dial(ctx context.Context, dataDir string) (*Client, error) { panic("not yet") }

// Close drops idle connections.
func (c *Client) Close() {}

// Status gives the node at a glance.
func (c *Client) Status(ctx context.Context) (Status, error) { panic("not yet") }

// Invite makes an invite; its link is in the answer only.
func (c *Client) Invite(ctx context.Context, r InviteRequest) (Invite, error) { panic("not yet") }

// Invites lists all invites, newest first.
func (c *Client) Invites(ctx context.Context) ([]Invite, error) { panic("not yet") }

// Revoke ends a live invite.
func (c *Client) Revoke(ctx context.Context, id string) error { panic("not yet") }

// Join accepts an invite of another node, or with DryRun only reads it.
func (c *Client) Join(ctx context.Context, r JoinRequest) (JoinResult, error) { panic("not yet") }

// Friends lists all accounts, by name.
func (c *Client) Friends(ctx context.Context) ([]Friend, error) { panic("not yet") }

// Who tells who holds how much for whom, and why.
func (c *Client) Who(ctx context.Context) (Who, error) { panic("not yet") }

// Shares gives the rows that sum to one peer's line of Who.
func (c *Client) Shares(ctx context.Context, peer string) (PeerShares, error) { panic("not yet") }

// Terms gives the terms with a peer, both ways.
func (c *Client) Terms(ctx context.Context, peer string) (PeerTerms, error) { panic("not yet") }

// SetTerms changes what a peer may have here.
func (c *Client) SetTerms(ctx context.Context, peer string, t TermsChange) (PeerTerms, error) {
	panic("not yet")
}

// Deny takes no new bytes from a peer.
func (c *Client) Deny(ctx context.Context, peer string) (Friend, error) { panic("not yet") }

// Accept lifts a denial.
func (c *Client) Accept(ctx context.Context, peer string) (Friend, error) { panic("not yet") }

// Evict drops all that is held for a peer, or with dryRun tells what would be
// freed.
func (c *Client) Evict(ctx context.Context, peer string, dryRun bool) (Eviction, error) {
	panic("not yet")
}

// Unfriend ends a friendship. What each holds for the other stays in the books
// until it is evicted or its leases end.
func (c *Client) Unfriend(ctx context.Context, peer string) error { panic("not yet") }

// Put puts the file at r.Path, or body when that is empty. report may be nil.
func (c *Client) Put(ctx context.Context, r PutRequest, body io.Reader, report func(files.Progress)) (files.PutResult, error) {
	panic("not yet")
}

// Get reads a file. With r.Path the node writes it, and dst is not used. Else
// the bytes are written to dst in order; they are the whole of what was asked
// for only if the error is nil. report may be nil.
func (c *Client) Get(ctx context.Context, r GetRequest, dst io.Writer, report func(files.Progress)) (files.GetResult, error) {
	panic("not yet")
}

// Remove ends this node's leases on the shares of a file.
func (c *Client) Remove(ctx context.Context, cap string) (files.RemoveResult, error) {
	panic("not yet")
}

// Where asks all friends which shares of a file they hold.
func (c *Client) Where(ctx context.Context, cap string) (files.WhereResult, error) {
	panic("not yet")
}

// Files lists the files that this node put.
func (c *Client) Files(ctx context.Context) ([]FileRow, error) { panic("not yet") }

// Log visits events in order.
func (c *Client) Log(ctx context.Context, r LogRequest, visit func(Event) error) error {
	panic("not yet")
}

// Check proves the books from their rows, and compares the store with them.
func (c *Client) Check(ctx context.Context) (CheckReport, error) { panic("not yet") }
