package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// Store takes a small share whole. One that the books don't know is kept in
// three steps: the quote says that it would be taken, its bytes are made durable,
// and one operation of the books admits, charges and leases it. If we die between
// the last two: bytes without a row, which the next start deletes (orphans).
// Everything else about a share is what Allocate and Write do.
func (k *keep) Store(ctx context.Context, from peer.ID, s p2p.StoreRequest) (p2p.StoreResponse, error) {
	if err := checkStore(s); err != nil {
		return p2p.StoreResponse{}, err
	}
	id := potluck.ShareID{Index: s.Index, Number: s.Number}
	switch _, err := k.book.Share(ctx, id); {
	case err == nil:
		return k.storeAgain(ctx, from, s)
	case !errors.Is(err, ledger.ErrNotFound):
		return p2p.StoreResponse{}, k.answer(err)
	}
	row, err := k.storeNew(ctx, from, id, s)
	if errors.Is(err, shares.ErrExists) || errors.Is(err, ledger.ErrBusy) { // it came meanwhile
		return k.storeAgain(ctx, from, s)
	}
	if err != nil {
		return p2p.StoreResponse{}, k.answer(err)
	}
	w, err := k.receipt(from, row)
	return p2p.StoreResponse{State: p2p.GrantNew, Receipt: w.Receipt}, err
}

// checkStore tells whether the lengths are those of the layout.
func checkStore(s p2p.StoreRequest) error {
	if have, want := potluck.Size(len(s.Data)), shares.DataLen(s.Layout); have != want {
		return bad("store: %d bytes of data, want %d", have, want)
	}
	return checkWrite(writeOf(s, 0))
}

// writeOf is the write that sends what is in s from an offset on.
func writeOf(s p2p.StoreRequest, offset potluck.Size) p2p.WriteRequest {
	return p2p.WriteRequest{Index: s.Index, Number: s.Number, Layout: s.Layout, Offset: offset, Length: potluck.Size(len(s.Data)) - offset,
		Manifest: potluck.Size(len(s.Manifest)), Crosscheck: potluck.Size(len(s.Crosscheck))}
}

// storeNew keeps a share that the books don't know.
func (k *keep) storeNew(ctx context.Context, from peer.ID, id potluck.ShareID, s p2p.StoreRequest) (ledger.ShareRow, error) {
	row := ledger.ShareRow{ID: id, State: ledger.ShareStable, Layout: s.Layout, Charge: shares.Charge(s.Layout), Created: k.clock().Unix()}
	room, err := k.room(ctx)
	if err == nil {
		_, err = k.book.Quote(ctx, from, room, row.Charge)
	}
	if err != nil {
		return row, err
	}
	leave, err := k.enter(ctx, id)
	if err != nil {
		return row, err
	}
	defer leave()
	h, err := k.fill(ctx, from, row, s)
	if errors.Is(err, shares.ErrFull) {
		return row, k.full(ctx, from, row, err)
	}
	if err != nil {
		return row, err
	}
	row.Root, row.Manifest = h.Root, h.Manifest
	r := ledger.Reservation{Share: id, Layout: row.Layout, Charge: row.Charge, Until: k.clock().Add(k.term)}
	begun := time.Now()
	err = k.book.Store(ctx, from, room, r, row.Root, row.Manifest)
	k.timed.since(timeBook, begun)
	if err != nil && !errors.Is(err, ledger.ErrFailed) { // after that nobody knows whether there is a row
		err = errors.Join(err, k.discard(ctx, id))
	}
	return row, err
}

// fill writes the bytes of a share into the store, durably.
func (k *keep) fill(ctx context.Context, from peer.ID, row ledger.ShareRow, s p2p.StoreRequest) (shares.Header, error) {
	in, err := k.open(ctx, from, row, writeOf(s, 0))
	if err != nil {
		return shares.Header{}, err
	}
	if _, err := in.Write(s.Data); err != nil {
		return shares.Header{}, err
	}
	h, err := timed(&k.timed, timeWrite, func() (shares.Header, error) { return in.Commit(ctx, s.Manifest, s.Crosscheck) })
	if err != nil {
		err = errors.Join(err, in.Abort())
	}
	return h, err
}

// discard deletes bytes that the books didn't take. It is done also when the
// asker is gone.
func (k *keep) discard(ctx context.Context, id potluck.ShareID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	err := k.store.Delete(ctx, id)
	k.fatal(err)
	return err
}

// storeAgain goes the long way: the share has a row, or bytes.
func (k *keep) storeAgain(ctx context.Context, from peer.ID, s p2p.StoreRequest) (p2p.StoreResponse, error) {
	a, err := k.Allocate(ctx, from, p2p.AllocateRequest{Index: s.Index, Layout: s.Layout, Numbers: []potluck.ShareNumber{s.Number}})
	if err != nil {
		return p2p.StoreResponse{}, err
	}
	g := a.Grants[0]
	body := bytes.NewReader(append(append(s.Data[g.Offset:len(s.Data):len(s.Data)], s.Manifest...), s.Crosscheck...))
	w, err := k.Write(ctx, from, writeOf(s, g.Offset), body)
	return p2p.StoreResponse{State: g.State, Receipt: w.Receipt}, err
}

// What a crash leaves of small shares: what was being stored just then.
const (
	orphanAge  = 10 * time.Minute // longer than a store takes
	orphanMost = 512              // requests that are served at once
)

// orphans deletes the small shares without a row that a crash left behind. last
// is the newest event when the books were opened: what was there long before
// it is a fault, and stays for checks to find; so does what is older than the
// books, which were lost and made anew, and everything when they lost their tail,
// because then their newest event is that they were opened. What no crash can leave,
// large ones, many, or some of different hours, tells that the books are an old
// copy: then all of it was acknowledged, and stays.
func (k *keep) orphans(ctx context.Context, last ledger.Event) error {
	first, err := k.book.Events(ctx, 0, 1)
	if err != nil {
		return err
	}
	since := last.Time - int64(orphanAge/time.Second)
	if len(first) > 0 {
		since = max(since, first[0].Time) // what is older than the books was never theirs
	}
	found, cut, err := k.rowless(ctx, since)
	if err != nil {
		return fmt.Errorf("look for bytes without a row: %w", err)
	}
	if !cut {
		k.log.Error("shares lie here that the books don't know, and no crash leaves: the books are an old copy; nothing is deleted")
		return nil
	}
	for _, id := range found {
		if err := k.discard(ctx, id); err != nil {
			return err
		}
		k.log.Info("deleted the bytes of a share whose storing was cut off", "share", id)
	}
	return nil
}

// rowless finds the shares since a time that have no row, and tells whether all of
// them can be what one crash left.
func (k *keep) rowless(ctx context.Context, since int64) (found []potluck.ShareID, cut bool, err error) {
	oldest, newest, large := int64(math.MaxInt64), int64(0), false
	err = k.store.List(ctx, potluck.ShareID{}, func(info shares.Info) error {
		if info.Header.Created < since || len(found) > orphanMost {
			return nil
		}
		_, err := k.book.Share(ctx, info.ID)
		if !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
		found = append(found, info.ID)
		oldest, newest = min(oldest, info.Header.Created), max(newest, info.Header.Created)
		large = large || shares.SentLen(info.Header.Layout) > p2p.MaxStore
		return nil
	})
	return found, len(found) <= orphanMost && !large && newest-oldest <= int64(orphanAge/time.Second), err
}
