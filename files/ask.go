package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
)

// holding is one share that a host says it has.
type holding struct {
	p2p.HeldShare
	host peer.ID
}

var errSilent = errors.New("no answer")

// patience is how long a search goes on for more holders once enough are known.
const patience = 300 * time.Millisecond

// ask asks hosts which shares of a file they hold, all at once, and returns what
// those say that answer within the stall time.
func (c *Client) ask(ctx context.Context, index potluck.StorageIndex, hosts []peer.ID, known *peers) []holding {
	var all []holding
	for h := range c.search(ctx, index, hosts, known) {
		all = append(all, h...)
	}
	return all
}

// search is ask as a stream: one send per host that answers; the channel is
// closed when all have answered or failed. It is buffered for all hosts, so
// nobody needs to drain it.
func (c *Client) search(ctx context.Context, index potluck.StorageIndex, hosts []peer.ID, known *peers) <-chan []holding {
	found := make(chan []holding, len(hosts))
	ctx, cancel := context.WithTimeoutCause(ctx, c.c.Stall, fmt.Errorf("%w within %v", errSilent, c.c.Stall))
	var wg sync.WaitGroup
	for _, host := range hosts {
		wg.Go(func() {
			answer, err := c.have(ctx, host, p2p.HaveRequest{Indexes: []potluck.StorageIndex{index}})
			if err == nil && len(answer.Sets) != 1 {
				err = fmt.Errorf("%w: %d answers to one question", p2p.ErrProtocol, len(answer.Sets))
			}
			if err != nil {
				known.fail(host, err)
				return
			}
			held := make([]holding, 0, len(answer.Sets[0].Shares))
			for _, s := range answer.Sets[0].Shares {
				held = append(held, holding{s, host})
			}
			found <- held
		})
	}
	go func() { // ends with the last answer, at the stall time at the latest
		wg.Wait()
		cancel()
		close(found)
	}()
	return found
}

func (c *Client) have(ctx context.Context, host peer.ID, q p2p.HaveRequest) (p2p.HaveResponse, error) {
	if host == c.c.Self {
		return c.c.Local.Have(ctx, host, q)
	}
	return c.c.Network.Have(ctx, host, q)
}

// open begins to read a part of a share, at a friend or in the own store.
func (c *Client) open(ctx context.Context, host peer.ID, q p2p.ReadRequest) (potluck.Size, io.ReadCloser, error) {
	if host != c.c.Self {
		return c.c.Network.Read(ctx, host, q)
	}
	length, send, err := c.c.Local.Read(ctx, host, q)
	if err != nil {
		return 0, nil, err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(send(ctx, w)) }() // ends when the reader closes, or ctx ends
	return length, r, nil
}

// A part may take fetchRounds stall times, and one more for each fetchStep bytes,
// as long as something comes in each: a crosscheck may be long, and a line slow.
const (
	fetchRounds = 4
	fetchStep   = 128 * potluck.KiB
)

// fetch reads a whole part of limit bytes.
func (c *Client) fetch(ctx context.Context, host peer.ID, q p2p.ReadRequest, limit potluck.Size) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rounds := fetchRounds + limit/fetchStep
	watch := newGuard(c.c.Stall, func(moved bool) bool {
		if rounds--; moved && rounds > 0 {
			return true
		}
		cancel(fmt.Errorf("%w within %v", errSilent, c.c.Stall))
		return false
	})
	watch.start()
	defer watch.pause()
	length, body, err := c.open(ctx, host, q)
	if err != nil {
		return nil, err
	}
	if length != limit {
		return nil, errors.Join(&wrongError{fmt.Sprintf("part %d has %d bytes, want %d", q.Part, length, limit)}, body.Close())
	}
	b := make([]byte, length)
	if _, err = io.ReadFull(moving{body, watch}, b); err != nil {
		return nil, errors.Join(fmt.Errorf("read part %d: %w", q.Part, err), body.Close())
	}
	return b, body.Close()
}

// wrongError says that a host answered with something that can't be right: it
// is blamed.
type wrongError struct{ text string }

func (e *wrongError) Error() string { return e.text }
