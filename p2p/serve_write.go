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

// serveWrite serves ProtocolWrite: a request, raw bytes, an answer.
func (h *Host) serveWrite(k Keeper) {
	x := exchangeWrite
	h.handle(x, func(ctx context.Context, from peer.ID, s network.Stream) error {
		w, err := take[WriteRequest](h, s, x)
		if err != nil {
			return err
		}
		b := &body{s: s, left: w.BodyLen(), timer: timer{idle: h.limits.BulkIdle, set: s.SetReadDeadline}}
		answer, err := k.Write(ctx, from, w, b)
		switch {
		case errors.Is(b.err, errEncoding):
			return h.reject(x, s, CodeBadRequest, b.err)
		case b.err != nil && b.err != io.EOF:
			return fmt.Errorf("%w: read the body: %w", errStream, b.err)
		case err != nil:
			return err
		}
		// A keeper that needs no more of the body lets the asker finish it.
		if err := b.discard(); err != nil {
			return fmt.Errorf("%w: read the rest of the body: %w", errStream, err)
		}
		return h.give(s, x, answer)
	})
}

// body gives a keeper the raw bytes of a write: exactly left of them, and the
// last ones only when nothing follows.
type body struct {
	s     network.Stream
	left  potluck.Size
	timer timer
	err   error // sticky; io.EOF after the last byte
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		b.err = b.end()
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if potluck.Size(len(p)) > b.left {
		p = p[:b.left]
	}
	if err := b.timer.arm(); err != nil {
		b.err = err
		return 0, err
	}
	n, err = b.s.Read(p)
	b.left -= potluck.Size(n)
	switch {
	case err == io.EOF && b.left > 0:
		b.err = fmt.Errorf("%w: body ends %d bytes early: %w", errEncoding, b.left, io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		b.err = err
	case b.left == 0:
		b.err = b.end()
	}
	if b.err != nil && b.err != io.EOF {
		return 0, b.err
	}
	return n, b.err
}

// end gives io.EOF when the asker ended its side and sent nothing more.
func (b *body) end() error {
	if err := expectEnd(b.s, b.timer.idle); err != nil {
		return err
	}
	return io.EOF
}

// discard reads the rest.
func (b *body) discard() error {
	buf := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(buf)
	for {
		if _, err := b.Read(buf[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
