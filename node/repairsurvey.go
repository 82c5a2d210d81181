package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/shares"
)

// survey lists the files that need repair by the books: all of them when that is
// due, else those of which something was heard. gone are the hosts that were away
// for too long.
func (r *repair) survey(ctx context.Context, now time.Time) (list []patient, gone []peer.ID, all bool, err error) {
	gone, here, err := r.n.absent(ctx, now)
	if err != nil {
		return nil, nil, false, err
	}
	r.mu.Lock()
	doubted := r.doubted
	r.doubted = make(map[potluck.StorageIndex]bool)
	all = now.Sub(r.surveyed).Abs() >= repairEvery && now.Sub(r.n.started) >= min(repairSettle, r.n.wish().RepairAfter)
	if all {
		r.surveyed = now
	}
	r.mu.Unlock()
	places, err := (*hosts)(r.n).Hosts(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	look := func(f ledger.File) error {
		p, needs, err := r.examine(ctx, f, gone, here, places)
		if needs {
			list = append(list, p)
		}
		return err
	}
	if all {
		err = errors.Join(r.measure(ctx), r.n.book.Files(ctx, func(f ledger.File) error {
			if !doubted[f.Index] && now.Sub(time.Unix(f.Put, 0)) < r.n.config.Coming {
				return nil // its put may still spread it
			}
			return look(f)
		}))
	} else {
		for index := range doubted {
			f, missing := r.n.book.File(ctx, index)
			if errors.Is(missing, ledger.ErrNotFound) {
				continue
			}
			if err = cmp.Or(err, missing); err == nil {
				err = look(f)
			}
		}
	}
	return list, gone, all, err
}

// examine tells by the books whether a file needs repair: fewer numbers are left
// than files.Enough asks for, a number lies at two hosts that are here, or two
// numbers at one place while a friend that is here has none.
func (r *repair) examine(ctx context.Context, f ledger.File, gone []peer.ID, here map[peer.ID]bool, places []files.Place) (patient, bool, error) {
	rows, err := r.n.book.Placements(ctx, f.Index)
	if err != nil {
		return patient{}, false, err
	}
	left, twice, claims := make(map[potluck.ShareNumber]bool), false, 0
	seen := make(map[potluck.ShareNumber]bool)
	for _, p := range rows {
		if p.State == ledger.PlacedLost && here[p.Host] {
			claims++ // it may be there again, and is read then
		}
		if p.State != ledger.PlacedStable || slices.Contains(gone, p.Host) {
			continue
		}
		left[p.Share.Number] = true
		if here[p.Host] {
			twice = twice || seen[p.Share.Number]
			seen[p.Share.Number] = true
		}
	}
	rows = slices.DeleteFunc(rows, func(p ledger.Placement) bool { return slices.Contains(gone, p.Host) })
	n := int(f.Layout.N)
	p := patient{file: caps.Verify{Layout: f.Layout, Index: f.Index, Manifest: f.Manifest}, name: f.Name, spare: len(left) - int(f.Layout.K)}
	needs := len(left) < files.Enough(f.Layout)
	if needs {
		p.cost = files.RepairCost(f.Layout, n-len(left)) + potluck.Size(claims)*shares.DataLen(f.Layout)
	}
	if moves := files.Stacked(places, rows, func(h peer.ID) bool { return here[h] }); moves > 0 && !r.spread(f.Index) {
		p.cost += potluck.Size(moves) * files.MoveCost(f.Layout)
		p.whole = !needs && !twice
		return p, true, nil
	}
	return p, needs || twice, nil
}

// absent lists the hosts that were away for too long, and those that are here.
func (n *Node) absent(ctx context.Context, now time.Time) (gone []peer.ID, here map[peer.ID]bool, err error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	here = make(map[peer.ID]bool)
	settled := now.Sub(n.started) >= min(repairSettle, n.wish().RepairAfter)
	for _, a := range accounts {
		switch {
		case n.host.Connected(a.Peer):
			here[a.Peer] = true
		case settled && now.Sub(lastHere(a)) >= n.wish().RepairAfter:
			gone = append(gone, a.Peer)
		}
	}
	if len(here) == 0 {
		return nil, here, nil // it is this node that is away
	}
	return gone, here, nil
}

// lastHere is when an account was known to be here last: one who left before it was
// noted as seen is away since it was met.
func lastHere(a ledger.Account) time.Time { return time.Unix(max(a.FirstSeen, a.LastSeen), 0) }

// spread tells whether nobody took shares of a file that lie together a short while
// ago.
func (r *repair) spread(index potluck.StorageIndex) bool {
	now := r.n.config.Clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.spreads[index].next)
}
