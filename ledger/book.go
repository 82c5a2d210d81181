package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/internal/durable"
)

// Book is a node's open books. Its methods are safe for concurrent use. A
// function that is handed to a method must not call methods of the book, unless
// the method says that it may.
type Book struct {
	// Immutable after Open.
	self    peer.ID
	clock   func() time.Time
	log     *slog.Logger
	lock    *os.File
	db      *badger.DB
	unclean bool
	small   bool
	queue   chan *request
	gate    *gate
	opened  opened        // has its own lock
	quit    chan struct{} // closed by Close when no caller is inside
	wake    chan struct{} // one token: the head file has unsynced bytes
	loops   sync.WaitGroup

	// Owned by the batcher's goroutine.
	guard  *guard
	head   head
	recent recent
	graph  *graph // others read it under its lock

	// Under mu.
	mu       sync.Mutex
	failure  error
	grown    chan struct{} // closed, and made anew, when events were written
	seen     uint64        // newest durable event
	headFile *headFile
	clean    bool      // Close went well
	doubted  bool      // Doubt was called
	looked   time.Time // when blame looked at the tables last
	steps    clockSteps

	closeOnce sync.Once
	closeErr  error
}

func newBook(c Config, lock *os.File) *Book {
	g := newGraph(c.Self, hopsOf(c.MaxHops))
	g.window = int64(c.ProofWindow / time.Second)
	if c.Epoch != nil {
		g.epoch = c.Epoch
	}
	return &Book{self: c.Self, graph: g, clock: c.Clock, log: c.Log, lock: lock, gate: newGate(), queue: make(chan *request, maxOps),
		quit: make(chan struct{}), wake: make(chan struct{}, 1), grown: make(chan struct{})}
}

// start reads where the book stands, compares it with the head file, and starts
// the two goroutines. They end with Close.
func (b *Book) start(ctx context.Context, c Config) error {
	file, kept, found, err := openHead(filepath.Join(c.Dir, headName))
	if err != nil {
		return err
	}
	b.headFile, b.small = file, c.Small
	empty, err := b.readNewest()
	if err != nil {
		return err
	}
	if empty {
		b.steps.last = b.clock().Unix()
	}
	b.unclean = !empty && !(found && kept.clean)
	cut := b.compare(kept, found)
	if !found && b.head.seq > 1 && !c.AcceptCut { // its first record is durable before the second event
		cut = fmt.Errorf("the head file has no whole record, so a cut tail can't be excluded: %w", ErrCut)
	}
	if cut == nil && b.unclean {
		cut = b.contiguous()
	}
	if cut != nil && !c.AcceptCut {
		return cut
	}
	if err := b.build(ctx); err != nil {
		return fmt.Errorf("build the rows of an earlier program's books anew: %w", err)
	}
	if err := b.loadGraph(); err != nil {
		return err
	}
	b.loops.Go(b.serveAll)
	b.loops.Go(b.syncHead)
	if err := b.greet(empty, found, c.AcceptCut, cut); err != nil {
		b.stop()
		return err
	}
	// The record says "not clean" from here on. No caller is inside yet.
	if err := errors.Join(b.headFile.write(b.head, false), b.headFile.sync(), durable.SyncDir(c.Dir)); err != nil {
		b.stop()
		return err
	}
	return nil
}

// greet writes the first rows of new books, and notes what was odd about old ones.
func (b *Book) greet(empty, found, accepted bool, cut error) error {
	return b.do(context.Background(), "open", false, func(t *tx) error {
		_, made, err := t.get([]byte{keyTotals})
		if err != nil {
			return err
		}
		switch {
		case empty && !made:
			t.set([]byte{keyTotals}, encodeUsage(Usage{}))
			t.note(Event{Kind: KindMade})
		case !made:
			return fmt.Errorf("totals are missing beside %d events: %w", b.head.seq, ErrDamaged)
		case empty:
			return fmt.Errorf("events are missing: %w", ErrDamaged)
		case !found:
			t.note(Event{Kind: KindCut, Reason: "the head file was missing, so a cut tail can't be excluded"})
		}
		if accepted && !empty {
			return t.acceptCut(cut)
		}
		return nil
	})
}

// compare holds the book against the record of the head file.
func (b *Book) compare(kept headState, found bool) error {
	if !found || kept.seq == 0 {
		return nil
	}
	if kept.seq > b.head.seq {
		return fmt.Errorf("the book ends at event %d, it had %d: %w", b.head.seq, kept.seq, ErrCut)
	}
	_, at, err := b.readEvent(kept.seq)
	if err != nil {
		return err
	}
	if at.sum != kept.sum {
		return fmt.Errorf("event %d has chain value %v, it had %v (other books, or an old copy that went on): %w", kept.seq, at.sum, kept.sum, ErrCut)
	}
	return nil
}

// Unclean tells whether the last process that had the books open didn't close
// them, or doubted them; then they should be checked.
func (b *Book) Unclean() bool { return b.unclean }

// Close waits for the calls that are under way, closes the books and lifts their
// lock. Later calls return ErrClosed. It is safe to call it twice. With ErrFull
// the database stays as after a crash: nothing acknowledged is lost, but some of
// its memory and goroutines stay until the process ends.
func (b *Book) Close() error {
	b.closeOnce.Do(func() {
		b.gate.close()
		b.stop()
		b.clean = b.failed() == nil && !b.isDoubted()
		b.closeErr = b.release()
	})
	return b.closeErr
}

// Doubt says that something failed that the books tell of, the store of the bytes
// above all: however well they are closed, Unclean is true when they are opened again.
func (b *Book) Doubt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubted = true
}

func (b *Book) isDoubted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doubted
}

// stop ends the goroutines.
func (b *Book) stop() {
	close(b.quit)
	b.loops.Wait()
}

// release closes what is open, in the reverse order of open.
func (b *Book) release() error {
	var err error
	if b.db != nil {
		if err = b.guard.beforeClose(); err == nil {
			err = b.db.Close()
		}
	}
	if h := b.headFile; h != nil {
		if b.clean && err == nil {
			err = errors.Join(h.write(b.head, true), h.sync())
		}
		err = errors.Join(err, h.f.Close())
	}
	return errors.Join(err, b.lock.Close())
}

// fail makes the book refuse everything: a commit or a sync went wrong, so
// nobody knows what the disk holds.
func (b *Book) fail(cause error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure == nil {
		b.failure = fmt.Errorf("%w: %w", ErrFailed, cause)
		close(b.grown) // waiters learn of it
		b.grown = make(chan struct{})
	}
	return b.failure
}

func (b *Book) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failure
}

// syncHead makes the head file durable within a second of a change.
func (b *Book) syncHead() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-b.wake:
		}
		if b.small {
			continue // nothing of small books is synced
		}
		timer.Reset(time.Second)
		select {
		case <-b.quit:
			return
		case <-timer.C:
		}
		if err := b.headFile.sync(); err != nil {
			b.log.Error("the books stop: syncing their head file failed", "err", b.fail(err))
		}
	}
}
