package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/p2p"
)

// losses tells owners what this node can't give back any more. What is to be told
// follows from the rows that are LOST or CORRUPT: at the start they are looked
// for, later they are added as they are marked. An owner that is away is told
// when it comes; after a restart all are told again, which changes nothing there.
type losses struct {
	n     *Node
	cycle *lifecycle.Cycle

	looked bool // the rows of earlier lives are in due; owned by the cycle

	mu  sync.Mutex
	due map[peer.ID]map[potluck.ShareID]bool // not acknowledged yet, by owner
}

const lossRetry = time.Minute

func newLosses(n *Node) *losses {
	l := &losses{n: n, due: make(map[peer.ID]map[potluck.ShareID]bool)}
	l.cycle = lifecycle.NewCycle(l.turn)
	return l
}

// add notes that the owners of a share are to be told.
func (l *losses) add(row ledger.ShareRow) {
	l.mu.Lock()
	for _, lease := range row.Leases {
		if lease.Owner == ledger.Anonymous || lease.Pending {
			continue
		}
		if l.due[lease.Owner] == nil {
			l.due[lease.Owner] = make(map[potluck.ShareID]bool)
		}
		l.due[lease.Owner][row.ID] = true
	}
	l.mu.Unlock()
	l.cycle.Trigger()
}

// turn tells the owners that are here.
func (l *losses) turn(ctx context.Context) time.Duration {
	if l.n.writable() != nil {
		return -1 // what an old copy has lost says nothing
	}
	if err := l.look(ctx); err != nil {
		l.n.tend.complain("look for losses", err)
		return lossRetry
	}
	l.mu.Lock()
	owners := slices.Collect(maps.Keys(l.due))
	l.mu.Unlock()
	again := time.Duration(-1)
	for _, p := range owners {
		if !l.n.host.Connected(p) {
			continue // its coming wakes this loop
		}
		if err := l.tell(ctx, p); err != nil {
			l.n.log.Debug("can't tell an owner of losses", "owner", p, "err", err)
			l.n.fatal(err)
			again = lossRetry
		}
	}
	return again
}

// look finds what earlier lives marked.
func (l *losses) look(ctx context.Context) error {
	if l.looked {
		return nil
	}
	err := l.n.book.Shares(ctx, potluck.ShareID{}, func(row ledger.ShareRow) error {
		if isDamaged(row.State) {
			l.add(row)
		}
		return nil
	})
	l.looked = err == nil
	return err
}

func isDamaged(s ledger.ShareState) bool { return s == ledger.ShareLost || s == ledger.ShareCorrupt }

// tell tells one owner all that is due, as much at once as a request takes. What
// was cancelled, written again or found since isn't told.
func (l *losses) tell(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, talkTime)
	defer cancel()
	l.mu.Lock()
	ids := slices.SortedFunc(maps.Keys(l.due[p]), potluck.ShareID.Compare)
	l.mu.Unlock()
	for part := range slices.Chunk(ids, p2p.MaxLoss) {
		r, err := l.request(ctx, p, part)
		if err != nil {
			return err
		}
		if len(r.Lost)+len(r.Corrupt) > 0 {
			_, err := l.n.host.Loss(ctx, p, r)
			if p2p.CodeOf(err) == p2p.CodeUnsupported {
				return nil // an older program, or one that is being recovered: when it comes again
			}
			if err != nil {
				return err
			}
		}
		l.told(p, part)
	}
	return nil
}

// request says what the rows say now.
func (l *losses) request(ctx context.Context, p peer.ID, ids []potluck.ShareID) (r p2p.LossRequest, err error) {
	for _, id := range ids {
		row, err := l.n.book.Share(ctx, id)
		if err := ignoreChanged(err); err != nil {
			return r, err
		}
		switch lease := leaseOf(row, p); {
		case err != nil || lease == nil || lease.Pending:
		case row.State == ledger.ShareLost:
			r.Lost = append(r.Lost, id)
		case row.State == ledger.ShareCorrupt:
			r.Corrupt = append(r.Corrupt, id)
		}
	}
	return r, nil
}

// told notes that an owner knows.
func (l *losses) told(p peer.ID, ids []potluck.ShareID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.due[p], id)
	}
	if len(l.due[p]) == 0 {
		delete(l.due, p)
	}
}

// Loss hears what a host can't give back any more, though it held it. The
// placements count no longer before it is acknowledged; what the host says of
// shares that aren't placed there changes nothing.
func (c *clerk) Loss(ctx context.Context, from peer.ID, r p2p.LossRequest) (p2p.LossResponse, error) {
	n, err := c.begin(ctx, &c.asked, from, 1, clerkAsks)
	if err != nil {
		return p2p.LossResponse{}, err
	}
	var a p2p.LossResponse
	for _, l := range []struct {
		shares []potluck.ShareID
		reason string
	}{
		{r.Lost, "the host says that the bytes vanished"},
		{r.Corrupt, "the host says that the bytes changed"},
	} {
		marked, err := n.mourn(ctx, from, l.shares, l.reason)
		a.Marked += int64(marked)
		if err != nil {
			return p2p.LossResponse{}, n.keep.answer(err)
		}
	}
	return a, nil
}

// mourn marks those of the shares that count as placed at a host as lost, and
// lets what depends on it follow.
func (n *Node) mourn(ctx context.Context, host peer.ID, ids []potluck.ShareID, reason string) (int, error) {
	var counted []potluck.ShareID
	for _, id := range ids {
		rows, err := n.book.Placements(ctx, id.Index)
		if err != nil {
			return 0, err
		}
		for _, p := range rows {
			if p.Host == host && p.Share == id && p.State == ledger.PlacedStable {
				counted = append(counted, id)
			}
		}
	}
	if len(counted) == 0 {
		return 0, nil
	}
	n.log.Warn("a host lost what it held for this node", "host", host, "shares", len(counted), "reason", reason)
	err := n.book.Mark(ctx, host, counted, ledger.PlacedLost, reason)
	for _, id := range counted {
		n.repair.doubt(id.Index)
	}
	n.shrunk()
	return len(counted), err
}
