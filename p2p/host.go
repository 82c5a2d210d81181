package p2p

import (
	"context"
	"errors"
	"io"

	"potluck"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Host is one node on the network.
type Host struct{}

// New starts to listen and to serve.
func New(c Config) (*Host, error) { return nil, errors.New("not built") }

// Close ends all connections and waits for every goroutine of the Host.
func (h *Host) Close() error { return nil }

// ID is the peer ID of the node key.
func (h *Host) ID() peer.ID { return "" }

// Addrs gives the addresses to dial, each ending in /p2p/ID.
func (h *Host) Addrs() []string { return nil }

// Connect makes a connection to p unless there is one.
func (h *Host) Connect(ctx context.Context, p peer.ID, addrs []string) error { return nil }

// Connected tells whether there is a connection to p.
func (h *Host) Connected(p peer.ID) bool { return false }

// Disconnect closes all connections with p.
func (h *Host) Disconnect(p peer.ID) {}

// Quote asks what p would take.
func (h *Host) Quote(ctx context.Context, p peer.ID, q QuoteRequest) (r QuoteResponse, err error) {
	return
}

// Allocate reserves room at p.
func (h *Host) Allocate(ctx context.Context, p peer.ID, a AllocateRequest) (r AllocateResponse, err error) {
	return
}

// Have asks what p holds.
func (h *Host) Have(ctx context.Context, p peer.ID, a HaveRequest) (r HaveResponse, err error) {
	return
}

// Cancel gives up leases at p.
func (h *Host) Cancel(ctx context.Context, p peer.ID, c CancelRequest) (r CancelResponse, err error) {
	return
}

// Renew keeps all leases at p.
func (h *Host) Renew(ctx context.Context, p peer.ID, a RenewRequest) (r RenewResponse, err error) {
	return
}

// Join accepts p's invite.
func (h *Host) Join(ctx context.Context, p peer.ID, j JoinRequest) (r JoinResponse, err error) {
	return
}

// Writer sends the body of one share.
type Writer struct{}

// Write opens the sending of one share to p.
func (h *Host) Write(ctx context.Context, p peer.ID, w WriteRequest) (*Writer, error) {
	return nil, errors.New("not built")
}

// Write sends raw bytes.
func (w *Writer) Write(p []byte) (int, error) { return 0, errors.New("not built") }

// Finish ends the body and waits for the answer.
func (w *Writer) Finish(ctx context.Context) (r WriteResponse, err error) { return }

// Abort gives up.
func (w *Writer) Abort() {}

// Read asks p for a part of a share.
func (h *Host) Read(ctx context.Context, p peer.ID, r ReadRequest) (length potluck.Size, body io.ReadCloser, err error) {
	return 0, nil, errors.New("not built")
}
