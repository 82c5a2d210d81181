package p2p

import (
	"context"
	"encoding/binary"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
)

const (
	// gatherFrom is the length from which a write makes more than one TLS record.
	gatherFrom = 16 << 10
	// gatherMessage is the most that the muxer writes at once: a block of a large
	// file, and the muxer's header.
	gatherMessage = bulkStride + 12
	// gatherRoom holds the records of one write of the muxer: a message, and what
	// TLS adds.
	gatherRoom = gatherMessage + 4<<10
	// readRoom is the most that is taken from the socket at once.
	readRoom = 64 << 10
	// recordHeader is the length of the header of a TLS record: the kind, the
	// version, and the length of what follows, which are 1, 2 and 2 bytes.
	recordHeader = 5
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

// Read gives bytes of one record. Who asks for more than a record knows that so
// many will come, as the muxer does once it has the header of a message.
func (c *gatheringConn) Read(p []byte) (int, error) {
	c.raw.expect(len(p))
	return c.SecureConn.Read(p)
}

// gathered is the socket beneath: between hold and let, writes are kept. It gives
// what was read record by record, so that TLS never has more of the stream than
// it asked for, and how much must still come is known.
type gathered struct {
	*socket

	// Owned by the reading goroutine.
	in       []byte // read and not yet given on is in[head:tail]
	head     int
	tail     int
	given    int // bytes of the record that were given on
	record   int // bytes of the record, header included; 0: its header comes next
	expected int // at least so many bytes come

	mu   sync.Mutex // alerts are written by whoever closes
	held []byte
	keep bool
}

func newGathered(c net.Conn) *gathered {
	return &gathered{socket: newSocket(c), in: make([]byte, readRoom)}
}

// expect says that at least n bytes of content are to come, if n is more than
// one record has.
func (g *gathered) expect(n int) {
	g.expected = 0
	if n > gatherFrom {
		g.expected = n - g.given
	}
}

// Read gives the rest of the record, or as much of it as has come.
func (g *gathered) Read(p []byte) (int, error) {
	for g.head == g.tail || g.record == 0 && g.tail-g.head < recordHeader {
		if err := g.fill(); err != nil {
			return 0, err
		}
	}
	if g.record == 0 {
		g.record = recordHeader + int(binary.BigEndian.Uint16(g.in[g.head+3:]))
	}
	n := copy(p, g.in[g.head:min(g.tail, g.head+g.record-g.given)])
	g.head += n
	g.expected -= n
	if g.given += n; g.given == g.record {
		g.given, g.record = 0, 0
	}
	return n, nil
}

// fill waits for bytes: for all that must come, or for the first.
func (g *gathered) fill() error {
	g.tail = copy(g.in, g.in[g.head:g.tail])
	g.head = 0
	n, err := g.readSome(g.in[g.tail:], g.expected-g.tail)
	g.tail += n
	if n > 0 {
		return nil
	}
	return err
}

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
	_, err := g.writeAll(g.held)
	g.held = g.held[:0]
	return err
}
