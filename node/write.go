package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// Write takes the bytes of one share that was allocated, and answers with a
// receipt when they are durable and in the books.
func (k *keep) Write(ctx context.Context, from peer.ID, w p2p.WriteRequest, body io.Reader) (p2p.WriteResponse, error) {
	if err := checkWrite(w); err != nil {
		return p2p.WriteResponse{}, err
	}
	owner, err := k.principal(ctx, from, w.Authority, w.Index, w.Layout)
	if err != nil {
		return p2p.WriteResponse{}, err
	}
	id := potluck.ShareID{Index: w.Index, Number: w.Number}
	leave, err := k.enter(ctx, id)
	if err != nil {
		return p2p.WriteResponse{}, err
	}
	defer leave()
	row, err := k.claimed(ctx, owner, id, w.Layout)
	if err != nil {
		return p2p.WriteResponse{}, k.answer(err)
	}
	if row.State == ledger.ShareStable {
		row, err = k.prove(ctx, owner, row, w, body)
	} else {
		row, err = k.take(ctx, owner, row, w, body)
	}
	if err != nil {
		k.forsake(ctx, id)
		return p2p.WriteResponse{}, k.answer(err)
	}
	if err := k.noteRepairer(ctx, owner, from, row); err != nil {
		return p2p.WriteResponse{}, k.answer(err)
	}
	// If we die before the receipt arrives: the share is held, and the owner
	// learns it from the next Allocate, and gets a receipt for a proof.
	return k.receipt(owner, row)
}

// forsake deletes what a writer leaves of a share that was given up while it
// wrote: who gave it up found it busy. It is done also when the asker is gone.
func (k *keep) forsake(ctx context.Context, id potluck.ShareID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	row, err := k.book.Share(ctx, id)
	if err != nil || row.State != ledger.ShareGoing {
		return // what failed is seen by whoever does more with it
	}
	if err := k.remove(ctx, []potluck.ShareID{id}); err != nil {
		k.log.Warn("bytes of a share that was given up are deleted later", "share", id, "err", err)
	}
}

// checkWrite tells whether the lengths are those of the layout.
func checkWrite(w p2p.WriteRequest) error {
	switch l := w.Layout; {
	case w.Offset+w.Length != shares.DataLen(l):
		return bad("write: data from %d to %d, want it to end at %d", w.Offset, w.Offset+w.Length, shares.DataLen(l))
	case w.Manifest != potluck.Size(shares.ManifestLen(l)):
		return bad("write: manifest of %d bytes, want %d", w.Manifest, shares.ManifestLen(l))
	case w.Crosscheck != shares.CrosscheckLen(l):
		return bad("write: crosscheck of %d bytes, want %d", w.Crosscheck, shares.CrosscheckLen(l))
	case w.Crosscheck > maxCrosscheck:
		return &p2p.Error{Code: p2p.CodeTooLarge}
	}
	return nil
}

// claimed gives the row of a share on which from has a lease, pending or held.
func (k *keep) claimed(ctx context.Context, from peer.ID, id potluck.ShareID, l potluck.Layout) (ledger.ShareRow, error) {
	row, err := k.book.Share(ctx, id)
	if err != nil {
		return row, err
	}
	switch {
	case leaseOf(row, from) == nil:
		return row, fmt.Errorf("write %v: %w: not allocated to %s", id, ledger.ErrNotFound, from)
	case row.Layout != l:
		return row, fmt.Errorf("write %v: %w: allocated for another layout", id, ledger.ErrConflict)
	case row.State == ledger.ShareGoing:
		return row, fmt.Errorf("write %v: %w: it is being deleted", id, ledger.ErrBusy)
	}
	return row, nil
}

func leaseOf(row ledger.ShareRow, owner peer.ID) *ledger.Lease {
	for i := range row.Leases {
		if row.Leases[i].Owner == owner {
			return &row.Leases[i]
		}
	}
	return nil
}

// take receives the bytes of a COMING share into the store, or those of a LOST or
// CORRUPT one again, and makes it STABLE.
func (k *keep) take(ctx context.Context, from peer.ID, row ledger.ShareRow, w p2p.WriteRequest, body io.Reader) (ledger.ShareRow, error) {
	in, err := k.open(ctx, from, row, w)
	switch {
	case errors.Is(err, shares.ErrExists) && isDamaged(row.State):
		return row, fmt.Errorf("write %v: %w: what is damaged lies there still; allocate again", row.ID, ledger.ErrBusy)
	case errors.Is(err, shares.ErrExists):
		return k.prove(ctx, from, row, w, body)
	case errors.Is(err, shares.ErrFull):
		return row, k.full(ctx, from, row, err)
	case err != nil:
		return row, err
	}
	// If we die while bytes arrive: the row is COMING, and the store keeps what
	// was synced. The owner resumes there, or the row expires.
	if err := k.receive(ctx, from, row, w, body, in); err != nil {
		if errors.Is(err, shares.ErrFull) {
			return row, k.full(ctx, from, row, errors.Join(err, in.Abort()))
		}
		return row, errors.Join(err, in.Suspend())
	}
	manifest, crosscheck, done, err := k.readTrailers(ctx, w, body)
	if err != nil {
		return row, errors.Join(err, in.Suspend())
	}
	defer done()
	h, err := timed(&k.timed, timeWrite, func() (shares.Header, error) { return in.Commit(ctx, manifest, crosscheck) })
	if err != nil {
		if errors.Is(err, shares.ErrFull) {
			return row, k.full(ctx, from, row, err)
		}
		if ctx.Err() != nil { // the store has changed nothing, or has ended the share itself
			return row, errors.Join(err, in.Suspend())
		}
		if !errors.Is(err, shares.ErrFailed) { // nothing is kept: charge nothing
			err = errors.Join(err, k.release(ctx, from, row.ID))
		}
		return row, err
	}
	// If we die here: the row is COMING and the bytes are complete. The owner
	// allocates again, is told that all is there, and proves it (prove).
	return k.commit(ctx, from, row, h.Root, h.Manifest)
}

// commit makes a share STABLE with a lease of from, in one transaction.
func (k *keep) commit(ctx context.Context, from peer.ID, row ledger.ShareRow, root, manifest potluck.Digest) (ledger.ShareRow, error) {
	begun := time.Now()
	err := k.book.Commit(ctx, from, row.ID, root, manifest)
	k.timed.since(timeBook, begun)
	damaged := isDamaged(row.State)
	row.Root, row.Manifest, row.State = root, manifest, ledger.ShareStable
	if errors.Is(err, ledger.ErrConflict) || errors.Is(err, ledger.ErrNotFound) {
		// The reservation ended meanwhile, or somebody else's bytes won.
		err = errors.Join(err, k.release(ctx, from, row.ID))
		if damaged { // it stays as it was, without bytes
			err = errors.Join(err, k.discard(ctx, row.ID))
		}
	}
	return row, err
}

// open begins or resumes the share at the offset that the owner was granted.
func (k *keep) open(ctx context.Context, from peer.ID, row ledger.ShareRow, w p2p.WriteRequest) (shares.Incoming, error) {
	h, err := header(row, from)
	if err != nil {
		return nil, err
	}
	in, err := k.store.Create(ctx, h)
	if err == nil && w.Offset == 0 && in.Offset() != 0 { // the owner begins anew
		if err = in.Abort(); err == nil {
			in, err = k.store.Create(ctx, h)
		}
	}
	if err != nil {
		return nil, err
	}
	if in.Offset() != w.Offset {
		err := bad("write: from %d, but %d bytes are here; allocate again", w.Offset, in.Offset())
		return nil, errors.Join(err, in.Suspend())
	}
	return in, nil
}

// receive moves the data from the network to the store. What arrived before a
// failure is written too.
func (k *keep) receive(ctx context.Context, from peer.ID, row ledger.ShareRow, w p2p.WriteRequest, body io.Reader, in shares.Incoming) error {
	b := k.buffers.Get().(*[]byte)
	defer k.buffers.Put(b)
	extend := k.clock().Add(k.term / 2)
	// Pieces end where the share's file has a multiple of their length, because
	// the kernel keeps whole aligned pieces in large folios, which cost it less.
	at := shares.HeaderLen + w.Offset
	for rest := w.Length; rest > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		piece := (*b)[:min(rest, pieceLen-at%pieceLen)]
		n, cut := io.ReadFull(body, piece)
		if _, err := in.Write(piece[:n]); err != nil {
			return err
		}
		if cut != nil {
			return fmt.Errorf("write %v: cut off with %d bytes to come: %w", row.ID, rest-potluck.Size(n), cut)
		}
		rest -= potluck.Size(n)
		at += potluck.Size(n)
		if now := k.clock(); now.After(extend) {
			if err := k.extend(ctx, from, row); err != nil {
				return err
			}
			extend = now.Add(k.term / 2)
		}
	}
	return nil
}

// extend puts off the deadline of an upload that goes on.
func (k *keep) extend(ctx context.Context, from peer.ID, row ledger.ShareRow) error {
	room, err := k.room(ctx)
	if err != nil {
		return err
	}
	_, err = k.book.Reserve(ctx, from, room, []ledger.Reservation{k.reservation(row.ID, row.Layout)})
	return err
}

// readTrailers reads manifest and crosscheck, within the memory that all
// writes share. done gives the memory back.
func (k *keep) readTrailers(ctx context.Context, w p2p.WriteRequest, body io.Reader) (manifest, crosscheck []byte, done func(), err error) {
	n := int64(w.Manifest + w.Crosscheck)
	if err := k.trailers.Acquire(ctx, n); err != nil {
		return nil, nil, nil, err
	}
	b, err := readGrowing(body, int(n))
	if err != nil {
		k.trailers.Release(n)
		return nil, nil, nil, fmt.Errorf("write: trailers cut off: %w", err)
	}
	if err := sameFile(w, b[:w.Manifest]); err != nil {
		k.trailers.Release(n)
		return nil, nil, nil, err
	}
	return b[:w.Manifest], b[w.Manifest:], func() { k.trailers.Release(n) }, nil
}

// readGrowing reads n bytes into memory that grows as they arrive, so that a
// promise of many bytes costs nothing.
func readGrowing(r io.Reader, n int) ([]byte, error) {
	const step = 64 << 10
	b := make([]byte, 0, min(n, step))
	for len(b) < n {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(n, 2*cap(b))), b...)
		}
		at := len(b)
		b = b[:min(cap(b), n)]
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// prove gives from its lease, or its receipt, on a share whose bytes are here:
// no data is sent, and the manifest must be the stored one's.
func (k *keep) prove(ctx context.Context, from peer.ID, row ledger.ShareRow, w p2p.WriteRequest, body io.Reader) (ledger.ShareRow, error) {
	if w.Length != 0 {
		return row, bad("write %v: %d bytes of data, but all are here; allocate again", row.ID, w.Length)
	}
	info, err := k.store.Stat(ctx, row.ID)
	if err != nil {
		k.suspect(ctx, row.ID, err)
		return row, err
	}
	manifest, _, done, err := k.readTrailers(ctx, w, body)
	if err != nil {
		return row, err
	}
	defer done()
	if shares.Sum(manifest) != info.Header.Manifest {
		err := fmt.Errorf("write %v: %w: another manifest is held", row.ID, ledger.ErrConflict)
		if leaseOf(row, from).Pending {
			err = errors.Join(err, k.release(ctx, from, row.ID))
		}
		return row, err
	}
	if leaseOf(row, from).Pending {
		return k.commit(ctx, from, row, info.Header.Root, info.Header.Manifest)
	}
	return row, nil
}

// full releases an upload for which the disk has no room, and says so with
// numbers.
func (k *keep) full(ctx context.Context, from peer.ID, row ledger.ShareRow, cause error) error {
	k.fatal(cause)
	k.log.Warn("no room on the disk for an upload", "share", row.ID, "from", from, "err", cause)
	r := &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: row.Charge}
	if room, err := k.room(ctx); err == nil {
		r.Free = min(max(room.Disk, 0), row.Charge-1)
	}
	r.Short = r.Asked - r.Free
	r.Cures = []potluck.Cure{{Kind: potluck.CureOffer, Bytes: r.Short}}
	if err := k.release(ctx, from, row.ID); err != nil {
		return errors.Join(err, cause)
	}
	return r
}

// release ends the reservation of from, and deletes what nobody holds then. It
// is done also when the asker is gone.
func (k *keep) release(ctx context.Context, from peer.ID, id potluck.ShareID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	gone, err := k.book.Abort(ctx, from, []potluck.ShareID{id})
	if err != nil {
		k.fatal(err)
		return fmt.Errorf("release %v: %w", id, err)
	}
	return k.remove(ctx, gone)
}

// receipt signs that a share is held.
func (k *keep) receipt(owner peer.ID, row ledger.ShareRow) (p2p.WriteResponse, error) {
	sealed, err := p2p.SealReceipt(k.key, p2p.Receipt{Host: k.self, Owner: owner, Share: row.ID, Layout: row.Layout,
		Charge: row.Charge, Root: row.Root, Manifest: row.Manifest, Time: k.clock().Unix()})
	if err != nil {
		return p2p.WriteResponse{}, fmt.Errorf("receipt of %v: %w", row.ID, err)
	}
	return p2p.WriteResponse{Receipt: sealed}, nil
}
