package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/shares"
)

// crawl walks the store and the books side by side, in slices, and mends where
// they differ: rows without bytes are marked lost, bytes that changed are marked
// corrupt, bytes without a row are adopted, what is no share is set aside. It
// deletes nothing. Where it is outlives the process.
type crawl struct {
	n     *Node
	cycle *lifecycle.Cycle

	walking sync.Mutex // held while a slice, or a pass by hand, is walked

	mu   sync.Mutex
	at   passage
	seen CrawlReport // of the pass that is under way, in this life
}

const (
	crawlEvery = 24 * time.Hour
	crawlSlice = 4096 // names and rows in memory at once
	crawlRetry = time.Minute
	crawlName  = "crawl"
)

func newCrawl(n *Node) *crawl {
	c := &crawl{n: n}
	c.cycle = lifecycle.NewCycle(c.turn)
	return c
}

// load reads where an earlier life was. After an unclean stop a pass is due.
func (c *crawl) load(ctx context.Context) (err error) {
	c.at, err = c.n.loadPassage(ctx, crawlName)
	if c.n.book.Unclean() && !c.at.under {
		c.at.done = 0
	}
	return err
}

// turn walks one slice, and rests as long as the configured share of the time asks.
func (c *crawl) turn(ctx context.Context) time.Duration {
	share := c.n.wish().CrawlShare
	if share < 0 || c.n.writable() != nil {
		return -1
	}
	c.walking.Lock()
	defer c.walking.Unlock()
	now := c.n.config.Clock().Unix()
	at, _ := c.where()
	if wait := at.wait(now, crawlEvery); wait > 0 {
		return min(wait, time.Hour) // the clock may be set meanwhile
	}
	if !at.under {
		at = c.begin(at.start(now))
	}
	began := time.Now()
	if _, err := c.advance(ctx, at); err != nil {
		c.n.tend.complain("compare the store with the books", err)
		return crawlRetry
	}
	return rest(time.Since(began), share)
}

// Crawl compares all of the store with all of the books now, without a rest, and
// mends where they differ. With read every byte is read too. Errors wrap the
// context's.
func (n *Node) Crawl(ctx context.Context, read bool) (CrawlReport, error) {
	if err := n.writable(); err != nil && !errors.Is(err, errRecovering) { // a recovery takes up what lies here
		return CrawlReport{}, err
	}
	c := n.crawl
	c.walking.Lock()
	defer c.walking.Unlock()
	at, _ := c.where()
	at = c.begin(passage{done: at.done}.start(n.config.Clock().Unix()))
	for at.under {
		var err error
		if at, err = c.advance(ctx, at); err != nil {
			_, r := c.where()
			return r, n.checked(err)
		}
	}
	_, r := c.where()
	if !read {
		return r, nil
	}
	return n.scrub.all(ctx, r)
}

// begin notes that a pass begins.
func (c *crawl) begin(at passage) passage {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.seen = at, CrawlReport{Began: at.began, Findings: []string{}}
	return at
}

// where tells how far the pass is, and what it has found.
func (c *crawl) where() (passage, CrawlReport) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at, c.seen
}

// advance walks one slice from at, and keeps where it ends. If we die before
// that is kept: the slice is walked again, which finds nothing to mend.
func (c *crawl) advance(ctx context.Context, at passage) (passage, error) {
	r := CrawlReport{Findings: []string{}}
	end, more, err := c.slice(ctx, at.at, &r)
	c.mu.Lock()
	c.seen = c.seen.plus(r)
	c.mu.Unlock()
	if err != nil {
		return at, err
	}
	now := c.n.config.Clock().Unix()
	if at.at = end; !more {
		at = at.end(now)
	}
	if err := c.n.keepPassage(ctx, crawlName, at); err != nil {
		return at, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at = at; !more {
		c.seen.Ended = now
		c.tell(c.seen)
	}
	return at, nil
}

// tell logs what a pass found.
func (c *crawl) tell(r CrawlReport) {
	say := c.n.log.Debug
	if r.faults() > 0 {
		say = c.n.log.Warn
	}
	say("compared the store with the books", "shares", r.Shares, "lost", r.Lost, "corrupt", r.Corrupt, "adopted", r.Adopted,
		"set_aside", r.SetAside, "returned", r.Returned, "unknown", r.Unknown)
}

// pairsAfter gives what the store names behind a share beside the rows behind it:
// a slice of both, that ends with end.
func (n *Node) pairsAfter(ctx context.Context, after potluck.ShareID) (pairs iter.Seq[twin], end potluck.ShareID, more bool, err error) {
	names, err := n.namesAfter(ctx, after, crawlSlice)
	if err != nil {
		return nil, end, false, err
	}
	rows, err := n.rowsAfter(ctx, after, crawlSlice)
	if err != nil {
		return nil, end, false, err
	}
	names, rows, end, more = stretch(names, rows, crawlSlice)
	return sideBySide(names, rows), end, more, nil
}

// slice compares what the store names behind a share with the rows behind it.
func (c *crawl) slice(ctx context.Context, after potluck.ShareID, r *CrawlReport) (end potluck.ShareID, more bool, err error) {
	pairs, end, more, err := c.n.pairsAfter(ctx, after)
	if err != nil {
		return end, false, err
	}
	m := &mender{n: c.n, report: r}
	defer m.close()
	for p := range pairs {
		r.Shares++
		l := c.n.keep.look(ctx, p)
		if ctx.Err() != nil || errors.Is(l.err, shares.ErrClosed) {
			return end, false, errors.Join(ctx.Err(), l.err)
		}
		if f := faults[p.state()][l.sight]; f == faultNone && l.sight != seenUnknown {
			r.Stored += l.stored
			continue
		}
		if err := m.mend(ctx, p.id); err != nil {
			return end, false, fmt.Errorf("mend share %v: %w", p.id, err)
		}
	}
	return end, more, m.adopt(ctx)
}
