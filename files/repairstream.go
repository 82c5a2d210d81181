package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// rebuild makes missing shares anew from k others and brings them to hosts that
// take them. What was placed before an error is placed.
func (m *mend) rebuild(ctx context.Context, missing []potluck.ShareNumber) ([]ledger.Placement, error) {
	if m.get.pool.distinct() < int(m.file.Layout.K) {
		return nil, m.get.pool.notEnough(int(m.file.Layout.K))
	}
	if err := m.proveRest(ctx); err != nil {
		return nil, err
	}
	grants, err := m.reserve(ctx, missing)
	if err != nil || len(grants) == 0 {
		return nil, err
	}
	streams, end := context.WithCancelCause(ctx) // of the senders: they go on after the last stripe
	defer end(nil)
	var senders []*sender
	for _, g := range grants {
		senders = append(senders, m.sender(g.Grant, g.host))
	}
	m.report.stage("repairing", m.file.Layout.Size, len(senders))
	list, err := m.stream(ctx, streams, senders)
	if err == nil && shares.Sum(list) != m.get.manifest.Crosscheck {
		err = &DamageError{"its shares don't make one file"}
	}
	if err != nil {
		end(err)
		m.retract(ctx, edgesTo(senders))
		return nil, err
	}
	made, err := m.settle(ctx, senders, m.finished(list))
	m.result.Placed = append(m.result.Placed, m.listed(made)...)
	return made, err
}

// proveRest reads the last k shares whole before wrong copies give way to right
// ones: a copy that is wrong in part may be right where one of these isn't.
func (m *mend) proveRest(ctx context.Context) error {
	k := int(m.file.Layout.K)
	if len(m.wrong) == 0 || m.get.pool.distinct() > k {
		return nil
	}
	for _, h := range m.get.pool.list() {
		err := m.prove(ctx, edge{h.Number, h.host}, &m.get.manifest)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			m.get.pool.drop(h, err)
		default:
			m.result.Read += shares.DataLen(m.file.Layout)
		}
	}
	if m.get.pool.distinct() < k {
		return m.get.pool.notEnough(k)
	}
	return nil
}

// listed tells of placements in the result.
func (m *mend) listed(made []ledger.Placement) (list []Placed) {
	for _, p := range made {
		list = append(list, m.at(p.Share.Number, p.Host))
	}
	return list
}

func edgesTo(senders []*sender) []edge {
	var edges []edge
	for _, s := range senders {
		edges = append(edges, edge{s.number, s.host})
	}
	return edges
}

// sender brings one share to one host.
func (m *mend) sender(g p2p.Grant, host peer.ID) *sender {
	return &sender{number: g.Number, host: host, grant: g, layout: m.file.Layout, index: m.file.Index, authority: m.o.Authority,
		hasher: shares.NewRootHasher(shares.DataLen(m.file.Layout))}
}

// stream reads k shares, makes all others of each stripe, and feeds the senders:
//
//	k lanes → assembler → workers (decode) → encoder → fan-out → senders
//
// It returns the list of the stripes' hashes. Every goroutine ends with the last
// stripe, with the first error, or with ctx.
func (m *mend) stream(ctx, streams context.Context, senders []*sender) (list []byte, err error) {
	g, l := m.get, m.file.Layout
	code, err := shares.NewCode(l)
	if err != nil {
		return nil, fmt.Errorf("make the code: %w", err)
	}
	g.buffers = newBuffers(shares.BlockLen(l, 0))
	workers := m.client.c.Workers
	group, ctx := errgroup.WithContext(ctx)
	lanes := make([]*lane, l.K)
	for i := range lanes {
		lanes[i] = &lane{get: g, out: make(chan block, laneDepth)}
		group.Go(func() error { return lanes[i].run(ctx) })
	}
	jobs, order := make(chan *piece), make(chan *piece, workers+4)
	group.Go(func() error { return g.assemble(ctx, lanes, jobs, order) })
	for range workers {
		group.Go(func() error {
			checker := shares.NewCrosscheck(l)
			for p := range jobs {
				if err := g.decode(p, code, checker, nil); err != nil {
					return err
				}
				close(p.ready)
			}
			return nil
		})
	}
	pool := newPool(l, workers, m.report.add)
	for _, s := range senders {
		s.in = make(chan *stripe, cap(pool)) // holds every stripe there is: the fan-out never waits
		of, cancel := context.WithCancelCause(streams)
		s.cancel = cancel
		group.Go(func() error {
			defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
			s.run(ctx, of, m.client.c.Network)
			return nil
		})
	}
	made := make(chan *stripe, cap(pool))
	group.Go(func() (err error) {
		defer close(made)
		list, err = m.encode(ctx, order, made, pool, code, senders)
		return err
	})
	group.Go(func() error { return fanOut(ctx, made, senders) })
	err = group.Wait()
	return list, err
}

// encode makes the stripes of decoded pieces, in order.
func (m *mend) encode(ctx context.Context, order <-chan *piece, made chan<- *stripe, pool <-chan *stripe, code *shares.Code, senders []*sender) (list []byte, err error) {
	l := m.file.Layout
	list = make([]byte, 0, shares.CrosscheckLen(l))
	for p := range order {
		select {
		case <-p.ready:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		st, err := m.emptyStripe(ctx, pool, senders)
		if err != nil {
			return nil, err
		}
		st.begin(l, p.index)
		for i, b := range p.blocks[:l.K] {
			copy(st.blocks[i], b)
			m.get.buffers.put(b)
		}
		if err := code.Encode(st.blocks); err != nil {
			return nil, err
		}
		close(st.ready)
		list = append(list, p.digest[:]...)
		made <- st
	}
	return list, nil
}

// emptyStripe waits for a stripe that all senders are done with. Who takes
// nothing for the stall time is left behind.
func (m *mend) emptyStripe(ctx context.Context, pool <-chan *stripe, senders []*sender) (*stripe, error) {
	stall := time.NewTicker(m.client.c.Stall)
	defer stall.Stop()
	for {
		select {
		case st := <-pool:
			return st, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-stall.C:
			for _, s := range senders {
				if since, waits := s.waitsSince(); waits && time.Since(since) >= m.client.c.Stall {
					s.left.Store(true)
					s.cancel(errLeftBehind)
				}
			}
		}
	}
}

// settle asks all hosts for their receipts and writes down what they signed.
func (m *mend) settle(ctx context.Context, senders []*sender, f finished) (made []ledger.Placement, err error) {
	results := make(chan outcome, len(senders))
	for _, s := range senders {
		go func() { // ends with ctx at the latest
			if s.err == nil && s.root != f.roots[s.number] {
				s.fail(&DamageError{fmt.Sprintf("share %d made of others has another root than the manifest names", s.number)})
			}
			place, err := s.finish(ctx, m.client.c.Network, f)
			results <- outcome{s, place, err}
		}()
	}
	var failed []edge
	for range senders {
		o := <-results
		m.result.Sent += o.sender.sent
		var damage *DamageError
		switch {
		case errors.As(o.err, &damage):
			err = errors.Join(err, damage)
			fallthrough
		case o.err != nil:
			m.known.fail(o.sender.host, o.err)
			failed = append(failed, edge{o.sender.number, o.sender.host})
			m.client.c.Log.Info("a share wasn't brought back", "peer", o.sender.host, "share", o.sender.number, "err", o.err)
		default:
			made = append(made, o.place)
		}
	}
	if m.own() && len(made) > 0 {
		err = errors.Join(err, m.client.c.Books.Place(context.WithoutCancel(ctx), made))
	}
	m.retract(ctx, failed)
	return made, err
}
