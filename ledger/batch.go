package ledger

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// maxOps is the greatest number of operations in one transaction. It bounds how
// long the first of them waits for the last.
const maxOps = 1024

// request is one operation on its way through the batcher.
type request struct {
	run   func(*tx) error
	grows bool
	state atomic.Int32
	done  chan error // room for one
}

const (
	requestWaiting   = 0
	requestTaken     = 1
	requestAbandoned = 2
)

// do runs an operation and returns when it is durable, or refused. An operation
// that grows isn't taken when the disk is nearly full. When ctx ends before the
// operation was begun, nothing has happened; afterwards do waits for the answer.
func (b *Book) do(ctx context.Context, name string, grows bool, run func(*tx) error) error {
	if err := b.submit(ctx, grows, run); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (b *Book) submit(ctx context.Context, grows bool, run func(*tx) error) error {
	if err := b.gate.enter(); err != nil {
		return err
	}
	defer b.gate.leave()
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{run: run, grows: grows, done: make(chan error, 1)}
	select {
	case b.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return b.blame(ctx, err)
	case <-ctx.Done():
		if r.state.CompareAndSwap(requestWaiting, requestAbandoned) {
			return ctx.Err()
		}
		return b.blame(ctx, <-r.done)
	}
}

// serveAll is the batcher: the only goroutine that writes to the database.
func (b *Book) serveAll() {
	for {
		select {
		case r := <-b.queue:
			b.serve(r)
		case <-b.quit:
			return // no caller is inside, so nobody waits
		}
	}
}

// serve answers one request and those that wait behind it.
func (b *Book) serve(r *request) {
	batch := b.newBatch()
	for n := 1; ; n++ {
		if r.state.CompareAndSwap(requestWaiting, requestTaken) {
			batch = b.execute(batch, r)
		}
		if n == maxOps {
			break
		}
		if len(b.queue) == 0 {
			runtime.Gosched() // callers who were just answered may be about to ask again: a sync costs more
		}
		if len(b.queue) == 0 { // nobody else takes from the queue
			break
		}
		r = <-b.queue
	}
	b.commit(batch)
}

// compactAt is how many tables of small books wait to be merged. Writes would
// stall at 15; one commit adds at most one.
const compactAt = 5

// compact merges the tables of small books, which have no compactors.
func (b *Book) compact() {
	if !b.small || b.db.Levels()[0].NumTables < compactAt {
		return
	}
	if err := b.db.Flatten(1); err != nil {
		b.log.Warn("can't merge the tables of the books", "err", err)
	}
}

// batch is one Badger transaction in the making. Rows that several operations
// write, counters above all, are written once.
type batch struct {
	txn     *badger.Txn
	recent  *recent
	writes  map[string][]byte // nil: deleted
	size    int64             // as Badger counts it
	head    head              // after the batch's events
	space   space
	err     error // set: nothing can be executed
	answers []answer
}

type answer struct {
	request *request
	err     error
}

func (b *Book) newBatch() *batch {
	s := &batch{recent: &b.recent, writes: make(map[string][]byte, 8*(1+len(b.queue))), head: b.head, err: b.failed()}
	if s.err != nil {
		return s
	}
	space, err := b.guard.check()
	switch {
	case err != nil:
		s.err = b.fail(err)
	case space == spaceFull:
		s.err = b.guard.tight()
	default:
		s.space, s.txn = space, b.db.NewTransaction(true)
	}
	return s
}

// execute runs one operation and keeps its writes when it was accepted. When
// they don't fit into the transaction any more, that is committed first; the
// operation isn't run again, for nobody else writes.
func (b *Book) execute(s *batch, r *request) *batch {
	if s.err == nil && r.grows && s.space != spaceOK {
		s.answers = append(s.answers, answer{r, b.guard.tight()})
		return s
	}
	if s.err != nil {
		s.answers = append(s.answers, answer{r, s.err})
		return s
	}
	now := b.clock().Unix()
	if b.graph.stale(now) {
		s = b.shrink(b.follow(s, now, (*tx).refresh), now)
	}
	s, err := b.run(s, now, r.run)
	s = b.shrink(s, now)
	s.answers = append(s.answers, answer{r, err})
	return s
}

// run runs an operation. When it was accepted, its writes are in the batch, which
// may be a new one, and the graph has taken it over.
func (b *Book) run(s *batch, now int64, run func(*tx) error) (*batch, error) {
	if s.err != nil {
		return s, s.err
	}
	t := &tx{batch: s, graph: b.graph, now: now, writes: make(map[string][]byte)}
	err := run(t)
	if err == nil {
		err = t.finish(s.head)
	}
	if err == nil && !b.fits(0, 0, t) {
		err = fmt.Errorf("%d rows with %d bytes: %w", len(t.writes), t.size, ErrTooBig)
	}
	if err != nil {
		return s, err
	}
	if !b.fits(int64(len(s.writes)), s.size, t) {
		b.commit(s)
		if s = b.newBatch(); s.err != nil {
			return s, s.err
		}
		t.batch = s
	}
	for k, v := range t.writes {
		s.writes[k] = v
	}
	s.size += t.size
	s.head = t.head
	if err := b.graph.apply(t); err != nil {
		s.err = b.fail(err) // the network is half changed
		return s, s.err
	}
	return s, nil
}

// follow runs what the books owe to an operation or to the time that passed, in
// pieces that fit. It can't be refused: an error means that nobody knows any more
// who has what credit.
func (b *Book) follow(s *batch, now int64, run func(*tx) error) *batch {
	for more := true; more && s.err == nil; {
		var err error
		s, err = b.run(s, now, func(t *tx) error {
			err := run(t)
			more = t.more
			return err
		})
		if err != nil && s.err == nil {
			s.err = b.fail(err)
		}
	}
	return s
}

// shrink brings frozen pointers down to what they carry, when that may be less.
func (b *Book) shrink(s *batch, now int64) *batch {
	if !b.graph.slack {
		return s
	}
	s = b.follow(s, now, (*tx).shrink)
	b.graph.slack = false
	return s
}

// fits tells whether an operation's writes and those before it stay below what
// one Badger transaction takes. It counts rewritten rows twice.
func (b *Book) fits(rows, size int64, t *tx) bool {
	return rows+int64(len(t.writes))+2 < b.db.MaxBatchCount() && size+t.size+64 < b.db.MaxBatchSize()
}

// commit makes a batch durable and answers its callers.
func (b *Book) commit(s *batch) {
	if s.txn != nil {
		defer s.txn.Discard()
	}
	if len(s.writes) > 0 {
		b.guard.wrote(len(s.writes), s.size)
		if err := s.apply(); err != nil {
			err = b.fail(err)
			b.log.Error("the books stop: a commit failed", "err", err, "operations", len(s.answers))
			for i := range s.answers {
				s.answers[i].err = err
			}
		} else {
			s.remember()
			b.advance(s.head)
		}
	}
	for _, a := range s.answers {
		a.request.done <- a.err
	}
	b.compact() // after each commit: one batch may have many
}

// remember keeps the rows that later operations may need.
func (s *batch) remember() {
	for k, v := range s.writes {
		s.recent.put(k, v)
	}
}

func (s *batch) apply() error {
	for k, v := range s.writes {
		var err error
		if v == nil {
			err = s.txn.Delete([]byte(k))
		} else {
			err = s.txn.Set([]byte(k), v)
		}
		if err != nil {
			return err
		}
	}
	return s.txn.Commit()
}

// advance tells the head file and the waiters of a durable batch.
func (b *Book) advance(h head) {
	if h == b.head {
		return
	}
	b.head = h
	b.mu.Lock()
	err := b.headFile.write(h, false)
	b.seen = h.seq
	close(b.grown)
	b.grown = make(chan struct{})
	b.mu.Unlock()
	if err != nil {
		b.log.Error("the books stop: writing their head file failed", "err", b.fail(err))
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
