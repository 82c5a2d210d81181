package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/shares"
)

// scrub reads every byte that this node keeps for others once in a while, and
// marks what isn't as it was committed. It goes through the shares in order, so
// evenly that a pass takes all of its term: storage indexes are hashes.
type scrub struct {
	n     *Node
	cycle *lifecycle.Cycle

	reading sync.Mutex // held while shares are read

	mu sync.Mutex
	at passage
}

const (
	scrubSlice = 256              // rows looked at in one turn
	scrubBytes = 64 * potluck.MiB // read in one turn, and what is left of the last share
	scrubLook  = time.Hour        // longest wait until it is looked what is due
	scrubRetry = time.Minute
	scrubName  = "scrub"
)

func newScrub(n *Node) *scrub {
	s := &scrub{n: n}
	s.cycle = lifecycle.NewCycle(s.turn)
	return s
}

func (s *scrub) load(ctx context.Context) (err error) {
	s.at, err = s.n.loadPassage(ctx, scrubName)
	return err
}

// term is how long one pass takes; 0: none is made.
func (s *scrub) term() time.Duration {
	if s.n.wish().CrawlShare < 0 {
		return 0
	}
	return time.Duration(max(s.n.wish().ScrubDays, 0)) * 24 * time.Hour
}

func (s *scrub) view() PassView {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at.view(int64(s.term().Seconds()))
}

// turn reads what is due, and rests as long as the configured share of the time asks.
func (s *scrub) turn(ctx context.Context) time.Duration {
	term := s.term()
	if term == 0 || s.n.writable() != nil {
		return -1
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	began := time.Now()
	wait, err := s.advance(ctx, term)
	if err != nil {
		s.n.tend.complain("read what is kept for others", err)
		return scrubRetry
	}
	return max(wait, rest(time.Since(began), s.n.wish().CrawlShare))
}

// advance reads the shares that are due by now, at most a slice of them, and
// tells how long nothing more is due. If we die before the position is kept: the
// slice is read again.
func (s *scrub) advance(ctx context.Context, term time.Duration) (time.Duration, error) {
	s.mu.Lock()
	at := s.at
	s.mu.Unlock()
	now := s.n.config.Clock().Unix()
	at = at.pace(now, term)
	rows, err := s.n.rowsAfter(ctx, at.at, scrubSlice)
	if err != nil {
		return 0, err
	}
	r := CrawlReport{}
	wait := time.Duration(0)
	for _, row := range rows {
		if wait = at.due(row.ID, now, term); wait > 0 || r.ReadSize >= scrubBytes {
			break
		}
		if err := s.read(ctx, row, &r); err != nil {
			return 0, err
		}
		at.at = row.ID
	}
	if len(rows) < scrubSlice && (len(rows) == 0 || rows[len(rows)-1].ID == at.at) {
		at, wait = at.through(now, term)
	}
	if err := s.n.keepPassage(ctx, scrubName, at); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
	return min(wait, scrubLook), nil
}

// pace is the pass that is under way at a time. When the clock was set back it
// goes on at its pace.
func (p passage) pace(now int64, term time.Duration) passage {
	switch {
	case !p.under:
		return p.start(now)
	case now < p.began:
		p.began = now - int64(position(p.at)*term.Seconds())
	}
	return p
}

// through is the pass when all that there is was read: the same one, for what
// comes behind its place, until the term is over, and then the next.
func (p passage) through(now int64, term time.Duration) (passage, time.Duration) {
	p.done = now
	if left := p.left(now, term); left > 0 {
		return p, left
	}
	return p.start(now), 0
}

// due is how long it is until a share is to be read.
func (p passage) due(id potluck.ShareID, now int64, term time.Duration) time.Duration {
	at := p.began + int64(position(id)*term.Seconds())
	return time.Duration(max(at-now, 0)) * time.Second
}

// left is how long the pass lasts still.
func (p passage) left(now int64, term time.Duration) time.Duration {
	return max(term-time.Duration(now-p.began)*time.Second, 0)
}

// read reads one share, and marks it if it isn't as the books say. What can't be
// read for another reason is passed over.
func (s *scrub) read(ctx context.Context, row ledger.ShareRow, r *CrawlReport) error {
	if row.State != ledger.ShareStable {
		return nil
	}
	err := s.n.keep.reread(ctx, row)
	r.Read++
	r.ReadSize += shares.StoredLen(row.Layout)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, shares.ErrDamaged), errors.Is(err, shares.ErrNotFound):
		return s.condemn(ctx, row.ID, r)
	case errors.Is(err, shares.ErrClosed):
		return err
	case err != nil:
		r.find(&r.Unknown, row.ID, "can't be read: %v", err)
		s.n.log.Warn("can't read a share", "share", row.ID, "err", err)
	}
	return nil
}

// condemn reads a share again with its writer kept out, and marks it if it is
// still not as the books say: it may have been given up, and put anew.
func (s *scrub) condemn(ctx context.Context, id potluck.ShareID, r *CrawlReport) error {
	leave, ok := s.n.keep.tryEnter(id)
	if !ok {
		return nil
	}
	defer leave()
	row, err := s.n.book.Share(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) || err == nil && row.State != ledger.ShareStable {
		return nil
	}
	if err != nil {
		return err
	}
	switch err := s.n.keep.reread(ctx, row); {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, shares.ErrDamaged):
		r.find(&r.Corrupt, id, "corrupt: %v", err)
		return s.n.keep.mark(ctx, row, ledger.ShareCorrupt, err.Error())
	case errors.Is(err, shares.ErrNotFound):
		r.find(&r.Lost, id, "lost: %v", err)
		return s.n.keep.mark(ctx, row, ledger.ShareLost, err.Error())
	}
	return nil
}

// all reads every share now, without a rest, and adds to a report. It doesn't
// move the pass.
func (s *scrub) all(ctx context.Context, r CrawlReport) (CrawlReport, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	var after potluck.ShareID
	for {
		rows, err := s.n.rowsAfter(ctx, after, scrubSlice)
		if err != nil {
			return r, s.n.checked(err)
		}
		for _, row := range rows {
			if err := s.read(ctx, row, &r); err != nil {
				return r, fmt.Errorf("read share %v: %w", row.ID, s.n.checked(err))
			}
		}
		if len(rows) < scrubSlice {
			r.Ended = s.n.config.Clock().Unix()
			return r, nil
		}
		after = rows[len(rows)-1].ID
	}
}
