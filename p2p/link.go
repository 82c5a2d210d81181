package p2p

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

const (
	// bulkStep is the most raw bytes that one deadline covers: a peer that moves
	// fewer within BulkIdle is given up.
	bulkStep = 64 << 10
	// bulkStride takes its place after bytes that a peer took within quick: the
	// fewer pieces, the less often both ends are woken.
	bulkStride = 256 << 10
	quick      = time.Second
)

// copySize is the size of the pooled buffers for copies of raw bytes.
const copySize = 256 << 10

// copyBuffers holds *[copySize]byte.
var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// readMessage reads one frame; each 64 KiB of it have idle time to come.
func readMessage(s network.Stream, ceiling int, idle time.Duration) ([]byte, error) {
	return readFrame(s, ceiling, func() error { return s.SetReadDeadline(time.Now().Add(idle)) })
}

// writeMessage writes one frame; each 64 KiB of it have idle time to go.
func writeMessage(s network.Stream, frame []byte, idle time.Duration) error {
	for len(frame) > 0 {
		part := frame[:min(len(frame), frameStep)]
		if err := s.SetWriteDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		if _, err := s.Write(part); err != nil {
			return err
		}
		frame = frame[len(part):]
	}
	return nil
}

// expectEnd waits for the other side to end its half; anything else is an error.
func expectEnd(s network.Stream, idle time.Duration) error {
	if err := s.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return err
	}
	var b [1]byte
	switch n, err := s.Read(b[:]); {
	case n > 0:
		return fmt.Errorf("%w: bytes behind the message", errEncoding)
	case err == nil:
		return fmt.Errorf("%w: empty read", errEncoding)
	case err != io.EOF:
		return err
	}
	return nil
}

// timer re-arms a deadline, but not for every small read: the wait that it
// bounds lies between 7/8 of idle and idle. One goroutine uses it.
type timer struct {
	idle time.Duration
	set  func(time.Time) error
	last time.Time
	fast bool // the bytes before were taken within quick
}

// write writes as much of p as one deadline covers. The timer is armed already.
func (t *timer) write(w io.Writer, p []byte) (n int, err error) {
	size := bulkStep
	if t.fast {
		size = bulkStride
	}
	began := time.Now()
	n, err = w.Write(p[:min(size, len(p))])
	t.fast = time.Since(began) < quick
	return n, err
}

func (t *timer) arm() error {
	now := time.Now()
	if now.Sub(t.last) < t.idle/8 {
		return nil
	}
	t.last = now
	return t.set(now.Add(t.idle))
}

// isTimeout tells whether a deadline passed.
func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// release frees a stream whose write half was closed, and tells the other side
// to stop sending. What was written still arrives: over QUIC a reset would take
// it back, so there only the reading half is cancelled; over yamux, where
// closing says nothing to the other side, it is reset.
func release(s network.Stream) {
	if s.Conn().ConnState().Transport == "tcp" {
		_ = s.Reset()
		return
	}
	_ = s.Close()
}
