package p2p

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// conns follows every connection from before its first stream to its end, so
// that what is done for a peer ends with its connection, and strangers don't stay.
type conns struct {
	gate         Gate
	strangers    int           // ceiling
	strangerTime time.Duration // how long one may stay

	mu     sync.Mutex
	open   map[network.Conn]*tie
	among  int // strangers in open
	closed bool
}

// tie is one connection. ctx ends with it.
type tie struct {
	ctx      context.Context
	cancel   context.CancelFunc
	stranger *time.Timer // nil for the admitted
}

func newConns(g Gate, l Limits) *conns {
	return &conns{gate: g, strangers: l.Strangers, strangerTime: l.StrangerTime, open: make(map[network.Conn]*tie)}
}

// roomForStranger tells whether one more stranger may come in. add decides.
func (c *conns) roomForStranger() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.strangersFit()
}

// strangersFit tells whether one more stranger fits in. When none does, those
// that became friends since they came are counted anew. The caller holds mu.
func (c *conns) strangersFit() bool {
	if c.among < c.strangers {
		return true
	}
	for conn, t := range c.open {
		if t.stranger != nil && c.gate.Admits(conn.RemotePeer()) {
			c.settle(t)
		}
	}
	return c.among < c.strangers
}

// settle counts a stranger out: it is admitted, or gone. The caller holds mu.
func (c *conns) settle(t *tie) {
	t.stranger.Stop()
	t.stranger = nil
	c.among--
}

// add counts a connection in, unless there are too many strangers. It is called
// before any stream of it is served.
func (c *conns) add(conn network.Conn, admitted bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !admitted && !c.strangersFit() {
		return false
	}
	t := &tie{}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	if !admitted {
		c.among++
		// The timer's goroutine ends at once; remove and close stop it.
		t.stranger = time.AfterFunc(c.strangerTime, func() { c.expel(conn) })
	}
	c.open[conn] = t
	return true
}

// expel closes the connection of a stranger that didn't come to be admitted.
func (c *conns) expel(conn network.Conn) {
	if !c.gate.Admits(conn.RemotePeer()) {
		_ = conn.Close()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.open[conn]; t != nil && t.stranger != nil {
		c.settle(t)
	}
}

// recheck closes the connections of peers that are admitted no more, and lets
// strangers that are admitted now stay.
func (c *conns) recheck() {
	c.mu.Lock()
	var out []network.Conn
	for conn, t := range c.open {
		admitted := c.gate.Admits(conn.RemotePeer())
		switch {
		case admitted && t.stranger != nil:
			c.settle(t)
		case !admitted && t.stranger == nil:
			out = append(out, conn)
		}
	}
	c.mu.Unlock()
	// Closing calls back into remove.
	for _, conn := range out {
		_ = conn.Close()
	}
}

// remove counts a connection out.
func (c *conns) remove(conn network.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open[conn]
	if t == nil {
		return
	}
	delete(c.open, conn)
	t.cancel()
	if t.stranger != nil {
		c.settle(t)
	}
}

// context gives the context that ends with conn.
func (c *conns) context(conn network.Conn) (context.Context, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.open[conn]
	if t == nil {
		return nil, false
	}
	return t.ctx, true
}

// close ends all contexts and timers, and lets nobody in any more.
func (c *conns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn, t := range c.open {
		t.cancel()
		if t.stranger != nil {
			t.stranger.Stop()
		}
		delete(c.open, conn)
	}
}

// Disconnected implements network.Notifiee.
func (c *conns) Disconnected(_ network.Network, conn network.Conn) { c.remove(conn) }

// Connected implements network.Notifiee; add was called before.
func (c *conns) Connected(network.Network, network.Conn) {}

// Listen implements network.Notifiee.
func (c *conns) Listen(network.Network, ma.Multiaddr) {}

// ListenClose implements network.Notifiee.
func (c *conns) ListenClose(network.Network, ma.Multiaddr) {}
