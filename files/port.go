package files

import (
	"context"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// Network is what files needs of the network. *p2p.Host has all of it.
type Network interface {
	Connected(peer.ID) bool
	Quote(context.Context, peer.ID, p2p.QuoteRequest) (p2p.QuoteResponse, error)
	Allocate(context.Context, peer.ID, p2p.AllocateRequest) (p2p.AllocateResponse, error)
	Write(context.Context, peer.ID, p2p.WriteRequest) (*p2p.Writer, error)
	Store(context.Context, peer.ID, p2p.StoreRequest) (p2p.StoreResponse, error)
	Read(context.Context, peer.ID, p2p.ReadRequest) (potluck.Size, io.ReadCloser, error)
	Sliver(context.Context, peer.ID, p2p.SliverRequest) (p2p.SliverResponse, error)
	Have(context.Context, peer.ID, p2p.HaveRequest) (p2p.HaveResponse, error)
	Cancel(context.Context, peer.ID, p2p.CancelRequest) (p2p.CancelResponse, error)
}

// Books is what files needs of the ledger. *ledger.Book has all of it. What
// Place, PlaceFile and Unplace return nil for is durable.
type Books interface {
	Place(context.Context, []ledger.Placement) error
	Unplace(context.Context, peer.ID, []potluck.ShareID) error
	Mark(context.Context, peer.ID, []potluck.ShareID, ledger.PlacementState, string) error
	Placements(context.Context, potluck.StorageIndex) ([]ledger.Placement, error)
	PlacementsAt(context.Context, peer.ID, func(ledger.Placement) error) error
	// PlaceFile is Place and a file's row, both or none.
	PlaceFile(context.Context, []ledger.Placement, ledger.File) error
	File(context.Context, potluck.StorageIndex) (ledger.File, error)
	DropFile(context.Context, potluck.StorageIndex) error
}

// Local is this node's own store, asked in the same words as a host. The node's
// keeper has these methods.
type Local interface {
	Have(context.Context, peer.ID, p2p.HaveRequest) (p2p.HaveResponse, error)
	Read(context.Context, peer.ID, p2p.ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error)
	Sliver(context.Context, peer.ID, p2p.SliverRequest) (p2p.SliverResponse, error)
}

// Hosts tells who may be asked to keep shares, or to give them back: friends,
// and hosts that a credit pointer reaches. Connected or not, each once, without
// this node itself. It is called for every put and get, so it answers from
// memory or from the books.
type Hosts interface {
	Hosts(context.Context) ([]Place, error)
}

// Place is one host that may keep shares.
type Place struct {
	Peer peer.ID
	Name string // petname, or what the host calls itself
	// Household is the same text for all hosts of one household, and only for
	// those; empty: the host is of none. A household is one place: its hosts
	// burn, move and lose power together.
	Household string
	Friend    bool // false: only a credit pointer reaches it
	// Up is in which part of Windows quarters of an hour the host was there, in
	// millionths. Of no windows nothing is known.
	Up, Windows int64
}
