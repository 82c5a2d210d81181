package files

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// readAtOnce is how many hosts are read from at the same time.
const readAtOnce = 4

// readAll reads every share whole that a host claims and says what it found. A host is asked
// for one share at a time.
func (l *look) readAll(ctx context.Context, list []CheckShare, r *reporter) (potluck.Size, error) {
	m, err := l.manifest(ctx)
	if err != nil || m == nil {
		return 0, err
	}
	byHost := make(map[peer.ID][]*CheckShare)
	claimed := 0
	for i := range list {
		if s := &list[i]; s.State == HealthClaimed || s.State == HealthDoubted {
			byHost[s.Host] = append(byHost[s.Host], s)
			claimed++
		}
	}
	data := shares.DataLen(l.file.Layout)
	r.stage("reading", potluck.Size(claimed)*data, len(byHost))
	var read atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readAtOnce)
	for _, of := range byHost {
		g.Go(func() error {
			for _, s := range of {
				err := l.prove(ctx, edge{s.Number, s.Host}, m)
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				s.State, s.Reason = healthOf(err)
				if err == nil {
					read.Add(int64(data))
				}
				r.add(data)
			}
			return nil
		})
	}
	err = g.Wait()
	return potluck.Size(read.Load()), err
}

// prove reads one share whole, with the list of stripe hashes that it carries.
func (l *look) prove(ctx context.Context, e edge, m *shares.Manifest) error {
	c, v := l.client, l.file
	err := c.Prove(ctx, Slice{Host: e.host, Share: potluck.ShareID{Index: v.Index, Number: e.number}, Layout: v.Layout,
		Root: m.Roots[e.number], Length: shares.DataLen(v.Layout)})
	if err != nil {
		return err
	}
	list, err := c.fetch(ctx, e.host, p2p.ReadRequest{Index: v.Index, Number: e.number, Part: p2p.PartCrosscheck}, shares.CrosscheckLen(v.Layout))
	if err == nil && shares.Sum(list) != m.Crosscheck {
		err = &wrongError{"sent another crosscheck than the manifest names"}
	}
	return err
}

// healthOf says what the outcome of a whole read tells of a share.
func healthOf(err error) (Health, string) {
	switch {
	case err == nil:
		return HealthGood, ""
	case errors.Is(err, &p2p.Error{Code: p2p.CodeNotFound}):
		return HealthLost, "it says now that it doesn't hold it"
	case Missing(err):
		return HealthDamaged, err.Error()
	}
	return HealthUnknown, reason(err)
}

// manifest has one of the holders give the manifest; nil: none of them does.
func (l *look) manifest(ctx context.Context) (*shares.Manifest, error) {
	g := l.get()
	err := g.fetchManifest(ctx)
	var few *NotEnoughError
	if errors.As(err, &few) {
		return nil, nil
	}
	return &g.manifest, err
}

// get is a read of the whole file from the hosts that claim shares of it.
func (l *look) get() *get {
	v := l.file
	g := &get{client: l.client, file: v, layout: v.Layout, known: l.known, report: newReporter(nil, l.client.c.Clock),
		to: v.Layout.Size, last: shares.Stripes(v.Layout) - 1, pool: newSources(v.Index, l.known, len(l.asked))}
	g.add(l.held)
	g.pool.complete()
	return g
}
