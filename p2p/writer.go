package p2p

import (
	"context"
	"fmt"
	"sync"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Writer sends the body of one share: data, manifest, crosscheck. It is used by
// one goroutine, but for Abort, which any may call. End it with Finish or Abort.
type Writer struct {
	host *Host
	ctx  context.Context // of Host.Write
	s    network.Stream
	stop func() bool // takes back the reset at the end of ctx

	// Owned by the user's goroutine.
	left  potluck.Size
	timer timer
	ended bool

	// Written by listen before answered is closed, read after.
	answered chan struct{}
	response WriteResponse
	err      error

	abort sync.Once
}

// Write opens the sending of one share to p: the request goes out at once and
// the body may follow without waiting. The end of ctx, which covers all of the
// sending, resets the stream.
func (h *Host) Write(ctx context.Context, p peer.ID, w WriteRequest) (*Writer, error) {
	request, err := encode(w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ProtocolWrite, err)
	}
	s, err := h.open(ctx, p, exchangeWrite)
	if err != nil {
		return nil, err
	}
	out := &Writer{
		host: h, ctx: ctx, s: s, left: w.BodyLen(),
		stop:     context.AfterFunc(ctx, func() { _ = s.Reset() }),
		timer:    timer{idle: h.limits.BulkIdle, set: s.SetWriteDeadline},
		answered: make(chan struct{}),
	}
	if err := writeMessage(s, appendFrame(nil, request), h.limits.ControlIdle); err != nil {
		out.Abort()
		return nil, blame(ctx, exchangeWrite, err)
	}
	// Ends with the stream: with its answer, or when Finish, Abort, a failed
	// Write or the end of ctx resets it or sets its deadline.
	go out.listen()
	return out, nil
}

// listen waits for the answer while the body is being sent, so that a refusal
// stops the sending at once: the deadline in the past wakes a blocked Write.
func (w *Writer) listen() {
	data, err := readFrame(w.s, exchangeWrite.answer, func() error { return nil })
	if err == nil {
		w.response, w.err = openAnswer[WriteResponse](data)
	} else {
		w.err = cut(err)
	}
	if w.err == nil {
		w.err = expectEnd(w.s, w.host.limits.ControlIdle)
	}
	close(w.answered) // before the deadline: Write arms its own, then looks here
	_ = w.s.SetWriteDeadline(time.Unix(1, 0))
}

// Write sends raw bytes and returns when the stream has taken them: a host that
// doesn't read is felt here. It borrows p. The error is the host's own
// (*potluck.Refusal, *Error) when it answered early; after any error the stream
// is gone.
func (w *Writer) Write(p []byte) (n int, err error) {
	if w.ended {
		return 0, fmt.Errorf("%s: %w", ProtocolWrite, ErrClosed)
	}
	if potluck.Size(len(p)) > w.left {
		w.Abort()
		return 0, fmt.Errorf("%s: %d bytes beyond the announced body", ProtocolWrite, potluck.Size(len(p))-w.left)
	}
	for n < len(p) {
		if err := w.timer.arm(); err != nil {
			return n, w.fail(err)
		}
		select {
		case <-w.answered: // asked after arming, so that listen's deadline stands
			return n, w.fail(nil)
		default:
		}
		done, err := w.timer.write(w.s, p[n:])
		n += done
		w.left -= potluck.Size(done)
		if err != nil {
			return n, w.fail(err)
		}
	}
	return n, nil
}

// fail ends the stream after a failed write and gives the reason: the host's
// answer if there is one, else cause.
func (w *Writer) fail(cause error) error {
	if cause != nil && isTimeout(cause) {
		select {
		case <-w.answered:
		default:
			w.Abort() // a true stall: there is nothing to listen for
		}
	}
	if cause != nil {
		_ = w.s.SetReadDeadline(time.Now().Add(w.host.limits.ControlIdle))
	}
	<-w.answered
	w.Abort()
	switch {
	case w.err == nil:
		return fmt.Errorf("%s: %w: answered before the body was sent", ProtocolWrite, ErrProtocol)
	case cause == nil || isAnswer(w.err):
		cause = w.err
	}
	return blame(w.ctx, exchangeWrite, cause)
}

// Finish ends the body, which must be complete, and waits until the host says
// that the share is durable, at most Limits.Answer. The stream is gone afterwards.
func (w *Writer) Finish(ctx context.Context) (WriteResponse, error) {
	if w.ended {
		return WriteResponse{}, fmt.Errorf("%s: %w", ProtocolWrite, ErrClosed)
	}
	if w.left > 0 {
		w.Abort()
		return WriteResponse{}, fmt.Errorf("%s: %d bytes of the announced body are missing", ProtocolWrite, w.left)
	}
	defer w.Abort()
	stop := context.AfterFunc(ctx, func() { _ = w.s.Reset() })
	defer stop()
	// An error here means that the stream is broken: listen knows more.
	_ = w.s.CloseWrite()
	_ = w.s.SetReadDeadline(time.Now().Add(w.host.wait(exchangeWrite)))
	<-w.answered
	if w.err != nil {
		if ctx.Err() != nil {
			return WriteResponse{}, blame(ctx, exchangeWrite, w.err)
		}
		return WriteResponse{}, blame(w.ctx, exchangeWrite, w.err)
	}
	w.ended = true
	w.stop()
	_ = w.s.Close()
	return w.response, nil
}

// Abort gives the sending up and frees the stream. It may be called more than
// once and after Finish, and does nothing then.
func (w *Writer) Abort() {
	w.abort.Do(func() {
		w.stop()
		_ = w.s.Reset()
	})
}
