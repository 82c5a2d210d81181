package files

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// markLost has the books count no longer what hosts have just denied.
func (m *mend) markLost(ctx context.Context) error {
	if !m.own() {
		return nil
	}
	for _, s := range m.shares() {
		if s.State != HealthLost || !s.Booked {
			continue
		}
		id := potluck.ShareID{Index: m.file.Index, Number: s.Number}
		if err := m.client.c.Books.Mark(ctx, s.Host, []potluck.ShareID{id}, ledger.PlacedLost, s.Reason); err != nil {
			return fmt.Errorf("mark placements: %w", err)
		}
	}
	return nil
}

// reuse reads the doubted shares of numbers that nobody else holds whole, and
// takes those that are right into the books. A claim alone would not do: who lost
// a share, or sent it damaged, would be believed again without a byte.
func (m *mend) reuse(ctx context.Context) error {
	for _, h := range m.doubted {
		if m.isGood(h.Number) {
			continue // a further copy
		}
		err := m.prove(ctx, edge{h.Number, h.host}, &m.get.manifest)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			m.result.Read += shares.DataLen(m.file.Layout)
			err = m.count(ctx, h)
		}
		if err != nil {
			m.client.c.Log.Info("a share can't be used again", "peer", h.host, "share", h.Number, "err", err)
			m.refuse(h, err)
			continue
		}
		m.good = append(m.good, h)
		m.result.Reused = append(m.result.Reused, m.at(h.Number, h.host))
	}
	return nil
}

// refuse counts a share that its host claims as missing. A host that is there and
// only has no right copy may have the same share anew: nothing is gained by making
// another host hold two. One that was wrong about it before, after it was given
// anew, is asked last.
func (m *mend) refuse(h holding, err error) {
	at := edge{h.Number, h.host}
	m.avoid[h.host] = true
	m.get.pool.drop(h, err)
	if !Missing(err) {
		return
	}
	m.home[at], m.wrong[at] = true, h
	if isWrong(err) && slices.ContainsFunc(m.o.Retried, func(b Blame) bool { return b.Host == h.host && b.Share.Number == h.Number }) {
		m.last[h.host] = true
	}
}

// count takes a share that its host was just found to have into the books. Where
// the lease on it isn't this node's, the host is asked for one.
func (m *mend) count(ctx context.Context, h holding) error {
	f := m.finished(nil)
	id := potluck.ShareID{Index: m.file.Index, Number: h.Number}
	place := f.placement(id, h.host, m.file.Layout)
	if !h.Mine {
		g, err := m.obtain(ctx, edge{h.Number, h.host})
		if err != nil {
			return err
		}
		list, err := m.get.crosscheckOf(ctx, h)
		if err != nil {
			return err
		}
		f = m.finished(list)
		if place, err = m.sender(g, h.host).finish(ctx, m.client.c.Network, f); err != nil {
			return err
		}
	} else if old := m.receipt(edge{h.Number, h.host}); old != nil {
		place.Receipt = old
	}
	if err := m.client.c.Books.Place(ctx, []ledger.Placement{place}); err != nil {
		return fmt.Errorf("write the placement down: %w", err)
	}
	return nil
}

// receipt is what a host signed for a share before; nil: nothing.
func (m *mend) receipt(e edge) []byte {
	for _, p := range m.placed {
		if p.Share.Number == e.number && p.Host == e.host && len(p.Receipt) > 0 {
			return p.Receipt
		}
	}
	return nil
}

// crosscheckOf has a host give the list of stripe hashes.
func (g *get) crosscheckOf(ctx context.Context, h holding) ([]byte, error) {
	list, err := g.client.fetch(ctx, h.host, p2p.ReadRequest{Index: g.file.Index, Number: h.Number, Part: p2p.PartCrosscheck},
		shares.CrosscheckLen(g.layout))
	if err == nil && shares.Sum(list) != g.manifest.Crosscheck {
		err = &wrongError{"sent another crosscheck than the manifest names"}
	}
	return list, err
}

// finished is what the manifest says, and the list of stripe hashes.
func (m *mend) finished(list []byte) finished {
	owner := m.client.c.Self
	if !m.own() {
		owner = m.o.Owner
	}
	manifest := m.get.manifest
	return finished{self: owner, now: m.client.c.Clock().Unix(), roots: manifest.Roots, manifest: manifest.Marshal(),
		digest: m.file.Manifest, crosscheck: list}
}

// giveUp ends what is no longer needed: further copies of a number that at least
// two hosts have just confirmed, leases on shares that their hosts lost and that
// others hold now, and what an earlier life had reserved at others. Copies that this node brought stay before those that a
// host was found to have: it may have read them from the others, who would be sent
// away for it. Of these the ones stay that lie at as many places as can be. If we
// die in between: rows that Sweep takes up.
func (m *mend) giveUp(ctx context.Context, made []ledger.Placement) error {
	m.keep(made)
	var held numbers
	for _, e := range m.kept {
		held.add(e.number)
	}
	drop := make(map[peer.ID][]potluck.ShareID)
	let := func(e edge) {
		if slices.Contains(m.kept, e) || !held.has(e.number) || e.host == m.client.c.Self {
			return
		}
		id := potluck.ShareID{Index: m.file.Index, Number: e.number}
		if !slices.Contains(drop[e.host], id) {
			drop[e.host] = append(drop[e.host], id)
		}
	}
	for _, h := range m.held {
		if h.Mine {
			let(edge{h.Number, h.host})
		}
	}
	for _, p := range m.placed {
		if m.answered(p.Host) && p.State != ledger.PlacedGoing {
			let(edge{p.Share.Number, p.Host})
		}
	}
	return m.cancelCopies(ctx, drop)
}

// keep chooses which copy of each number is kept, of those that are right and those
// that were made.
func (m *mend) keep(made []ledger.Placement) {
	var now []ledger.Placement
	for _, h := range m.good {
		now = append(now, ledger.Placement{Share: potluck.ShareID{Index: m.file.Index, Number: h.Number}, Host: h.host, State: ledger.PlacedStable})
	}
	m.kept = edgesOf(m.known.homes.once(m.brought(append(now, made...))))
}

// brought leaves out the copies that this node has no receipt for, of numbers of
// which it has one for another copy.
func (m *mend) brought(all []ledger.Placement) []ledger.Placement {
	sure := func(p ledger.Placement) bool {
		return p.Host == m.client.c.Self || len(p.Receipt) > 0 || m.receipt(edge{p.Share.Number, p.Host}) != nil
	}
	var known numbers
	for _, p := range all {
		if sure(p) {
			known.add(p.Share.Number)
		}
	}
	return slices.DeleteFunc(all, func(p ledger.Placement) bool { return known.has(p.Share.Number) && !sure(p) })
}

func (m *mend) cancelCopies(ctx context.Context, drop map[peer.ID][]potluck.ShareID) error {
	books := m.client.c.Books
	for host, ids := range drop {
		if err := m.intend(ctx, host, ids, ledger.PlacedGoing); err != nil {
			return err
		}
		if err := books.Mark(ctx, host, ids, ledger.PlacedGoing, "others hold it"); err != nil {
			return fmt.Errorf("mark placements: %w", err)
		}
		for _, id := range ids {
			m.result.Unplaced = append(m.result.Unplaced, m.at(id.Number, host))
		}
		if _, err := m.client.cancel(ctx, host, ids); err != nil {
			m.client.c.Log.Info("a host will be told of further copies later", "peer", host, "shares", len(ids), "err", err)
		}
	}
	return nil
}

// intend writes rows for shares at a host that the books don't know there, so
// that nothing that is asked of the host is forgotten.
func (m *mend) intend(ctx context.Context, host peer.ID, ids []potluck.ShareID, state ledger.PlacementState) error {
	var rows []ledger.Placement
	for _, id := range ids {
		known := slices.ContainsFunc(m.placed, func(p ledger.Placement) bool { return p.Share == id && p.Host == host })
		if !known || state == ledger.PlacedComing {
			rows = append(rows, ledger.Placement{Share: id, Host: host, Layout: m.file.Layout, Charge: shares.Charge(m.file.Layout),
				Placed: m.client.c.Clock().Unix(), State: state})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	err := m.client.c.Books.Place(ctx, rows)
	if errors.Is(err, ledger.ErrNotFound) { // a host without an account here: nothing could be counted
		return nil
	}
	if err != nil {
		return fmt.Errorf("write down where shares are to lie: %w", err)
	}
	return nil
}
