package p2p

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Draining after an early answer is bounded in bytes and time.
const (
	drainBytes = 4 << 20
	drainTime  = 5 * time.Second
)

// errAborted ends an exchange that was answered wrongly or not at all: the
// stream is reset, so that the asker never takes a part for the whole.
var errAborted = errors.New("exchange aborted")

// handle serves the streams of one exchange. serve answers one request; its
// error is sent to the asker if it can still be, see endWith.
func (h *Host) handle(x exchange, serve func(ctx context.Context, from peer.ID, s network.Stream) error) {
	h.basic.SetStreamHandler(x.id, func(s network.Stream) {
		from := s.Conn().RemotePeer()
		if !h.gate.mayUse(from, x.id) {
			_ = s.Reset()
			return
		}
		ctx, ok := h.conns.context(s.Conn())
		if !ok {
			_ = s.Reset()
			return
		}
		leave, err := h.streams.enter(from)
		if errors.Is(err, ErrClosed) {
			_ = s.Reset()
			return
		}
		if err == nil {
			defer leave()
			err = h.guard(x, from, func() error { return serve(ctx, from, s) })
		}
		h.endWith(ctx, s, x, from, err)
	})
}

// guard turns a panic of a handler into an error.
func (h *Host) guard(x exchange, from peer.ID, serve func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			h.log.Error("handler panicked", "protocol", x.id, "peer", from, "panic", r, "stack", string(debug.Stack()))
			err = &Error{Code: CodeInternal}
		}
	}()
	return serve()
}

// endWith ends a served stream. This is the one place that decides what a peer
// may know: refusals and errors of the table are sent, a peer that is gone or
// too slow is dropped without a word, the rest is "internal" there and logged
// in full here.
func (h *Host) endWith(ctx context.Context, s network.Stream, x exchange, from peer.ID, err error) {
	switch {
	case err == nil:
		_ = s.Close()
		return
	case ctx.Err() != nil, errors.Is(err, errAborted), isGone(err):
		h.log.Debug("exchange broke off", "protocol", x.id, "peer", from, "err", err)
		_ = s.Reset()
		return
	}
	answer, known := sealError(err)
	if !known {
		h.log.Error("request failed", "protocol", x.id, "peer", from, "err", err)
	}
	data, err := encode(envelope{Error: &answer})
	if err != nil {
		h.log.Error("answer can't be encoded", "protocol", x.id, "peer", from, "err", err)
		_ = s.Reset()
		return
	}
	if writeMessage(s, appendFrame(nil, data), h.limits.ControlIdle) != nil || s.CloseWrite() != nil {
		_ = s.Reset()
		return
	}
	h.drain(s)
	release(s)
}

// drain reads what the asker still sends until it has seen the answer and ends
// its side, so that the answer isn't lost; within bounds.
func (h *Host) drain(s network.Stream) {
	if s.SetReadDeadline(time.Now().Add(min(drainTime, h.limits.ControlIdle))) != nil {
		return
	}
	var buf [4 << 10]byte
	for total := 0; total < drainBytes; {
		n, err := s.Read(buf[:])
		total += n
		if err != nil {
			return
		}
	}
}

// isGone tells whether err means that the asker reset the stream, was too slow,
// or left.
func isGone(err error) bool {
	var reset *network.StreamError
	var broken *network.ConnError
	return errors.Is(err, network.ErrReset) || errors.As(err, &reset) || errors.As(err, &broken) ||
		errors.Is(err, errStream)
}

// errStream marks errors of a stream itself, as opposed to those of a keeper.
var errStream = errors.New("stream")

// take reads and checks the request of an exchange.
func take[Q message](h *Host, s network.Stream, x exchange) (q Q, err error) {
	data, err := readMessage(s, x.request, h.limits.ControlIdle)
	switch {
	case errors.Is(err, errTooLong):
		return q, h.reject(x, s, CodeTooLarge, err)
	case errors.Is(err, errEncoding):
		return q, h.reject(x, s, CodeBadRequest, err)
	case err != nil:
		return q, fmt.Errorf("%w: read the request: %w", errStream, err)
	}
	q, err = decode[Q](data)
	if err != nil {
		return q, h.reject(x, s, CodeBadRequest, err)
	}
	return q, nil
}

// reject says to our log what is wrong with a request and gives the error that
// says so much to the asker.
func (h *Host) reject(x exchange, s network.Stream, code Code, err error) error {
	h.log.Debug("bad request", "protocol", x.id, "peer", s.Conn().RemotePeer(), "err", err)
	return &Error{Code: code}
}

// takeAll is take for requests with nothing behind them.
func takeAll[Q message](h *Host, s network.Stream, x exchange) (q Q, err error) {
	q, err = take[Q](h, s, x)
	if err != nil {
		return q, err
	}
	err = expectEnd(s, h.limits.ControlIdle)
	if errors.Is(err, errEncoding) {
		return q, h.reject(x, s, CodeBadRequest, err)
	}
	if err != nil {
		return q, fmt.Errorf("%w: end of the request: %w", errStream, err)
	}
	return q, nil
}

// give writes an answer and ends our side.
func (h *Host) give(s network.Stream, x exchange, answer message) error {
	frame, err := sealAnswer(answer, x.answer)
	if r, ok := answer.(HaveResponse); ok && r.held() > MaxHeld || errors.Is(err, errTooLong) {
		return &Error{Code: CodeTooLarge}
	}
	if err != nil {
		return fmt.Errorf("our answer: %w", err)
	}
	if err := writeMessage(s, frame, h.limits.ControlIdle); err != nil {
		return fmt.Errorf("%w: write the answer: %w", errStream, err)
	}
	if err := s.CloseWrite(); err != nil {
		return fmt.Errorf("%w: end the answer: %w", errStream, err)
	}
	return nil
}

// serveControl serves an exchange of one request and one answer.
func serveControl[Q, A message](h *Host, x exchange, answer func(ctx context.Context, from peer.ID, q Q) (A, error)) {
	h.handle(x, func(ctx context.Context, from peer.ID, s network.Stream) error {
		q, err := takeAll[Q](h, s, x)
		if err != nil {
			return err
		}
		a, err := answer(ctx, from, q)
		if err != nil {
			return err
		}
		return h.give(s, x, a)
	})
}

// serve sets the handlers of all exchanges.
func (h *Host) serve(k Keeper, c Clerk, g Greeter) {
	if k == nil {
		k = refuser{}
	}
	if c == nil {
		c = refuser{}
	}
	if g == nil {
		g = refuser{}
	}
	serveControl(h, exchangeQuote, func(ctx context.Context, from peer.ID, q QuoteRequest) (QuoteResponse, error) {
		a, err := k.Quote(ctx, from, q)
		a.Free, a.Refusal = tellable(a.Free), saturated(a.Refusal)
		return a, err
	})
	serveControl(h, exchangeAllocate, k.Allocate)
	serveControl(h, exchangeStore, k.Store)
	serveControl(h, exchangeSliver, k.Sliver)
	serveControl(h, exchangeHave, k.Have)
	serveControl(h, exchangeCancel, k.Cancel)
	serveControl(h, exchangeRenew, k.Renew)
	serveControl(h, exchangeJoin, g.Join)
	h.serveClerk(c)
	h.serveWrite(k)
	h.serveRead(k)
}

// serveClerk sets the handlers of the exchanges about credit.
func (h *Host) serveClerk(c Clerk) {
	serveControl(h, exchangeDeliver, func(ctx context.Context, from peer.ID, d DeliverRequest) (DeliverResponse, error) {
		a, err := c.Deliver(ctx, from, d)
		if err == nil && len(a.Results) != len(d.Documents) {
			return a, fmt.Errorf("clerk gave %d results for %d documents", len(a.Results), len(d.Documents))
		}
		return a, err
	})
	serveControl(h, exchangeSync, c.Sync)
	serveControl(h, exchangeStatement, c.Propose)
	serveControl(h, exchangeAccount, func(ctx context.Context, from peer.ID, q AccountRequest) (AccountResponse, error) {
		a, err := c.Account(ctx, from, q)
		return a.saturated(), err
	})
	serveControl(h, exchangeNotice, c.Notice)
	serveControl(h, exchangeLoss, c.Loss)
	serveControl(h, exchangeAudience, c.Audience)
	serveControl(h, exchangeRanges, func(ctx context.Context, from peer.ID, r RangesRequest) (RangesResponse, error) {
		a, err := c.Ranges(ctx, from, r)
		if err == nil && len(a.Sums) != len(r.Spans) {
			return a, fmt.Errorf("clerk gave %d sums for %d spans", len(a.Sums), len(r.Spans))
		}
		for i := range a.Sums {
			a.Sums[i].Bytes = tellable(a.Sums[i].Bytes)
		}
		return a, err
	})
	serveControl(h, exchangeList, c.List)
}
