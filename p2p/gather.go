package p2p

import (
	"bufio"
	"context"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
)

const (
	// gatherFrom is the length from which a write makes more than one TLS record.
	gatherFrom = 16 << 10
	// gatherMessage is the most that the muxer writes at once.
	gatherMessage = 256 << 10
	// gatherRoom holds the records of one write of the muxer: a message, its
	// header, and what TLS adds.
	gatherRoom = gatherMessage + 4<<10
)

// gathering is a security transport of records, TLS, with fewer system calls:
// all records of one write go to the socket at once, and as many as have come
// are taken from it at once. Records have at most 16 KiB, so bulk costs a fraction
// of the calls, and the other end is woken less often.
type gathering struct{ sec.SecureTransport }

func (t gathering) SecureInbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	raw := newGathered(insecure)
	c, err := t.SecureTransport.SecureInbound(ctx, raw, p)
	if err != nil {
		return nil, err
	}
	return &gatheringConn{c, raw}, nil
}

func (t gathering) SecureOutbound(ctx context.Context, insecure net.Conn, p peer.ID) (sec.SecureConn, error) {
	raw := newGathered(insecure)
	c, err := t.SecureTransport.SecureOutbound(ctx, raw, p)
	if err != nil {
		return nil, err
	}
	return &gatheringConn{c, raw}, nil
}

// gatheringConn is the secured connection. One goroutine at a time writes to it:
// the muxer's.
type gatheringConn struct {
	sec.SecureConn
	raw *gathered
}

// Write returns when all records are with the socket. An error may come from
// any of them; the connection is of no use after it.
func (c *gatheringConn) Write(p []byte) (int, error) {
	if len(p) <= gatherFrom {
		return c.SecureConn.Write(p)
	}
	c.raw.hold()
	n, err := c.SecureConn.Write(p)
	if e := c.raw.let(); err == nil && e != nil {
		return 0, e
	}
	return n, err
}

// gathered is the socket beneath: between hold and let, writes are kept.
type gathered struct {
	net.Conn
	in *bufio.Reader // one goroutine at a time reads

	mu   sync.Mutex // alerts are written by whoever closes
	held []byte
	keep bool
}

func newGathered(c net.Conn) *gathered {
	return &gathered{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}
}

func (g *gathered) Read(p []byte) (int, error) { return g.in.Read(p) }

func (g *gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.keep {
		return g.Conn.Write(p)
	}
	g.held = append(g.held, p...)
	return len(p), nil
}

func (g *gathered) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil {
		g.held = make([]byte, 0, gatherRoom)
	}
	g.keep = true
}

// let writes what was kept.
func (g *gathered) let() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep = false
	_, err := g.Conn.Write(g.held)
	g.held = g.held[:0]
	return err
}
