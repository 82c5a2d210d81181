package files

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
)

const (
	// quoteAge is how long a quote is believed: many small files in a row pay for
	// one round trip together.
	quoteAge = 10 * time.Second
	// quoteWait bounds the wait for quotes: a host that doesn't say how much it
	// would take is simply asked to take it.
	quoteWait = time.Second
)

// quotes keeps what hosts said that they would take. It is safe for concurrent
// use.
type quotes struct {
	mu sync.Mutex
	of map[peer.ID]*quote
}

// quote is what one host said, and what it has been given since it was asked.
type quote struct {
	asked   time.Time
	answer  chan struct{} // closed when the host has answered or failed
	known   bool          // it has answered
	free    potluck.Size  // charged bytes that it would take
	refusal *potluck.Refusal
	taken   potluck.Size // what it took since it was asked: its answer may not know of it
}

// left is what the host would still take; ok is false when that isn't known.
func (q *quote) left() (free potluck.Size, ok bool) { return max(0, q.free-q.taken), q.known }

// ask asks the hosts whose last quote is older than since, all at once, for so
// many bytes. It doesn't wait. The questions end with life.
func (c *Client) askQuotes(hosts []peer.ID, bytes potluck.Size, since time.Time) {
	c.quotes.mu.Lock()
	defer c.quotes.mu.Unlock()
	for _, h := range hosts {
		if q := c.quotes.of[h]; q != nil && !q.asked.Before(since) {
			continue
		}
		q := &quote{asked: c.c.Clock(), answer: make(chan struct{})}
		c.quotes.of[h] = q
		c.behind.Go(func() { c.askQuote(h, bytes, q) }) // ends after quoteWait at the latest
	}
}

func (c *Client) askQuote(host peer.ID, bytes potluck.Size, q *quote) {
	ctx, cancel := context.WithTimeout(c.life, min(quoteWait, c.c.Stall))
	defer cancel()
	a, err := c.c.Network.Quote(ctx, host, p2p.QuoteRequest{Bytes: bytes})
	c.quotes.mu.Lock()
	defer c.quotes.mu.Unlock()
	defer close(q.answer)
	if err != nil {
		c.c.Log.Debug("a host doesn't say what it would take", "peer", host, "err", err)
		return
	}
	q.known, q.free, q.refusal = true, a.Free, a.Refusal
}

// await returns the quotes of hosts, once those that are under way have come.
func (c *Client) awaitQuotes(ctx context.Context, hosts []peer.ID) (map[peer.ID]quote, error) {
	list := make(map[peer.ID]quote, len(hosts))
	for _, h := range hosts {
		c.quotes.mu.Lock()
		q := c.quotes.of[h]
		c.quotes.mu.Unlock()
		if q == nil {
			continue // another put found out that it isn't true any more
		}
		select {
		case <-q.answer:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		c.quotes.mu.Lock()
		list[h] = *q
		c.quotes.mu.Unlock()
	}
	return list, nil
}

// took notes that a host took bytes, so that its quote stays true.
func (qs *quotes) took(h peer.ID, bytes potluck.Size) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.of[h]; q != nil {
		q.taken += bytes
	}
}

// refused notes a host's own word that is newer than its quote. Words about
// anything else than room and credit are no quote.
func (qs *quotes) refused(h peer.ID, now time.Time, err error) {
	var no *potluck.Refusal
	if !errors.As(err, &no) {
		return
	}
	answer := make(chan struct{})
	close(answer)
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.of[h] = &quote{asked: now, answer: answer, known: true, free: no.Free, refusal: no}
}

// forget drops a quote: the host has got room that it doesn't count.
func (qs *quotes) forget(h peer.ID) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	delete(qs.of, h)
}

// shortOf tells why a host can't take one share of so many bytes; nil: it can.
func (q *quote) shortOf(bytes potluck.Size) *potluck.Refusal {
	free, known := q.left()
	if !known || free >= bytes {
		return nil
	}
	if q.refusal != nil && q.refusal.Asked == bytes && q.taken == 0 {
		return q.refusal
	}
	no := &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: bytes, Free: free, Short: bytes - free}
	if q.refusal != nil {
		no.Code = q.refusal.Code
	}
	return no
}
