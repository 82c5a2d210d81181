package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/p2p"
)

// VerifyCap gives the verify cap of a cap of a file with shares. Errors:
// *UsageError for a literal, which has none.
func VerifyCap(cp caps.Cap) (caps.Verify, error) {
	switch cp := cp.(type) {
	case caps.Read:
		return cp.Verify(), nil
	case caps.Verify:
		return cp, nil
	}
	return caps.Verify{}, &UsageError{"this cap holds its file itself: no friend keeps anything of it"}
}

// Where asks all friends which shares of a file they hold, and joins that with
// the owner's placements: what can't be asked now is unknown, not lost.
func (c *Client) Where(ctx context.Context, cp caps.Cap) (WhereResult, error) {
	v, err := VerifyCap(cp)
	if err != nil {
		return WhereResult{}, err
	}
	hosts, known, err := c.candidates(ctx, nil)
	if err != nil {
		return WhereResult{}, err
	}
	if c.c.Local != nil {
		hosts = append(hosts, c.c.Self)
		known.name(c.c.Self, "this node")
	}
	placed, err := c.c.Books.Placements(ctx, v.Index)
	if err != nil {
		return WhereResult{}, fmt.Errorf("look placements up: %w", err)
	}
	found := c.ask(ctx, v.Index, hosts, known)
	found = slices.DeleteFunc(found, func(h holding) bool {
		return h.Manifest != v.Manifest || h.Number >= potluck.ShareNumber(v.Layout.N)
	})
	r := WhereResult{Index: v.Index, Size: v.Layout.Size, Layout: v.Layout, Shares: tell(v, found, placed, hosts, known)}
	var edges []edge
	for _, h := range found {
		edges = append(edges, edge{h.Number, h.host})
	}
	r.Survives = known.homes.chanceOf(int(v.Layout.K), edges, known.up).Survives
	r.Readable = r.Survives >= 0
	r.Survives = max(0, r.Survives)
	return r, nil
}

// tell lists the shares by number: what hosts said, then what only the books
// say, then the numbers that nobody is known to hold.
func tell(v caps.Verify, found []holding, placed []ledger.Placement, asked []peer.ID, known *peers) []ShareAt {
	var list []ShareAt
	have := make(map[edge]bool)
	numbered := make(map[potluck.ShareNumber]bool)
	row := func(n potluck.ShareNumber, h peer.ID, state ShareState) *ShareAt {
		numbered[n] = true
		list = append(list, ShareAt{Number: n, Host: h, Name: known.nameOf(h), State: state})
		return &list[len(list)-1]
	}
	for _, h := range found {
		have[edge{h.Number, h.host}] = true
		at := row(h.Number, h.host, ShareHeld)
		for _, l := range placed {
			if l.Share.Number == h.Number && l.Host == h.host {
				at.Placed, at.Charge = l.Placed, l.Charge
			}
		}
	}
	for _, l := range placed {
		if have[edge{l.Share.Number, l.Host}] || (l.State != ledger.PlacedStable && l.State != ledger.PlacedLost) {
			continue
		}
		state := ShareUnknown
		switch {
		case l.State == ledger.PlacedLost && slices.ContainsFunc(found, func(h holding) bool { return h.Number == l.Share.Number }):
			state = ShareReplaced
		case slices.Contains(asked, l.Host) && !known.hasFailed(l.Host):
			state = ShareLost
		}
		at := row(l.Share.Number, l.Host, state)
		at.Placed, at.Charge = l.Placed, l.Charge
	}
	for n := range v.Layout.N {
		if !numbered[potluck.ShareNumber(n)] {
			list = append(list, ShareAt{Number: potluck.ShareNumber(n), State: ShareMissing})
		}
	}
	slices.SortStableFunc(list, func(a, b ShareAt) int { return int(a.Number) - int(b.Number) })
	return list
}

// Remove ends this node's leases on all shares of a file, and forgets the file.
// Placements at hosts that can't be reached are marked as removed; Sweep tells
// the hosts later. ledger.ErrNotFound: this node has put no such file.
func (c *Client) Remove(ctx context.Context, cp caps.Cap) (RemoveResult, error) {
	v, err := VerifyCap(cp)
	if err != nil {
		return RemoveResult{}, err
	}
	turn, err := c.turn(ctx, v.Index)
	if err != nil {
		return RemoveResult{}, fmt.Errorf("wait for the end of its put: %w", err)
	}
	defer c.giveBack(turn)
	placed, err := c.c.Books.Placements(ctx, v.Index)
	if err != nil {
		return RemoveResult{}, fmt.Errorf("look placements up: %w", err)
	}
	_, err = c.c.Books.File(ctx, v.Index)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return RemoveResult{}, fmt.Errorf("look the file up: %w", err)
	}
	if errors.Is(err, ledger.ErrNotFound) && len(placed) == 0 {
		return RemoveResult{}, fmt.Errorf("this node has put no such file: %w", err)
	}
	byHost := make(map[peer.ID][]potluck.ShareID)
	for _, l := range placed {
		byHost[l.Host] = append(byHost[l.Host], l.Share)
	}
	// The intent is durable before the first byte goes: a crash in between leaves
	// rows that Sweep takes up.
	for host, ids := range byHost {
		if err := c.c.Books.Mark(ctx, host, ids, ledger.PlacedGoing, "removed by the owner"); err != nil {
			return RemoveResult{}, fmt.Errorf("mark placements: %w", err)
		}
	}
	if err := c.c.Books.DropFile(ctx, v.Index); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return RemoveResult{}, fmt.Errorf("forget the file: %w", err)
	}
	return c.cancelAll(ctx, byHost), nil
}

func (c *Client) cancelAll(ctx context.Context, byHost map[peer.ID][]potluck.ShareID) RemoveResult {
	var mu sync.Mutex
	var wg sync.WaitGroup
	r := RemoveResult{Unreached: []peer.ID{}}
	for host, ids := range byHost {
		wg.Go(func() {
			done, err := c.cancel(ctx, host, ids)
			mu.Lock()
			defer mu.Unlock()
			r.Freed += done.Freed
			r.Cancelled += int(done.Cancelled)
			if err != nil {
				c.c.Log.Info("a host will be told of a removal later", "peer", host, "shares", len(ids), "err", err)
				r.Unreached = append(r.Unreached, host)
			}
		})
	}
	wg.Wait()
	slices.Sort(r.Unreached)
	return r
}

// cancel ends leases at one host, and drops the placements that it confirmed.
func (c *Client) cancel(ctx context.Context, host peer.ID, ids []potluck.ShareID) (p2p.CancelResponse, error) {
	var sum p2p.CancelResponse
	if !c.c.Network.Connected(host) {
		return sum, errNotConnected
	}
	ctx, stop := context.WithTimeoutCause(ctx, 2*c.c.Stall, fmt.Errorf("%w within %v", errSilent, 2*c.c.Stall))
	defer stop()
	for part := range slices.Chunk(ids, p2p.MaxCancel) {
		done, err := c.tellCancel(ctx, host, part)
		if err != nil {
			return sum, err
		}
		c.quotes.forget(host)
		sum.Freed += done.Freed
		sum.Cancelled += done.Cancelled
		if err := c.c.Books.Unplace(ctx, host, part); err != nil {
			return sum, fmt.Errorf("drop placements: %w", err)
		}
	}
	return sum, nil
}

// tellCancel ends leases at one host. A host that still writes one of the shares,
// because the end of a stream takes its time, is asked again until ctx ends.
func (c *Client) tellCancel(ctx context.Context, host peer.ID, ids []potluck.ShareID) (p2p.CancelResponse, error) {
	for pause := 10 * time.Millisecond; ; pause *= 2 {
		done, err := c.c.Network.Cancel(ctx, host, p2p.CancelRequest{Shares: ids})
		if err == nil || p2p.CodeOf(err) != p2p.CodeBusy {
			return done, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return done, err
		}
	}
}

// Sweep tells a host that came back of the removals that it missed, other than
// of files that are being put or removed just now: those may count on what lies
// there. It returns the number of leases ended.
func (c *Client) Sweep(ctx context.Context, host peer.ID) (int, error) {
	var ids []potluck.ShareID
	err := c.c.Books.PlacementsAt(ctx, host, func(l ledger.Placement) error {
		if l.State == ledger.PlacedGoing {
			ids = append(ids, l.Share)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	ended := 0
	for part := range slices.Chunk(ids, p2p.MaxCancel) {
		n, err := c.sweep(ctx, host, part)
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// sweep ends leases of one host, whose files nobody puts meanwhile.
func (c *Client) sweep(ctx context.Context, host peer.ID, ids []potluck.ShareID) (int, error) {
	mine := make(map[potluck.StorageIndex]*turn)
	for _, id := range ids {
		if mine[id.Index] == nil {
			mine[id.Index], _ = c.tryTurn(id.Index) // waiting could take as long as a put
		}
	}
	defer func() {
		for _, t := range mine {
			c.giveBack(t)
		}
	}()
	var going []potluck.ShareID
	for index, t := range mine {
		if t == nil {
			continue
		}
		rows, err := c.c.Books.Placements(ctx, index) // again: a put may have begun and ended since
		if err != nil {
			return 0, fmt.Errorf("look placements up: %w", err)
		}
		for _, l := range rows {
			if l.Host == host && l.State == ledger.PlacedGoing && slices.Contains(ids, l.Share) {
				going = append(going, l.Share)
			}
		}
	}
	if len(going) == 0 {
		return 0, nil
	}
	done, err := c.cancel(ctx, host, going)
	return int(done.Cancelled), err
}
