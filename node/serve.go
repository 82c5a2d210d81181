package node

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// Read sends a part of a share to any friend, also to a denied one: who knows
// the storage index may have the ciphertext.
func (k *keep) Read(ctx context.Context, from peer.ID, r p2p.ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
	s, err := k.lend(ctx, potluck.ShareID{Index: r.Index, Number: r.Number})
	if err != nil {
		return 0, nil, err
	}
	n, send, err := part(ctx, s, r)
	if err != nil {
		return 0, nil, k.answer(errors.Join(err, s.Close()))
	}
	return n, func(ctx context.Context, w io.Writer) error {
		return errors.Join(send(ctx, w), s.Close())
	}, nil
}

// lend opens a share for somebody who reads it; the error is an answer.
func (k *keep) lend(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	s, err := timed(&k.timed, timeOpen, func() (shares.Share, error) { return k.store.Open(ctx, id) })
	if err != nil {
		k.suspect(ctx, id, err)
		return nil, k.answer(err)
	}
	return s, nil
}

// part tells the length of a part of an open share, and how to send it.
func part(ctx context.Context, s shares.Share, r p2p.ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
	whole := func(b []byte) (potluck.Size, func(context.Context, io.Writer) error, error) {
		return potluck.Size(len(b)), func(_ context.Context, w io.Writer) error {
			_, err := w.Write(b)
			return err
		}, nil
	}
	switch r.Part {
	case p2p.PartManifest:
		return whole(s.Manifest())
	case p2p.PartCrosscheck:
		b, err := s.Crosscheck(ctx)
		if err != nil {
			return 0, nil, err
		}
		return whole(b)
	}
	size := shares.DataLen(s.Header().Layout)
	if r.Length < 1 || r.Offset > size || r.Length > size-r.Offset {
		return 0, nil, bad("read: %d bytes from %d of a share of %d", r.Length, r.Offset, size)
	}
	return shares.SliceLen(size, r.Offset, r.Length), func(ctx context.Context, w io.Writer) error {
		return s.Slice(ctx, w, r.Offset, r.Length)
	}, nil
}

// suspect marks a share whose bytes aren't what the books say, so that its
// owners are told the truth from now on.
func (k *keep) suspect(ctx context.Context, id potluck.ShareID, cause error) {
	state := ledger.ShareLost
	switch {
	case errors.Is(cause, shares.ErrDamaged):
		state = ledger.ShareCorrupt
	case !errors.Is(cause, shares.ErrNotFound):
		return
	}
	row, err := k.book.Share(ctx, id)
	if err != nil || row.State != ledger.ShareStable {
		return
	}
	if err := k.mark(ctx, row, state, cause.Error()); err != nil {
		k.log.Error("mark a share", "share", id, "err", err)
	}
}

// Have tells which shares are held here, and looks at the store for each.
func (k *keep) Have(ctx context.Context, from peer.ID, h p2p.HaveRequest) (p2p.HaveResponse, error) {
	a := p2p.HaveResponse{Sets: make([]p2p.ShareSet, len(h.Indexes))}
	held := 0
	for i, index := range h.Indexes {
		rows, err := k.book.SharesOf(ctx, index)
		if err != nil {
			return p2p.HaveResponse{}, k.answer(err)
		}
		for _, row := range rows {
			if row.State != ledger.ShareStable {
				continue
			}
			if _, err := k.store.Stat(ctx, row.ID); err != nil {
				k.suspect(ctx, row.ID, err)
				continue
			}
			lease := leaseOf(row, from)
			a.Sets[i].Shares = append(a.Sets[i].Shares, p2p.HeldShare{Number: row.ID.Number, Root: row.Root,
				Manifest: row.Manifest, Mine: lease != nil && !lease.Pending})
		}
		if held += len(a.Sets[i].Shares); held > p2p.MaxHeld {
			return p2p.HaveResponse{}, &p2p.Error{Code: p2p.CodeTooLarge}
		}
	}
	return a, nil
}

// Cancel ends leases of the asker, and deletes what nobody holds then.
func (k *keep) Cancel(ctx context.Context, from peer.ID, c p2p.CancelRequest) (p2p.CancelResponse, error) {
	var a p2p.CancelResponse
	for _, id := range c.Shares {
		row, err := k.book.Share(ctx, id)
		if err == nil && leaseOf(row, from) != nil {
			a.Cancelled++
		}
	}
	freed, gone, err := k.book.Cancel(ctx, from, c.Shares)
	defer k.shrunk()
	if err != nil {
		return p2p.CancelResponse{}, k.answer(err)
	}
	a.Freed = freed
	// The leases are gone, whatever becomes of the bytes: if we die here, the
	// rows are GOING and the sweep deletes them.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	if err := k.remove(after, gone); err != nil {
		k.log.Warn("bytes of cancelled shares are deleted later", "from", from, "err", err)
	}
	return a, nil
}

// Renew keeps all leases of the asker until a time, at most maxLease away.
func (k *keep) Renew(ctx context.Context, from peer.ID, r p2p.RenewRequest) (p2p.RenewResponse, error) {
	now := k.clock()
	until := min(r.Until, now.Add(maxLease).Unix())
	if until <= now.Unix() {
		return p2p.RenewResponse{}, bad("renew: until %d, and it is %d", r.Until, now.Unix())
	}
	n, err := k.book.Renew(ctx, from, time.Unix(until, 0))
	if err != nil {
		return p2p.RenewResponse{}, k.answer(err)
	}
	u, err := k.book.Usage(ctx, from)
	if err != nil {
		return p2p.RenewResponse{}, k.answer(err)
	}
	return p2p.RenewResponse{Until: until, Shares: n, Bytes: u.Held}, nil
}

// remove deletes the bytes of GOING shares, and then their rows. What can't be
// deleted now is tried again by the sweep.
func (k *keep) remove(ctx context.Context, gone []potluck.ShareID) error {
	var deleted []potluck.ShareID
	var errs []error
	for _, id := range gone {
		// If we die between the two: the row is GOING without bytes, and the
		// sweep's Delete finds nothing, which is as good.
		begun := time.Now()
		err := k.store.Delete(ctx, id)
		k.timed.since(timeDelete, begun)
		if err == nil {
			deleted = append(deleted, id)
			continue
		}
		k.fatal(err)
		errs = append(errs, err, k.book.NotDeleted(ctx, []potluck.ShareID{id}, err.Error()))
	}
	if len(deleted) > 0 {
		errs = append(errs, k.book.Deleted(ctx, deleted))
	}
	err := errors.Join(errs...)
	k.fatal(err)
	return err
}

// sweep ends what is past its time, and deletes what an earlier life left. It
// is the recovery at the start too.
func (k *keep) sweep(ctx context.Context) error {
	for {
		gone, more, err := k.book.Expire(ctx, k.clock(), expireBatch)
		if err != nil {
			k.fatal(err)
			return err
		}
		if err := k.remove(ctx, gone); err != nil {
			return err
		}
		if len(gone) > 0 {
			k.shrunk()
		}
		if !more {
			return nil
		}
	}
}

// finish deletes the shares whose deletion a death interrupted; the sweep would
// do it too, but not before it is sure that nobody else does.
func (k *keep) finish(ctx context.Context) error {
	var going []potluck.ShareID
	err := k.book.Shares(ctx, potluck.ShareID{}, func(row ledger.ShareRow) error {
		if row.State == ledger.ShareGoing {
			going = append(going, row.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.remove(ctx, going)
}
