package fabric

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// conn is one end of a stream.
type conn struct {
	local, remote *Port
	in, out       *pipe
	read, write   deadline
	once          sync.Once
	ended         chan struct{} // closed by Close and reset
}

// connect makes both ends of a stream.
func connect(a, b *Port) (*conn, *conn) {
	there, back := newPipe(a, b), newPipe(b, a)
	x := &conn{local: a, remote: b, in: back, out: there, ended: make(chan struct{})}
	y := &conn{local: b, remote: a, in: there, out: back, ended: make(chan struct{})}
	a.fabric.mu.Lock()
	defer a.fabric.mu.Unlock()
	a.conns[x], b.conns[y] = true, true
	return x, y
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b, c.ended, c.read.done())
	return n, c.opError("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b, c.ended, c.write.done())
	return n, c.opError("write", err)
}

func (c *conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "memory", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Close implements net.Conn. What was written still arrives.
func (c *conn) Close() error {
	c.end(func() {
		c.out.finish()
		// While the way is cut the other end can't know.
		if open, _ := c.local.fabric.open(c.local, c.remote); open {
			c.in.abandon(syscall.EPIPE)
		}
	})
	return nil
}

// reset breaks the stream for both ends.
func (c *conn) reset() {
	c.end(func() {})
	c.out.abandon(syscall.ECONNRESET)
	c.in.abandon(syscall.ECONNRESET)
}

// end runs what ends the stream once.
func (c *conn) end(how func()) {
	c.once.Do(func() {
		how()
		close(c.ended)
		c.read.set(time.Time{})
		c.write.set(time.Time{})
		c.local.fabric.mu.Lock()
		delete(c.local.conns, c)
		c.local.fabric.mu.Unlock()
	})
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local.addr() }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote.addr() }

// LocalMultiaddr implements manet.Conn.
func (c *conn) LocalMultiaddr() ma.Multiaddr { return c.local.multiaddr() }

// RemoteMultiaddr implements manet.Conn.
func (c *conn) RemoteMultiaddr() ma.Multiaddr { return c.remote.multiaddr() }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { c.read.set(t); return nil }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { c.write.set(t); return nil }

// address is a /memory address as net.Addr.
type address int

// Network implements net.Addr.
func (address) Network() string { return "memory" }

// String implements net.Addr.
func (a address) String() string { return fmt.Sprintf("/memory/%d", int(a)) }

func (p *Port) addr() net.Addr { return address(p.number) }

func (p *Port) multiaddr() ma.Multiaddr { return ma.StringCast(address(p.number).String()) }

// deadline is a time that can be moved while somebody waits for it. The zero
// value never comes.
type deadline struct {
	mu    sync.Mutex
	moves int // how often it was moved
	timer *time.Timer
	over  chan struct{} // closed when the time came; nil: nobody asked yet
}

// done gives what is closed when the deadline is over.
func (d *deadline) done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channel()
}

// channel gives over, made if there is none. The caller holds mu.
func (d *deadline) channel() chan struct{} {
	if d.over == nil {
		d.over = make(chan struct{})
	}
	return d.over
}

// set moves the deadline; the zero time takes it away.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moves++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if isClosed(d.over) {
		d.over = nil // who waited knows it
	}
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		close(d.channel())
		return
	}
	move := d.moves
	d.timer = time.AfterFunc(wait, func() { d.expire(move) })
}

// expire ends the wait, unless the deadline was moved meanwhile.
func (d *deadline) expire(move int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moves == move {
		close(d.channel())
	}
}

// isClosed tells whether a channel that nobody sends on is closed; nil isn't.
func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// errTimeout is what net.Conn gives when a deadline passed.
var errTimeout error = os.ErrDeadlineExceeded
