package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Deleted notes that the bytes of these GOING shares are gone, durably; their
// rows are removed. Shares without a row are left alone. Errors: ErrConflict when
// a share isn't GOING.
func (b *Book) Deleted(ctx context.Context, ids []potluck.ShareID) error {
	return b.going(ctx, "note deletions", ids, func(t *tx, s share) error {
		t.note(Event{Kind: KindDeleted, Share: &s.ID, Bytes: s.Charge})
		return t.dropShare(s)
	})
}

// NotDeleted notes that the bytes of these GOING shares couldn't be deleted.
// They stay GOING, and Expire names them again after a while. Shares without a
// row are left alone. Errors: ErrConflict when a share isn't GOING.
func (b *Book) NotDeleted(ctx context.Context, ids []potluck.ShareID, reason string) error {
	return b.going(ctx, "note failed deletions", ids, func(t *tx, s share) error { return t.stayGoing(s, reason) })
}

func (t *tx) stayGoing(s share, reason string) error {
	later := s
	later.Deadline = t.now + goingRetry
	t.note(Event{Kind: KindNotDeleted, Share: &s.ID, Bytes: s.Charge, Reason: reason})
	return t.putShare(s, later)
}

func (b *Book) going(ctx context.Context, name string, ids []potluck.ShareID, change func(*tx, share) error) error {
	return pieces(ids, func(part []potluck.ShareID) error {
		return b.do(ctx, name, false, func(t *tx) error {
			for _, id := range part {
				s, there, err := getShare(t, id)
				if err != nil {
					return err
				}
				if !there {
					continue
				}
				if s.State != ShareGoing {
					return fmt.Errorf("share %v is %v, not GOING: %w", id, s.State, ErrConflict)
				}
				if err := change(t, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// MarkShare notes that a STABLE share is ShareLost or ShareCorrupt, or that the
// bytes of such a one were read again from end to end and have its root:
// ShareStable. Its leases stay, and are charged, until they are cancelled or end.
// Marking it the same again changes nothing. Errors: ErrNotFound; ErrConflict for
// every other step.
func (b *Book) MarkShare(ctx context.Context, id potluck.ShareID, state ShareState, reason string) error {
	kind := map[ShareState]string{ShareLost: KindLost, ShareCorrupt: KindCorrupt, ShareStable: KindFound}[state]
	if kind == "" {
		return fmt.Errorf("mark share %v as %v: %w", id, state, ErrInvalid)
	}
	return b.do(ctx, "mark a share", false, func(t *tx) error {
		s, there, err := getShare(t, id)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("share %v: %w", id, ErrNotFound)
		}
		if s.State == state {
			return nil
		}
		if s.State == ShareComing && state == ShareStable {
			return fmt.Errorf("share %v is COMING, which ends with Commit: %w", id, ErrConflict)
		}
		marked := s
		marked.State = state
		t.note(Event{Kind: kind, Share: &id, Bytes: s.Charge, Reason: reason})
		return t.putShare(s, marked)
	})
}

// Share gives one share with its leases. Errors: ErrNotFound.
func (b *Book) Share(ctx context.Context, id potluck.ShareID) (row ShareRow, err error) {
	err = b.view(ctx, func(v view) error {
		row, err = v.share(ctx, id)
		return err
	})
	return row, err
}

func (v view) share(ctx context.Context, id potluck.ShareID) (ShareRow, error) {
	s, there, err := getShare(v, id)
	if err == nil && !there {
		err = fmt.Errorf("share %v: %w", id, ErrNotFound)
	}
	if err != nil {
		return ShareRow{}, err
	}
	row := s.row()
	err = v.scan(ctx, span{prefix: shareKey(keyLease, id)}, func(key, value []byte) error {
		_, l, err := readLease(key, value)
		row.Leases = append(row.Leases, l)
		return err
	})
	return row, err
}

// SharesOf gives the shares of one share set, by number.
func (b *Book) SharesOf(ctx context.Context, index potluck.StorageIndex) (rows []ShareRow, err error) {
	err = b.view(ctx, func(v view) error {
		return v.shares(ctx, indexKey(keyShare, index), indexKey(keyLease, index), nil, nil, func(r ShareRow) error {
			rows = append(rows, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the shares of %v: %w", index, err)
	}
	return rows, nil
}

// Shares visits every share greater than after (the zero ID: every share), in
// order. visit may call methods of the book; it sees the books as they were when
// Shares was called. ErrStop from visit ends the walk, which can go on later after
// the last share; memory doesn't grow with the number of shares.
func (b *Book) Shares(ctx context.Context, after potluck.ShareID, visit func(ShareRow) error) error {
	var fromShare, fromLease []byte
	if after != (potluck.ShareID{}) {
		fromShare, fromLease = shareKey(keyShare, after), shareKey(keyLease, after)
	}
	return b.view(ctx, func(v view) error {
		return v.shares(ctx, []byte{keyShare}, []byte{keyLease}, fromShare, fromLease, visit)
	})
}

// shares walks shares and leases side by side; both are in the order of shares.
func (v view) shares(ctx context.Context, shares, leases, fromShare, fromLease []byte, visit func(ShareRow) error) error {
	w := v.walk(span{prefix: leases, after: fromLease})
	defer w.close()
	more := w.next()
	return v.scan(ctx, span{prefix: shares, after: fromShare}, func(key, value []byte) error {
		s, err := readShare(key, value)
		if err != nil {
			return err
		}
		row := s.row()
		for ; more; more = w.next() {
			id, l, err := readLease(w.key, w.row)
			if err != nil {
				return err
			}
			c := id.Compare(s.ID)
			if c > 0 {
				break
			}
			if c == 0 {
				row.Leases = append(row.Leases, l)
			}
		}
		if w.err != nil {
			return w.err
		}
		return visit(row)
	})
}

func readShare(key, value []byte) (share, error) {
	k := parts(key)
	id := k.share()
	if err := k.end(key); err != nil {
		return share{}, err
	}
	return decodeShare(id, value)
}

func readLease(key, value []byte) (id potluck.ShareID, l Lease, err error) {
	k := parts(key)
	id, owner := k.share(), k.peer()
	if err := k.end(key); err != nil {
		return id, l, err
	}
	l, err = decodeLease(owner, value)
	return id, l, err
}

// Leases visits every share on which owner has a lease, in order, with all of
// its leases. visit may call methods of the book.
func (b *Book) Leases(ctx context.Context, owner peer.ID, visit func(ShareRow) error) error {
	return b.LeasesAfter(ctx, owner, potluck.ShareID{}, visit)
}

// LeasesAfter is Leases from the first share after one on, or with the zero ID
// from the first. ErrStop of visit ends it without an error.
func (b *Book) LeasesAfter(ctx context.Context, owner peer.ID, after potluck.ShareID, visit func(ShareRow) error) error {
	return b.view(ctx, func(v view) error {
		return v.scan(ctx, pastShare(keyLeaseByOwner, owner, after), func(key, _ []byte) error {
			k := parts(key)
			k.peer()
			id := k.share()
			if err := k.end(key); err != nil {
				return err
			}
			row, err := v.share(ctx, id)
			if err != nil {
				return err
			}
			return visit(row)
		})
	})
}
