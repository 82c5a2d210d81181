package fabric

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// backlog is how many streams may wait to be accepted.
const backlog = 128

// listener takes the streams to one node.
type listener struct {
	port   *Port
	queue  chan *conn
	closed chan struct{}
	once   sync.Once
}

// Addr is the node's own /memory address.
func (p *Port) Addr() string { return p.addr().String() }

// Listen takes streams at the node's own address. There is one listener at a time.
func (p *Port) Listen(at ma.Multiaddr) (manet.Listener, error) {
	if at.String() != p.Addr() {
		return nil, fmt.Errorf("listen on %v: this node's address is %s", at, p.Addr())
	}
	l := &listener{port: p, queue: make(chan *conn, backlog), closed: make(chan struct{})}
	p.fabric.mu.Lock()
	defer p.fabric.mu.Unlock()
	if p.listener != nil {
		return nil, fmt.Errorf("listen on %v: %w", at, syscall.EADDRINUSE)
	}
	p.listener = l
	return l, nil
}

// Dial connects to another node. It waits while the way there is cut.
func (p *Port) Dial(ctx context.Context, to ma.Multiaddr) (manet.Conn, error) {
	fail := func(err error) (manet.Conn, error) { return nil, fmt.Errorf("dial %v: %w", to, err) }
	there, err := p.fabric.find(to)
	if err != nil {
		return fail(err)
	}
	for {
		open, changed := p.fabric.open(p, there)
		if open {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fail(ctx.Err())
		}
	}
	if err := pause(ctx, 2*latency(p, there)); err != nil {
		return fail(err)
	}
	p.fabric.mu.Lock()
	l := there.listener
	p.fabric.mu.Unlock()
	if l == nil {
		return fail(syscall.ECONNREFUSED)
	}
	here, other := connect(p, there)
	select {
	case l.queue <- other:
		return here, nil
	case <-l.closed:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	here.reset()
	other.reset()
	return fail(err)
}

// find gives the node at an address.
func (f *Fabric) find(at ma.Multiaddr) (*Port, error) {
	text, err := at.ValueForProtocol(ma.P_MEMORY)
	if err != nil {
		return nil, fmt.Errorf("not an address in memory: %w", err)
	}
	number, err := strconv.ParseUint(text, 10, 31)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil || number < 1 || int(number) > len(f.ports) {
		return nil, fmt.Errorf("there is nothing at /memory/%s: %w", text, syscall.EHOSTUNREACH)
	}
	return f.ports[number-1], nil
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Accept implements manet.Listener.
func (l *listener) Accept() (manet.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements manet.Listener. Streams that weren't accepted are broken.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.port.fabric.mu.Lock()
		l.port.listener = nil
		l.port.fabric.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.queue:
				c.reset()
				continue
			default:
			}
			return
		}
	})
	return nil
}

// Addr implements manet.Listener.
func (l *listener) Addr() net.Addr { return l.port.addr() }

// Multiaddr implements manet.Listener.
func (l *listener) Multiaddr() ma.Multiaddr { return l.port.multiaddr() }
