package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// vacancies is where missing shares may go, and what is known of it.
type vacancies struct {
	table
	standing []edge           // shares that stay where they are
	avoid    map[peer.ID]bool // hosts that lost some: taken only where that keeps the file spread
	last     map[peer.ID]bool // hosts that were wrong again and again: taken only where nobody else is left
	home     map[edge]bool    // where missing shares were: whose host it is gets the same one
}

// fill gives missing numbers hosts. First difference wins: one that isn't the last
// choice; the place with the fewest of the file's shares; one that has lost none of
// them; within a household the host with the fewest; one that had the same share;
// the order of assign. Numbers for which nobody has room are left out.
func (v vacancies) fill(n int, index potluck.StorageIndex, missing []potluck.ShareNumber) []edge {
	a := v.seats(n, index)
	load := make(map[peer.ID]int)
	for _, e := range v.standing {
		a.count[e.host]++
		load[v.homes.of(e.host)]++
	}
	hosts := v.inOrder(a)
	var edges []edge
	for _, number := range v.homesFirst(missing) {
		better := func(x, y peer.ID) bool {
			return cmp.Or(compareBool(v.last[x], v.last[y]), cmp.Compare(load[v.homes.of(x)], load[v.homes.of(y)]), compareBool(v.avoid[x], v.avoid[y]),
				cmp.Compare(a.count[x], a.count[y]), compareBool(!v.home[edge{number, x}], !v.home[edge{number, y}])) < 0
		}
		best := peer.ID("")
		for _, h := range hosts {
			if a.takes(h) && (best == "" || better(h, best)) {
				best = h
			}
		}
		if best == "" {
			break
		}
		a.give(number, best)
		load[v.homes.of(best)]++
		edges = append(edges, edge{number, best})
	}
	return edges
}

// inOrder lists the hosts, place by place.
func (v vacancies) inOrder(a *seats) (hosts []peer.ID) {
	for _, at := range a.places {
		hosts = append(hosts, a.members[at]...)
	}
	return hosts
}

// homesFirst puts numbers that a host had before those whose hosts are gone: these
// may go anywhere.
func (v vacancies) homesFirst(missing []potluck.ShareNumber) []potluck.ShareNumber {
	had := func(n potluck.ShareNumber) bool {
		return slices.ContainsFunc(v.hosts, func(h peer.ID) bool { return v.home[edge{n, h}] })
	}
	list := slices.Clone(missing)
	slices.SortStableFunc(list, func(x, y potluck.ShareNumber) int { return compareBool(!had(x), !had(y)) })
	return list
}

// reserve has hosts reserve room for the missing shares. Who refuses falls out,
// and others are asked. It returns what was granted.
func (m *mend) reserve(ctx context.Context, missing []potluck.ShareNumber) (map[potluck.ShareNumber]grant, error) {
	v, err := m.vacancies(ctx)
	if err != nil {
		return nil, err
	}
	grants := make(map[potluck.ShareNumber]grant)
	for {
		wanted := slices.DeleteFunc(slices.Clone(missing), func(n potluck.ShareNumber) bool { return grants[n].host != "" })
		edges := v.fill(int(m.file.Layout.N), m.file.Index, wanted)
		failed, err := m.allocate(ctx, edges, grants)
		if err != nil || len(failed) == 0 {
			return grants, err
		}
		for _, e := range failed {
			v.hosts = slices.DeleteFunc(v.hosts, func(h peer.ID) bool { return h == e.host })
		}
		v.standing = slices.Clone(v.standing[:len(m.good)+len(m.away)])
		for number, g := range grants {
			v.standing = append(v.standing, edge{number, g.host})
		}
	}
}

// vacancies asks the hosts what they would take. Under an authority their answer
// would be about this node, so they aren't asked.
func (m *mend) vacancies(ctx context.Context) (vacancies, error) {
	v := vacancies{avoid: m.avoid, last: m.last, home: m.home, table: table{homes: m.known.homes, free: make(map[peer.ID]potluck.Size), most: make(map[peer.ID]int)}}
	has := make(map[peer.ID]int)
	for _, h := range m.good {
		v.standing = append(v.standing, edge{h.Number, h.host})
		has[h.host]++
	}
	v.standing = append(v.standing, m.away...)
	for e, here := range m.home {
		if here {
			has[e.host]++ // the room of what it lost or spoilt is there still
		}
	}
	v.hosts = slices.DeleteFunc(m.friends(), func(h peer.ID) bool { return h == m.o.Owner })
	if !m.own() {
		return v, nil
	}
	charge, c := shares.Charge(m.file.Layout), m.client
	c.askQuotes(v.hosts, charge, c.c.Clock().Add(-quoteAge))
	said, err := c.awaitQuotes(ctx, v.hosts)
	if err != nil {
		return v, err
	}
	for _, h := range v.hosts {
		q := said[h]
		if free, known := q.left(); known {
			v.free[h] = free
			v.most[h] = int(min(free/charge, potluck.MaxShares)) + has[h]
		}
	}
	return v, nil
}

// allocate asks the hosts all at once, each for its numbers one after the other,
// and returns what they didn't grant.
func (m *mend) allocate(ctx context.Context, edges []edge, grants map[potluck.ShareNumber]grant) (failed []edge, err error) {
	byHost := make(map[peer.ID][]potluck.ShareID)
	for _, e := range edges {
		byHost[e.host] = append(byHost[e.host], potluck.ShareID{Index: m.file.Index, Number: e.number})
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for host, ids := range byHost {
		if m.own() {
			if err := m.intend(ctx, host, ids, ledger.PlacedComing); err != nil {
				return nil, err
			}
		}
		wg.Go(func() {
			for _, id := range ids {
				e := edge{id.Number, host}
				g, err := m.renew(ctx, e)
				mu.Lock()
				if err != nil {
					m.known.fail(host, err)
					m.client.quotes.refused(host, m.client.c.Clock(), err)
					failed = append(failed, e)
				} else {
					grants[id.Number] = grant{Grant: g, host: host}
					if g.State != p2p.GrantNew {
						m.result.Read += shares.DataLen(m.file.Layout) // renew did
					}
					m.client.quotes.took(host, shares.Charge(m.file.Layout))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return failed, context.Cause(ctx)
	}
	m.retract(ctx, failed)
	return failed, nil
}

// renew is obtain, and ends the lease on a wrong copy of the same share before: the
// host would answer that it has the share. Others don't miss anything by it, and a
// wrong copy that is kept for somebody else's lease can't be made right. A host that
// says that it has the share is believed when it was read there: for a claim alone,
// which costs it nothing, right copies elsewhere would be given up.
func (m *mend) renew(ctx context.Context, e edge) (p2p.Grant, error) {
	old, wrong := m.wrong[e]
	if wrong && old.Mine {
		ctx, cancel := context.WithTimeoutCause(ctx, m.client.c.Stall, fmt.Errorf("%w within %v", errSilent, m.client.c.Stall))
		defer cancel()
		if _, err := m.client.tellCancel(ctx, e.host, []potluck.ShareID{{Index: m.file.Index, Number: e.number}}); err != nil {
			return p2p.Grant{}, fmt.Errorf("end the lease on a wrong copy of share %d: %w", e.number, err)
		}
	}
	g, err := m.obtain(ctx, e)
	switch {
	case err != nil || g.State == p2p.GrantNew:
	case wrong:
		err = errKeepsWrong
	default: // it isn't one of those that count, or there was nothing to ask for
		err = m.prove(ctx, e, &m.get.manifest)
	}
	return g, err
}

// errKeepsWrong says that a host keeps a wrong copy of a share for another owner.
var errKeepsWrong = errors.New("keeps a wrong copy of the share, under somebody else's lease")

// obtain has a host reserve room for a share, in the owner's name if there is an
// authority.
func (m *mend) obtain(ctx context.Context, e edge) (p2p.Grant, error) {
	wait := m.client.c.Stall
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("%w within %v", errSilent, wait))
	defer cancel()
	return m.client.allocateOne(ctx, e.host, p2p.AllocateRequest{Index: m.file.Index, Layout: m.file.Layout,
		Numbers: []potluck.ShareNumber{e.number}, Authority: m.o.Authority})
}

// retract gives up what was intended at hosts that didn't take it: they are told
// now or when they are met again. It is done also when the repair was cut off.
// Under an authority this node can't cancel: what is reserved ends by itself.
func (m *mend) retract(ctx context.Context, failed []edge) {
	if !m.own() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	byHost := make(map[peer.ID][]potluck.ShareID)
	for _, e := range failed {
		byHost[e.host] = append(byHost[e.host], potluck.ShareID{Index: m.file.Index, Number: e.number})
	}
	for host, ids := range byHost {
		err := m.client.c.Books.Mark(ctx, host, ids, ledger.PlacedGoing, "its repair failed")
		if err == nil {
			_, err = m.client.cancel(ctx, host, ids)
		}
		if err != nil {
			m.client.c.Log.Info("a host is told later that a repair failed", "peer", host, "shares", len(ids), "err", err)
		}
	}
}
