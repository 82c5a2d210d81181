// Package files is the client half of a node: it turns files into shares at
// friends and back. It decides placement, and drives the pipeline of DESIGN
// section 3: cipher, erasure code, trees, streams. It owns no socket and no
// database: the network and the books are ports that its user hands in.
package files

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/p2p"
)

// Network is what files needs of the network. *p2p.Host has all of it.
type Network interface {
	Connected(peer.ID) bool
	Quote(context.Context, peer.ID, p2p.QuoteRequest) (p2p.QuoteResponse, error)
	Allocate(context.Context, peer.ID, p2p.AllocateRequest) (p2p.AllocateResponse, error)
	Write(context.Context, peer.ID, p2p.WriteRequest) (*p2p.Writer, error)
	Read(context.Context, peer.ID, p2p.ReadRequest) (potluck.Size, io.ReadCloser, error)
	Have(context.Context, peer.ID, p2p.HaveRequest) (p2p.HaveResponse, error)
	Cancel(context.Context, peer.ID, p2p.CancelRequest) (p2p.CancelResponse, error)
}

// Books is what files needs of the ledger. *ledger.Book has all of it. What
// Place, PutFile and Unplace return nil for is durable.
type Books interface {
	Accounts(context.Context) ([]ledger.Account, error)
	Place(context.Context, []ledger.Placement) error
	Unplace(context.Context, peer.ID, []potluck.ShareID) error
	Placements(context.Context, potluck.StorageIndex) ([]ledger.Placement, error)
	PutFile(context.Context, ledger.File) error
	File(context.Context, potluck.StorageIndex) (ledger.File, error)
	DropFile(context.Context, potluck.StorageIndex) error
}

// Config is all that a client needs.
type Config struct {
	Self    peer.ID
	Network Network
	Books   Books
	Secret  caps.Secret      // the convergence secret
	Rand    io.Reader        // for random keys
	Clock   func() time.Time // for receipts and rows
	Log     *slog.Logger
	Workers int           // stripes encoded or decoded at once; 0: one a core
	Stall   time.Duration // a host that makes no progress for so long is left behind; 0: 10 s
}

// Client puts and gets files. It is safe for concurrent use.
type Client struct {
	c Config
}

// New makes a client.
func New(c Config) *Client { return &Client{c: c} }

// Put spreads a source over friends and returns its cap, once Happy distinct
// hosts hold shares durably. Errors: *UsageError, *potluck.Refusal,
// *SpreadError, *ChangedError. After an error nothing of the put is charged,
// other than what hosts that can't be reached now release at their deadline.
// A put that was cut off (ctx ended, process killed) and is repeated sends only
// what is missing. report may be nil; it is called from one goroutine at a time.
func (c *Client) Put(ctx context.Context, src Source, o PutOptions, report func(Progress)) (PutResult, error) {
	panic("not yet")
}

// Get writes the file of a cap, or a range of it, to dst in order. Nothing is
// written that isn't verified against the cap. Errors: *NotEnoughError,
// *DamageError, *UsageError. A damage that only the whole file shows is
// returned after bytes were written: dst must not be taken for good before Get
// returns nil.
func (c *Client) Get(ctx context.Context, cp caps.Cap, dst io.Writer, o GetOptions, report func(Progress)) (GetResult, error) {
	panic("not yet")
}

// Where asks all friends which shares of a file they hold.
func (c *Client) Where(ctx context.Context, cp caps.Cap) (WhereResult, error) { panic("not yet") }

// Remove ends this node's leases on all shares of a file, and forgets its
// placements. Hosts that can't be reached keep their placement rows, marked to
// be cancelled; Sweep tells them later.
func (c *Client) Remove(ctx context.Context, cp caps.Cap) (RemoveResult, error) { panic("not yet") }

// Sweep tells a host that came back of the removals that it missed. It returns
// the number of leases ended.
func (c *Client) Sweep(ctx context.Context, host peer.ID) (int, error) { panic("not yet") }
