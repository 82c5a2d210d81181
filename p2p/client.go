package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Quote asks how many bytes p would take now. Nothing is reserved.
func (h *Host) Quote(ctx context.Context, p peer.ID, q QuoteRequest) (QuoteResponse, error) {
	return ask[QuoteResponse](ctx, h, p, exchangeQuote, q)
}

// Allocate reserves room for shares at p, all or none. A grant is checked to
// belong to the number that was asked for.
func (h *Host) Allocate(ctx context.Context, p peer.ID, a AllocateRequest) (AllocateResponse, error) {
	r, err := ask[AllocateResponse](ctx, h, p, exchangeAllocate, a)
	if err != nil {
		return r, err
	}
	if len(r.Grants) != len(a.Numbers) {
		return AllocateResponse{}, fmt.Errorf("allocate: %w: %d grants for %d shares", ErrProtocol, len(r.Grants), len(a.Numbers))
	}
	for i, g := range r.Grants {
		if g.Number != a.Numbers[i] {
			return AllocateResponse{}, fmt.Errorf("allocate: %w: grant of share %d where %d was asked for", ErrProtocol, g.Number, a.Numbers[i])
		}
	}
	return r, nil
}

// Have asks which shares p holds of some share sets.
func (h *Host) Have(ctx context.Context, p peer.ID, q HaveRequest) (HaveResponse, error) {
	r, err := ask[HaveResponse](ctx, h, p, exchangeHave, q)
	if err == nil && len(r.Sets) != len(q.Indexes) {
		return HaveResponse{}, fmt.Errorf("have: %w: %d sets for %d indexes", ErrProtocol, len(r.Sets), len(q.Indexes))
	}
	return r, err
}

// Cancel gives up leases at p.
func (h *Host) Cancel(ctx context.Context, p peer.ID, c CancelRequest) (CancelResponse, error) {
	return ask[CancelResponse](ctx, h, p, exchangeCancel, c)
}

// Renew asks p to keep all leases of this node.
func (h *Host) Renew(ctx context.Context, p peer.ID, r RenewRequest) (RenewResponse, error) {
	return ask[RenewResponse](ctx, h, p, exchangeRenew, r)
}

// Join accepts p's invite. Connect first: p needs to be no friend for that.
func (h *Host) Join(ctx context.Context, p peer.ID, j JoinRequest) (JoinResponse, error) {
	return ask[JoinResponse](ctx, h, p, exchangeJoin, j)
}

// ask sends one request on a new stream and waits for the answer. The end of
// ctx resets the stream.
func ask[A message](ctx context.Context, h *Host, p peer.ID, x exchange, q message) (answer A, err error) {
	request, err := encode(q)
	if err != nil {
		return answer, fmt.Errorf("%s: %w", x.id, err)
	}
	s, err := h.open(ctx, p, x)
	if err != nil {
		return answer, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	answer, err = converse[A](h, s, x, request)
	if err != nil {
		_ = s.Reset()
		return answer, blame(ctx, x, err)
	}
	_ = s.Close()
	return answer, nil
}

// converse writes a request, ends this side, and reads the answer and its end.
func converse[A message](h *Host, s network.Stream, x exchange, request []byte) (answer A, err error) {
	if err := writeMessage(s, appendFrame(nil, request), h.limits.ControlIdle); err != nil {
		// A peer that refuses early may stop to listen; its answer tells why.
		if early, ok := readEarly[A](h, s, x); ok {
			return answer, early
		}
		return answer, err
	}
	if err := s.CloseWrite(); err != nil {
		return answer, err
	}
	data, err := readMessage(s, x.answer, h.wait(x))
	if err != nil {
		return answer, cut(err)
	}
	answer, err = openAnswer[A](data)
	if err != nil {
		return answer, err
	}
	return answer, expectEnd(s, h.limits.ControlIdle)
}

// readEarly gives the error that a peer answered before the request was sent.
func readEarly[A message](h *Host, s network.Stream, x exchange) (error, bool) {
	data, err := readMessage(s, x.answer, h.limits.ControlIdle)
	if err != nil {
		return nil, false
	}
	_, err = openAnswer[A](data)
	return err, err != nil
}

// wait is how long the answer of x may take.
func (h *Host) wait(x exchange) time.Duration {
	if x.durable {
		return max(h.limits.Answer, h.limits.ControlIdle)
	}
	return h.limits.ControlIdle
}

// open makes a stream; it dials p when its address is known and it isn't connected.
func (h *Host) open(ctx context.Context, p peer.ID, x exchange) (network.Stream, error) {
	if err := ctx.Err(); err != nil {
		return nil, blame(ctx, x, err)
	}
	opening, cancel := context.WithTimeout(ctx, h.limits.Dial+h.limits.ControlIdle)
	defer cancel()
	s, err := h.basic.NewStream(opening, p, x.id)
	if err != nil {
		if ctx.Err() == nil && h.lacks(p, x) {
			return nil, errUnsupported
		}
		if ctx.Err() == nil && opening.Err() != nil {
			err = fmt.Errorf("%w: %w", ErrTimeout, err)
		}
		return nil, blame(ctx, x, err)
	}
	return s, nil
}

// lacks tells whether p is connected, has said what it speaks, and x isn't
// among that: an older program.
func (h *Host) lacks(p peer.ID, x exchange) bool {
	spoken, err := h.swarm.Peerstore().GetProtocols(p)
	return err == nil && len(spoken) > 0 && !slices.Contains(spoken, x.id) && h.Connected(p)
}

// blame gives err the meaning that callers look for: the peer's own answer as
// it is, the end of the context, or one of the transport errors.
func blame(ctx context.Context, x exchange, err error) error {
	if isAnswer(err) {
		return err
	}
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return fmt.Errorf("%s: %w: %w", x.id, ErrTimeout, ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", x.id, ctx.Err())
	case errors.Is(err, ErrProtocol), errors.Is(err, ErrTimeout), errors.Is(err, ErrClosed):
		return fmt.Errorf("%s: %w", x.id, err)
	case errors.Is(err, errTooLong), errors.Is(err, errEncoding):
		return fmt.Errorf("%s: %w: %w", x.id, ErrProtocol, err)
	case isTimeout(err):
		return fmt.Errorf("%s: %w: %w", x.id, ErrTimeout, err)
	}
	return fmt.Errorf("%s: %w: %w", x.id, ErrUnreachable, err)
}
