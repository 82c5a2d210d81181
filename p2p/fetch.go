package p2p

import (
	"context"
	"fmt"
	"io"
	"sync"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Read asks p for a part of a share. length is what p announced: the caller
// compares it with what it must be. body gives exactly length bytes, then
// io.EOF; a transfer that broke off ends with another error, never with io.EOF.
// Nothing of it is verified. The end of ctx resets the stream; body must be
// closed.
func (h *Host) Read(ctx context.Context, p peer.ID, r ReadRequest) (length potluck.Size, body io.ReadCloser, err error) {
	request, err := encode(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", ProtocolRead, err)
	}
	s, err := h.open(ctx, p, exchangeRead)
	if err != nil {
		return 0, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	answer, err := h.beginRead(s, request)
	if err != nil {
		stop()
		_ = s.Reset()
		return 0, nil, blame(ctx, exchangeRead, err)
	}
	return answer.Length, &fetched{
		ctx: ctx, s: s, stop: stop, left: answer.Length,
		host:  h,
		timer: timer{idle: h.limits.BulkIdle, set: s.SetReadDeadline},
	}, nil
}

// beginRead sends the request and reads the message that stands before the bytes.
func (h *Host) beginRead(s network.Stream, request []byte) (answer readResponse, err error) {
	if err := writeMessage(s, appendFrame(nil, request), h.limits.ControlIdle); err != nil {
		if early, ok := readEarly[readResponse](h, s, exchangeRead); ok {
			return answer, early
		}
		return answer, err
	}
	if err := s.CloseWrite(); err != nil {
		return answer, err
	}
	data, err := readMessage(s, exchangeRead.answer, h.wait(exchangeRead))
	if err != nil {
		return answer, cut(err)
	}
	return openAnswer[readResponse](data)
}

// fetched is the body of a read.
type fetched struct {
	host *Host
	ctx  context.Context
	s    network.Stream
	stop func() bool

	// Owned by the reading goroutine.
	left  potluck.Size
	timer timer
	err   error // sticky

	close sync.Once
}

// Read gives bytes as they come.
func (f *fetched) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.left == 0 {
		f.err = f.end()
		return 0, f.err
	}
	if potluck.Size(len(p)) > f.left {
		p = p[:f.left]
	}
	if err := f.timer.arm(); err != nil {
		f.err = blame(f.ctx, exchangeRead, err)
		return 0, f.err
	}
	n, err := f.s.Read(p)
	f.left -= potluck.Size(n)
	if err != nil && (err != io.EOF || f.left > 0) {
		f.err = blame(f.ctx, exchangeRead, cut(err))
		return n, f.err
	}
	return n, nil
}

// end checks that the host ended its side where it said.
func (f *fetched) end() error {
	if err := expectEnd(f.s, f.host.limits.ControlIdle); err != nil {
		return blame(f.ctx, exchangeRead, err)
	}
	return io.EOF
}

// WriteTo copies all of the body with one pooled buffer.
func (f *fetched) WriteTo(w io.Writer) (total int64, err error) {
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{f}, buf[:]) // without their own shortcuts, which lead back here
}

// Close frees the stream; before the end it resets it. It may be called by any
// goroutine, more than once.
func (f *fetched) Close() error {
	f.close.Do(func() {
		f.stop()
		_ = f.s.Reset() // nothing of ours is on its way any more
	})
	return nil
}
