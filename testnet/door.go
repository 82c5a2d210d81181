package testnet

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"potluck/gateway/api"
	"potluck/node"
)

// door is the way to a node's API within this process. A real socket would stop
// virtual time: nobody can tell whether something is still to come out of it. A
// nil door is the node's unix socket.
type door struct {
	knocks chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newDoor() *door {
	return &door{knocks: make(chan net.Conn), closed: make(chan struct{})}
}

// serve answers until ctx ends.
func (d *door) serve(ctx context.Context, n *node.Node, log *slog.Logger) error {
	if d == nil {
		return api.Serve(ctx, n, log)
	}
	return api.ServeOn(ctx, d, n, log)
}

// dial makes a client.
func (d *door) dial(ctx context.Context, dataDir string) (*api.Client, error) {
	if d == nil {
		return api.Dial(ctx, dataDir)
	}
	return api.Via(d.knock, dataDir), nil
}

func (d *door) knock(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case d.knocks <- there:
		return here, nil
	case <-d.closed:
		return nil, api.ErrNotRunning
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.knocks:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

// Addr implements net.Listener.
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "in this process", Net: "unix"} }
