package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/semaphore"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// keep is the hosting half: it answers friends (p2p.Keeper), and joins what
// they ask for in the books with the bytes in the store. For every share there
// are two truths, its row and its bytes, and they change in an order that makes
// a death between them harmless:
//
//	row          bytes        what a new start makes of it
//	none         none         nothing
//	COMING       none, part   the owner resumes it, or it expires to GOING
//	COMING       complete     the owner proves it and gets its receipt, or it expires to GOING
//	STABLE       complete     held
//	GOING        any          the sweep deletes the bytes, then the row
//	STABLE       none         a fault: found by reads, haves and checks, marked LOST
//	none         small, new   a store that was cut off: the start deletes the bytes (orphans)
//	none         complete     a fault: adopted by the crawl for the owner in its header
//	LOST, CORRUPT  any        its owner is told; written again, or whole again, it is STABLE
//
// Rows grow before bytes, except those of small shares (Store), and bytes go
// before rows; the two faults are therefore never the work of a crash.
type keep struct {
	self  peer.ID
	key   crypto.PrivKey
	name  func() string
	book  *ledger.Book
	store shares.Store
	room  func(context.Context) (ledger.Room, error)
	clock func() time.Time
	term  time.Duration // of a reservation
	log   *slog.Logger
	fatal func(error) // is told of failures after which nothing may be acknowledged

	refused refusals
	timed   timings

	shrunk  func()                // is told that something isn't held any more; it returns at once
	damaged func(ledger.ShareRow) // is told which share was marked as lost or corrupt; it returns at once

	buffers  sync.Pool           // of *[]byte, pieceLen each
	trailers *semaphore.Weighted // bytes of crosschecks in memory at once

	mu      sync.Mutex
	writers map[potluck.ShareID]chan struct{} // closed when the writer has left
}

const (
	pieceLen      = 512 << 10         // bytes from the network to the store at once
	maxCrosscheck = 16 * potluck.MiB  // bounds a file to 2^19 stripes
	trailerRoom   = 2 * maxCrosscheck // bytes of memory for the trailers of all writes
	cleanup       = 30 * time.Second  // for what must be done after the asker is gone
	writerWait    = 5 * time.Second   // for an earlier writer of the same share to notice its end
	expireBatch   = 256               // shares swept in one transaction
)

var _ p2p.Keeper = (*keep)(nil)

// newKeep completes a keep whose fields down to damaged are set.
func newKeep(k *keep) *keep {
	k.buffers.New = func() any { b := make([]byte, pieceLen); return &b }
	k.trailers = semaphore.NewWeighted(int64(trailerRoom))
	k.writers = make(map[potluck.ShareID]chan struct{})
	return k
}

func bad(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, &p2p.Error{Code: p2p.CodeBadRequest})...)
}

// answer turns an error of the books or of the store into what the asker may
// know. Errors that aren't in its table stay, and cross as "internal".
func (k *keep) answer(err error) error {
	if err == nil {
		return nil
	}
	k.fatal(err)
	k.refused.count(err)
	for _, t := range []struct {
		is   error
		code p2p.Code
	}{
		{ledger.ErrBusy, p2p.CodeBusy}, {shares.ErrBusy, p2p.CodeBusy},
		{ledger.ErrNotFound, p2p.CodeNotFound}, {shares.ErrNotFound, p2p.CodeNotFound},
		{ledger.ErrConflict, p2p.CodeConflict}, {shares.ErrMismatch, p2p.CodeBadRequest},
		{shares.ErrDamaged, p2p.CodeDamaged}, {ledger.ErrTooBig, p2p.CodeTooLarge},
		{ledger.ErrInvalid, p2p.CodeBadRequest},
	} {
		if errors.Is(err, t.is) {
			return errors.Join(&p2p.Error{Code: t.code}, err)
		}
	}
	return err
}

// Quote tells what an ask would be answered with. It reserves nothing.
func (k *keep) Quote(ctx context.Context, from peer.ID, q p2p.QuoteRequest) (p2p.QuoteResponse, error) {
	a := p2p.QuoteResponse{Name: k.name(), Version: potluck.Version}
	room, err := k.room(ctx)
	if err != nil {
		return p2p.QuoteResponse{}, err
	}
	a.Free, err = k.book.Quote(ctx, from, room, q.Bytes)
	if errors.As(err, &a.Refusal) {
		err = nil
	}
	return a, k.answer(err)
}

// Allocate reserves room for shares, all or none.
func (k *keep) Allocate(ctx context.Context, from peer.ID, a p2p.AllocateRequest) (p2p.AllocateResponse, error) {
	if shares.CrosscheckLen(a.Layout) > maxCrosscheck {
		return p2p.AllocateResponse{}, &p2p.Error{Code: p2p.CodeTooLarge}
	}
	from, err := k.principal(ctx, from, a.Authority, a.Index, a.Layout)
	if err != nil {
		return p2p.AllocateResponse{}, err
	}
	room, err := k.room(ctx)
	if err != nil {
		return p2p.AllocateResponse{}, err
	}
	rs := make([]ledger.Reservation, len(a.Numbers))
	for i, n := range a.Numbers {
		rs[i] = k.reservation(potluck.ShareID{Index: a.Index, Number: n}, a.Layout)
	}
	// If we die after this: COMING rows without bytes, until their deadline.
	granted, err := timed(&k.timed, timeReserve, func() ([]ledger.Grant, error) { return k.book.Reserve(ctx, from, room, rs) })
	if err != nil {
		return p2p.AllocateResponse{}, k.answer(err)
	}
	grants := make([]p2p.Grant, len(granted))
	for i, g := range granted {
		if grants[i], err = k.grant(ctx, from, g, a.Layout); err != nil {
			return p2p.AllocateResponse{}, k.answer(err)
		}
	}
	return p2p.AllocateResponse{Grants: grants}, nil
}

func (k *keep) reservation(id potluck.ShareID, l potluck.Layout) ledger.Reservation {
	return ledger.Reservation{Share: id, Layout: l, Charge: shares.Charge(l), Until: k.clock().Add(k.term)}
}

// grant tells the owner what is to be done about one share.
func (k *keep) grant(ctx context.Context, from peer.ID, g ledger.Grant, l potluck.Layout) (p2p.Grant, error) {
	out := p2p.Grant{Number: g.Share.Number, Root: g.Root, Manifest: g.Manifest}
	if g.State == ledger.GrantNew && g.Root != (potluck.Digest{}) { // LOST or CORRUPT: it is written again
		offset, err := k.arrived(ctx, from, g.Share)
		return p2p.Grant{Number: g.Share.Number, State: p2p.GrantNew, Offset: offset}, err
	}
	_, err := k.store.Stat(ctx, g.Share)
	switch {
	case g.State == ledger.GrantHeld || g.State == ledger.GrantExists:
		out.State, out.Offset = p2p.GrantHeld, shares.DataLen(l)
		if g.State == ledger.GrantExists {
			out.State = p2p.GrantExists
		}
		if err != nil { // what the books promise isn't there: never acknowledge it
			k.suspect(ctx, g.Share, err)
			return out, err
		}
		return out, nil
	case err == nil: // complete, but we died before the books knew
		out.State, out.Offset = p2p.GrantNew, shares.DataLen(l)
		return out, nil
	case !errors.Is(err, shares.ErrNotFound):
		return out, err
	}
	out.State = p2p.GrantNew
	if g.State == ledger.GrantNew {
		return out, nil
	}
	out.Offset, err = k.arrived(ctx, from, g.Share)
	return out, err
}

// arrived tells how much of an incomplete share is here. What lies in the place of
// a damaged one is set aside, so that it can be written again.
func (k *keep) arrived(ctx context.Context, from peer.ID, id potluck.ShareID) (potluck.Size, error) {
	leave, err := k.enter(ctx, id)
	if err != nil {
		return 0, err
	}
	defer leave()
	row, err := k.book.Share(ctx, id)
	if err != nil {
		return 0, err
	}
	h, err := header(row, from)
	if err != nil {
		return 0, err
	}
	if isDamaged(row.State) {
		if err := k.store.SetAside(ctx, id); err != nil {
			return 0, err
		}
	}
	in, err := timed(&k.timed, timeCreate, func() (shares.Incoming, error) { return k.store.Create(ctx, h) })
	if errors.Is(err, shares.ErrExists) { // somebody else was faster
		return 0, fmt.Errorf("allocate %v: %w: it was written meanwhile", id, ledger.ErrBusy)
	}
	if err != nil {
		return 0, err
	}
	offset := in.Offset()
	if offset == 0 {
		return 0, in.Abort()
	}
	return offset, in.Suspend()
}

// header is what the store writes before the bytes of a share. It is the same
// every time, so that a resumed share is known again.
func header(row ledger.ShareRow, owner peer.ID) (shares.Header, error) {
	h := shares.Header{ID: row.ID, Layout: row.Layout, Created: row.Created}
	pub, err := owner.ExtractPublicKey()
	if err != nil {
		return h, fmt.Errorf("public key of %s: %w", owner, err)
	}
	raw, err := pub.Raw()
	if err == nil && len(raw) != len(h.Owner) {
		err = fmt.Errorf("it has %d bytes, want %d", len(raw), len(h.Owner))
	}
	if err != nil {
		return h, fmt.Errorf("public key of %s: %w", owner, err)
	}
	copy(h.Owner[:], raw)
	return h, nil
}

// enter makes the caller the one writer of a share, until it calls leave. An
// earlier writer whose connection broke is waited for.
func (k *keep) enter(ctx context.Context, id potluck.ShareID) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, writerWait)
	defer cancel()
	mine := make(chan struct{})
	for {
		k.mu.Lock()
		other := k.writers[id]
		if other == nil {
			k.writers[id] = mine
			k.mu.Unlock()
			return func() { k.leave(id, mine) }, nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, &p2p.Error{Code: p2p.CodeBusy}
		}
	}
}

// writing tells whether a share has a writer just now.
func (k *keep) writing(id potluck.ShareID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.writers[id] != nil
}

func (k *keep) leave(id potluck.ShareID, mine chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.writers, id)
	close(mine)
}
