package files

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// move is one share on its way from a place that has several to one that has none.
type move struct {
	number   potluck.ShareNumber
	from, to peer.ID
}

// MoveCost is how many bytes of shares the move of one share takes: it is read
// once and sent once.
func MoveCost(l potluck.Layout) potluck.Size { return shares.DataLen(l) + shares.SentLen(l) }

// Stacked is how many more places could hold a share of a file if shares that lie
// at the same place were moved to friends that are here and have none: by the books
// alone, which don't know who would take one.
func Stacked(places []Place, placed []ledger.Placement, here func(peer.ID) bool) int {
	var edges []edge
	for _, p := range placed {
		if p.State == ledger.PlacedStable {
			edges = append(edges, edge{p.Share.Number, p.Host})
		}
	}
	var hosts []peer.ID
	for _, at := range places {
		if here(at.Peer) {
			hosts = append(hosts, at.Peer)
		}
	}
	return newHouseholds(places).wider(edges, hosts)
}

// wider is how many more places could hold a share of their own if all of hosts
// took one.
func (hs households) wider(edges []edge, hosts []peer.ID) int {
	var there numbers
	used := make(map[peer.ID]bool)
	for _, e := range edges {
		there.add(e.number)
		used[hs.of(e.host)] = true
	}
	idle := slices.DeleteFunc(hs.places(hosts), func(at peer.ID) bool { return used[at] })
	return min(len(idle), there.count()-hs.happiness(edges))
}

// moves lists what to bring where, so that more places hold a share: each from the
// place with the most of those that can be read, to a place that has none and takes
// one. Who had a share before gets the same.
func (v vacancies) moves(n int, index potluck.StorageIndex, kept []edge) []move {
	a := v.seats(n, index)
	load, last := make(map[peer.ID]int), make(map[edge]bool)
	for _, e := range v.standing {
		a.count[e.host]++
		load[v.homes.of(e.host)]++
	}
	left := slices.Clone(kept)
	var list []move
	for _, to := range v.inOrder(a) {
		at := v.homes.of(to)
		if load[at] > 0 || !a.takes(to) || v.last[to] {
			continue
		}
		best := slices.MaxFunc(append(left, edge{}), func(x, y edge) int { // the first of equal ones
			return cmp.Or(cmp.Compare(load[v.homes.of(x.host)], load[v.homes.of(y.host)]), compareBool(v.home[edge{x.number, to}], v.home[edge{y.number, to}]))
		})
		from := v.homes.of(best.host)
		if load[from] < 2 {
			break
		}
		list = append(list, move{best.number, best.host, to})
		last[best] = true
		left = slices.DeleteFunc(left, func(e edge) bool { return last[e] })
		load[from]--
		load[at]++
	}
	return list
}

// plan lists the moves that the file needs and that Most allows.
func (m *mend) plan(ctx context.Context, kept []edge) ([]move, error) {
	kept = slices.DeleteFunc(slices.Clone(kept), func(e edge) bool { // from what can be read and cancelled
		return e.host == m.client.c.Self || m.known.hasFailed(e.host)
	})
	if !m.own() || m.known.homes.wider(append(slices.Clone(kept), m.away...), m.friends()) == 0 {
		return nil, nil
	}
	v, err := m.vacancies(ctx)
	if err != nil {
		return nil, err
	}
	v.standing = append(slices.Clone(kept), m.away...)
	list := v.moves(int(m.file.Layout.N), m.file.Index, kept)
	if m.o.Most > 0 {
		list = list[:min(len(list), max(0, int((m.o.Most-m.result.Cost)/MoveCost(m.file.Layout))))]
	}
	m.result.Cost += potluck.Size(len(list)) * MoveCost(m.file.Layout)
	return list, nil
}

// spreadOut moves shares from places that have several to places that have none.
// Each is written and in the books before the old lease is given up: no place is
// lost on the way. Who doesn't take one changes nothing.
func (m *mend) spreadOut(ctx context.Context) error {
	list, err := m.plan(ctx, m.kept)
	if err != nil || len(list) == 0 {
		return err
	}
	if m.get.manifest.Roots == nil {
		if err := m.get.fetchManifest(ctx); err != nil {
			return err
		}
	}
	grants := make(map[potluck.ShareNumber]grant)
	var edges []edge
	for _, x := range list {
		edges = append(edges, edge{x.number, x.to})
	}
	if _, err := m.allocate(ctx, edges, grants); err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(x move) bool { return grants[x.number].host == "" })
	if len(list) == 0 {
		return nil
	}
	made, err := m.carryAll(ctx, list, grants)
	if err != nil {
		return err
	}
	m.result.Moved = m.listed(made)
	drop := make(map[peer.ID][]potluck.ShareID)
	for _, x := range list {
		if slices.ContainsFunc(made, func(p ledger.Placement) bool { return p.Share.Number == x.number }) {
			drop[x.from] = append(drop[x.from], potluck.ShareID{Index: m.file.Index, Number: x.number})
			m.kept = append(slices.DeleteFunc(m.kept, func(e edge) bool { return e.number == x.number }), edge{x.number, x.to})
		}
	}
	return m.cancelCopies(ctx, drop)
}

// carryAll brings shares to their new hosts and writes down what these signed.
func (m *mend) carryAll(ctx context.Context, list []move, grants map[potluck.ShareNumber]grant) ([]ledger.Placement, error) {
	ctx, end := context.WithCancelCause(ctx) // of the senders: they go on until they have their receipts
	defer end(nil)
	m.report.stage("repairing", potluck.Size(len(list))*shares.DataLen(m.file.Layout), len(list))
	crosscheck, err := m.get.crosscheckOf(ctx, holding{HeldShare: p2p.HeldShare{Number: list[0].number}, host: list[0].from})
	var senders []*sender
	for _, x := range list {
		s := m.sender(grants[x.number].Grant, x.to)
		s.root = m.get.manifest.Roots[x.number]
		senders = append(senders, s)
	}
	if err != nil {
		m.retract(ctx, edgesTo(senders))
		return nil, fmt.Errorf("read the list of stripe hashes from %s: %w", m.known.nameOf(list[0].from), err)
	}
	var g errgroup.Group
	g.SetLimit(readAtOnce)
	for i, x := range list {
		g.Go(func() error {
			m.carry(ctx, x, senders[i])
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return m.settle(ctx, senders, m.finished(crosscheck))
}

// carry reads one share from its host, verified, and sends it to another.
func (m *mend) carry(ctx context.Context, x move, s *sender) {
	data := shares.DataLen(m.file.Layout)
	if s.grant.State != p2p.GrantNew || s.grant.Offset >= data {
		return // finish asks for the receipt
	}
	of, cancel := context.WithCancelCause(ctx)
	s.cancel = cancel
	if s.open(of, m.client.c.Network); s.err != nil {
		return
	}
	slice := Slice{Host: x.from, Share: potluck.ShareID{Index: m.file.Index, Number: x.number}, Layout: m.file.Layout,
		Root: s.root, Offset: s.grant.Offset, Length: data - s.grant.Offset}
	rounds := fetchRounds + slice.Cost()/fetchStep
	watch := newGuard(m.client.c.Stall, func(moved bool) bool {
		if rounds--; moved && rounds > 0 {
			return true
		}
		cancel(fmt.Errorf("%w within %v", errSilent, m.client.c.Stall))
		return false
	})
	watch.start()
	defer watch.pause()
	err := m.client.receive(of, carrier{s, m.report}, slice, watch)
	if err != nil && context.Cause(of) != nil {
		err = context.Cause(of)
	}
	if isWrong(err) {
		m.get.pool.condemn(holding{HeldShare: p2p.HeldShare{Number: x.number}, host: x.from}, err)
	}
	if err != nil {
		s.fail(fmt.Errorf("bring share %d from %s: %w", x.number, m.known.nameOf(x.from), err))
	}
}

// carrier sends verified bytes of a share on.
type carrier struct {
	sender *sender
	report *reporter
}

func (c carrier) Write(p []byte) (int, error) {
	n, err := c.sender.out.Write(p)
	c.sender.sent += potluck.Size(n)
	c.report.add(potluck.Size(n))
	return n, err
}

// foretell says what a repair would make, use again and move, as far as that can be
// known without reading a share.
func (m *mend) foretell(ctx context.Context) error {
	for _, h := range m.doubted {
		if !m.isGood(h.Number) && !m.lostBefore(edge{h.Number, h.host}) {
			m.result.Reused = append(m.result.Reused, m.at(h.Number, h.host))
		}
	}
	var there []edge
	for _, h := range slices.Concat(m.good, m.doubted) {
		if !slices.Contains(m.result.Missing, h.Number) {
			there = append(there, edge{h.Number, h.host})
		}
	}
	v, err := m.vacancies(ctx)
	if err != nil {
		return err
	}
	var readable numbers
	for _, e := range there {
		readable.add(e.number)
	}
	if len(m.result.Missing) > 0 && readable.count() >= int(m.file.Layout.K) {
		for _, e := range v.fill(int(m.file.Layout.N), m.file.Index, m.result.Missing) {
			m.result.Placed = append(m.result.Placed, m.at(e.number, e.host))
			there = append(there, e)
		}
	}
	moves, err := m.plan(ctx, firstOf(there))
	for _, x := range moves {
		m.result.Moved = append(m.result.Moved, m.at(x.number, x.to))
	}
	return err
}

// firstOf leaves the first copy of each number.
func firstOf(edges []edge) (list []edge) {
	for _, e := range edges {
		if !slices.ContainsFunc(list, func(x edge) bool { return x.number == e.number }) {
			list = append(list, e)
		}
	}
	return list
}
