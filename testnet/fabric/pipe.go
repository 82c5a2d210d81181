package fabric

import (
	"io"
	"net"
	"sync"
	"time"
)

// window is how many bytes may be on their way in one direction of a stream, and
// chunk how many of them travel together.
const (
	window = 1 << 20
	chunk  = 64 << 10
)

// pipe is one direction of a stream.
type pipe struct {
	from, to *Port

	mu     sync.Mutex
	queue  []segment // in the order of arrival
	size   int       // bytes in queue
	last   time.Time // when the last of queue arrives
	broken error     // set: neither written nor read any more
	wake   chan struct{}
}

// segment is bytes on their way, or the end of them.
type segment struct {
	data []byte // nil: the end
	due  time.Time
}

func newPipe(from, to *Port) *pipe {
	return &pipe{from: from, to: to, wake: make(chan struct{})}
}

// woken wakes all who wait. The caller holds mu.
func (p *pipe) woken() {
	close(p.wake)
	p.wake = make(chan struct{})
}

// push puts a segment on its way. The caller holds mu.
func (p *pipe) push(data []byte) {
	due := p.from.fabric.send(p.from, p.to, len(data))
	if due.Before(p.last) {
		due = p.last // in order
	}
	p.last = due
	p.queue = append(p.queue, segment{data, due})
	p.size += len(data)
	p.woken()
}

// write hands bytes over; it waits while too many are on their way.
func (p *pipe) write(b []byte, ended, late <-chan struct{}) (n int, err error) {
	for {
		select {
		case <-ended:
			return n, net.ErrClosed
		case <-late:
			return n, errTimeout
		default:
		}
		p.mu.Lock()
		if p.broken != nil {
			p.mu.Unlock()
			return n, p.broken
		}
		for len(b) > 0 && p.size < window {
			part := b[:min(len(b), chunk, window-p.size)]
			p.push(append(make([]byte, 0, len(part)), part...))
			n, b = n+len(part), b[len(part):]
		}
		wake := p.wake
		p.mu.Unlock()
		if len(b) == 0 {
			return n, nil
		}
		select {
		case <-wake:
		case <-ended:
		case <-late:
		}
	}
}

// finish puts the end behind what was written.
func (p *pipe) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.push(nil)
	}
}

// abandon breaks the pipe: what is on its way is gone.
func (p *pipe) abandon(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken == nil {
		p.broken, p.queue, p.size = reason, nil, 0
		p.woken()
	}
}

// read takes bytes that have arrived; it waits for the first of them.
func (p *pipe) read(b []byte, ended, late <-chan struct{}) (int, error) {
	for {
		select {
		case <-ended:
			return 0, net.ErrClosed
		case <-late:
			return 0, errTimeout
		default:
		}
		if len(b) == 0 {
			return 0, nil
		}
		open, changed := p.from.fabric.open(p.from, p.to)
		n, wait, wake, err := p.take(b, open)
		if n > 0 || err != nil {
			return n, err
		}
		await(wait, wake, changed, ended, late)
	}
}

// take copies what has arrived, if the way is open. Otherwise it tells what to
// wait for: a time, if that is above 0, and what is closed at the next change.
func (p *pipe) take(b []byte, open bool) (n int, wait time.Duration, wake <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return 0, 0, nil, p.broken
	}
	for open && len(p.queue) > 0 && n < len(b) {
		s := &p.queue[0]
		if wait = time.Until(s.due); wait > 0 {
			break
		}
		if s.data == nil {
			if n == 0 {
				return 0, 0, nil, io.EOF
			}
			break
		}
		k := copy(b[n:], s.data)
		n += k
		p.size -= k
		if s.data = s.data[k:]; len(s.data) == 0 {
			p.queue[0] = segment{}
			p.queue = p.queue[1:]
		}
	}
	if n > 0 {
		p.woken()
	}
	return n, wait, p.wake, nil
}

// await returns when any of the channels is closed, or after a time above 0.
func await(wait time.Duration, wake, changed, ended, late <-chan struct{}) {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-wake:
	case <-changed:
	case <-ended:
	case <-late:
	}
}
