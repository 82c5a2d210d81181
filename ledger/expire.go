package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// clockJump is how many seconds may pass between two calls of Expire before the
// clock is mistrusted.
const clockJump = 3600

// clockSteps remembers when Expire was called last; at open, the newest event.
type clockSteps struct{ last int64 }

// steady tells whether the clock moved by at most clockJump since the last look.
func (c *clockSteps) steady(now int64) (jump int64, ok bool) {
	jump, c.last = now-c.last, now
	return jump, jump >= -clockJump && jump <= clockJump
}

// due is something that may have ended: a lease, or a GOING share (owner empty).
type due struct {
	id    potluck.ShareID
	owner peer.ID
}

// Expire ends what is past its time at now: pending leases and so COMING shares,
// leases past their own end or their account's, and names GOING shares whose
// deletion wasn't reported. It handles at most limit rows (1 to MaxBatch); more
// tells that there were others. The bytes of the shares in gone must be deleted
// now, as with Abort.
//
// When now is more than an hour away from the call before (or, for the first
// call, from the newest event) the clock may have jumped: nothing ends, an event
// notes it, and the next call goes on from there. So call it several times an
// hour.
func (b *Book) Expire(ctx context.Context, now time.Time, limit int) (gone []potluck.ShareID, more bool, err error) {
	at := now.Unix()
	if err := checkTimes(at); err != nil {
		return nil, false, fmt.Errorf("expire: %w: %w", err, ErrInvalid)
	}
	b.mu.Lock()
	jump, steady := b.steps.steady(at)
	b.mu.Unlock()
	if !steady {
		reason := fmt.Sprintf("the clock moved by %d seconds since it was looked at; nothing was expired", jump)
		err := b.do(ctx, "expire", false, func(t *tx) error {
			t.note(Event{Kind: KindClock, Reason: reason})
			return nil
		})
		return nil, false, err
	}
	limit = min(max(limit, 1), MaxBatch)
	all, err := b.dues(ctx, at, limit+1)
	if err != nil || len(all) == 0 {
		return nil, false, err
	}
	more = len(all) > limit
	all = all[:min(limit, len(all))]
	err = b.do(ctx, "expire", false, func(t *tx) error {
		t.now = at
		gone = nil
		for _, d := range all {
			left, err := t.expire(d, at)
			if err != nil {
				return err
			}
			if left {
				gone = append(gone, d.id)
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	return gone, more, nil
}

// expire ends one row, if it is still due.
func (t *tx) expire(d due, now int64) (gone bool, err error) {
	if d.owner == "" {
		s, there, err := getShare(t, d.id)
		if err != nil || !there || s.State != ShareGoing || s.Deadline > now {
			return false, err
		}
		return true, t.stayGoing(s, "its deletion was not reported in time")
	}
	s, l, leased, err := t.leased(d.owner, d.id)
	if err != nil || !leased {
		return false, err
	}
	end := l.Until
	if end == 0 {
		a, _, err := knownAccount(t, d.owner)
		if err != nil {
			return false, err
		}
		end = a.LeasesUntil
	}
	if end == 0 || end > now {
		return false, nil
	}
	t.note(Event{Kind: KindExpire, Peer: d.owner, Share: &d.id, Bytes: l.Charge})
	return t.dropLease(s, l)
}

// dues finds at most limit rows that are past their time. They are looked at
// again by the operation that ends them.
func (b *Book) dues(ctx context.Context, now int64, limit int) (all []due, err error) {
	err = b.view(ctx, func(v view) error {
		take := func(k *keyReader, key []byte, d due) error {
			if err := k.end(key); err != nil {
				return err
			}
			if all = append(all, d); len(all) == limit {
				return ErrStop
			}
			return nil
		}
		ended := func(prefix byte, read func(*keyReader) due) error {
			return v.scan(ctx, span{prefix: []byte{prefix}, keysOnly: true}, func(key, _ []byte) error {
				if len(key) > timeLen && binary.BigEndian.Uint64(key[1:]) > uint64(now) {
					return ErrStop
				}
				k := parts(key)
				k.number()
				return take(k, key, read(k))
			})
		}
		if err := ended(keyLeaseByEnd, func(k *keyReader) due { return due{id: k.share(), owner: k.peer()} }); err != nil || len(all) == limit {
			return err
		}
		if err := ended(keyGoing, func(k *keyReader) due { return due{id: k.share()} }); err != nil || len(all) == limit {
			return err
		}
		return v.lapsed(ctx, now, func(d due) error {
			if all = append(all, d); len(all) == limit {
				return ErrStop
			}
			return nil
		})
	})
	return all, err
}

// lapsed visits the leases that end with their account's heartbeat.
func (v view) lapsed(ctx context.Context, now int64, visit func(due) error) error {
	stopped := false
	return v.scan(ctx, span{prefix: []byte{keyAccount}}, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		a, err := decodeAccount(p, row)
		if err = first(k.end(key), err); err != nil || a.LeasesUntil == 0 || a.LeasesUntil > now {
			return err
		}
		err = v.scan(ctx, span{prefix: peerKey(keyLeaseByOwner, p), keysOnly: true}, func(key, _ []byte) error {
			k := parts(key)
			k.peer()
			id := k.share()
			l, found, err := getLease(v, id, p)
			if err = first(k.end(key), err); err != nil || !found || l.Until != 0 {
				return err
			}
			err = visit(due{id: id, owner: p})
			stopped = err == ErrStop
			return err
		})
		if err == nil && stopped {
			return ErrStop
		}
		return err
	})
}
