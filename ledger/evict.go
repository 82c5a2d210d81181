package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// evictKeep is how many candidates are kept in memory before those that can't be
// among the newest are thrown away.
const evictKeep = 1 << 12

// EvictNewest drops the newest of owner's held leases, as long as their charges
// sum to at most atMost, and at least one when atMost is above zero (CREDIT.md
// section 6: the ladder's last step). freed and gone are as with Cancel.
func (b *Book) EvictNewest(ctx context.Context, owner peer.ID, atMost potluck.Size) (freed potluck.Size, gone []potluck.ShareID, err error) {
	if err := first(checkPeer(owner), checkSize("bytes to evict", atMost)); err != nil {
		return 0, nil, fmt.Errorf("evict: %w: %w", err, ErrInvalid)
	}
	if atMost == 0 {
		return 0, nil, nil
	}
	n := newest{atMost: atMost}
	err = b.view(ctx, func(v view) error {
		return v.owned(ctx, owner, func(id potluck.ShareID, l Lease) error {
			if !l.Pending {
				n.add(aged{id, l.Since, l.Charge})
			}
			return nil
		})
	})
	if err != nil {
		return 0, nil, fmt.Errorf("evict: %w", err)
	}
	ids := n.take()
	return b.dropAll(ctx, owner, ids, Event{Kind: KindEvict, Reason: "the newest of what isn't covered"},
		func(_ share, l Lease) bool { return !l.Pending })
}

// aged is a lease with its age.
type aged struct {
	id     potluck.ShareID
	since  int64
	charge potluck.Size
}

// newest finds the newest leases up to a sum of charges.
type newest struct {
	atMost potluck.Size
	all    []aged
}

func (n *newest) add(a aged) {
	if n.all = append(n.all, a); len(n.all) >= evictKeep && len(n.all)&(len(n.all)-1) == 0 {
		n.all = n.all[:n.cut()]
	}
}

// cut sorts and tells how many are needed: the first ones that fit, at least one.
func (n *newest) cut() int {
	slices.SortFunc(n.all, func(a, b aged) int {
		return cmp.Or(cmp.Compare(b.since, a.since), a.id.Compare(b.id))
	})
	left := n.atMost
	for i, a := range n.all {
		if left -= a.charge; left < 0 {
			return max(i, min(1, len(n.all)))
		}
	}
	return len(n.all)
}

func (n *newest) take() (ids []potluck.ShareID) {
	for _, a := range n.all[:n.cut()] {
		ids = append(ids, a.id)
	}
	return ids
}
