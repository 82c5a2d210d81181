package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// serveRead serves ProtocolRead: a request, an answer, raw bytes.
func (h *Host) serveRead(k Keeper) {
	x := exchangeRead
	h.handle(x, func(ctx context.Context, from peer.ID, s network.Stream) error {
		r, err := takeAll[ReadRequest](h, s, x)
		if err != nil {
			return err
		}
		length, send, err := k.Read(ctx, from, r)
		if err != nil {
			return err
		}
		return h.sendBody(ctx, s, x, length, send)
	})
}

// sendBody writes the answer and the bytes behind it. After the answer every
// failure is a reset: the asker counts bytes and sees the end only when all are
// there. send is called in every case, so that it can release what it holds.
func (h *Host) sendBody(ctx context.Context, s network.Stream, x exchange, length potluck.Size, send func(context.Context, io.Writer) error) error {
	frame, err := sealAnswer(readResponse{Length: length}, x.answer)
	if err != nil {
		h.callOff(ctx, send, err)
		return fmt.Errorf("our answer: %w", err)
	}
	if err := writeMessage(s, frame, h.limits.ControlIdle); err != nil {
		h.callOff(ctx, send, err)
		return fmt.Errorf("%w: write the answer: %w", errAborted, err)
	}
	out := &sink{s: s, left: length, timer: timer{idle: h.limits.BulkIdle, set: s.SetWriteDeadline}}
	err = h.guard(x, s.Conn().RemotePeer(), func() error { return send(ctx, out) })
	switch {
	case out.err != nil:
		return fmt.Errorf("%w: %w", errAborted, out.err)
	case err != nil:
		var known *Error
		if !errors.As(err, &known) && ctx.Err() == nil {
			h.log.Error("sending broke off", "protocol", x.id, "peer", s.Conn().RemotePeer(), "left", int64(out.left), "err", err)
		}
		return fmt.Errorf("%w: %w", errAborted, err)
	case out.left != 0:
		h.log.Error("keeper sent too little", "protocol", x.id, "peer", s.Conn().RemotePeer(), "left", int64(out.left))
		return fmt.Errorf("%w: %d bytes short", errAborted, out.left)
	}
	if err := s.CloseWrite(); err != nil {
		return fmt.Errorf("%w: %w", errAborted, err)
	}
	return nil
}

// callOff calls send with a context that is over.
func (h *Host) callOff(ctx context.Context, send func(context.Context, io.Writer) error, cause error) {
	over, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	_ = send(over, io.Discard) // its error is the cause's consequence
}

// sink takes exactly left raw bytes for the asker.
type sink struct {
	s     network.Stream
	left  potluck.Size
	timer timer
	err   error // sticky: the stream's, or too many bytes
}

// Write implements io.Writer.
func (k *sink) Write(p []byte) (n int, err error) {
	if k.err == nil && potluck.Size(len(p)) > k.left {
		k.err = fmt.Errorf("keeper sent %d bytes beyond the announced length", potluck.Size(len(p))-k.left)
	}
	for n < len(p) && k.err == nil {
		if k.err = k.timer.arm(); k.err != nil {
			break
		}
		var done int
		done, k.err = k.timer.write(k.s, p[n:])
		n += done
		k.left -= potluck.Size(done)
	}
	return n, k.err
}

// ReadFrom copies r with one pooled buffer.
func (k *sink) ReadFrom(r io.Reader) (total int64, err error) {
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{k}, struct{ io.Reader }{r}, buf[:]) // without their own shortcuts, which lead back here
}
