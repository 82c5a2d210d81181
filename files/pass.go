package files

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/shares"
)

// pass encodes the file once and feeds every stripe, in order, to all senders.
// Its error is the source's or ctx's; a host's failure stays with its sender.
//
//	dispatcher → workers (read, check, encipher, encode) → fan-out → senders
//
// The dispatcher takes empty stripes from the pool, so the slowest sender sets
// the pace, until the dispatcher leaves it behind. Every goroutine ends when the
// last stripe is done or ctx ends.
func (p *put) pass(ctx context.Context, senders []*sender) error {
	g, ctx := errgroup.WithContext(ctx)
	pool := newPool(p.layout, p.client.c.Workers, p.report.add)
	jobs := make(chan *stripe)
	order := make(chan *stripe, cap(pool))
	for _, s := range senders {
		s.in = make(chan *stripe, cap(pool)) // holds every stripe there is: the fan-out never waits
		streamCtx, cancel := context.WithCancelCause(p.work)
		s.cancel = cancel
		g.Go(func() error {
			defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()
			s.run(ctx, streamCtx, p.client.c.Network)
			return nil
		})
	}
	g.Go(func() error {
		defer close(jobs)
		defer close(order)
		for i := range shares.Stripes(p.layout) {
			st, err := p.emptyStripe(ctx, pool, senders)
			if err != nil {
				return err
			}
			st.begin(p.layout, i)
			order <- st
			select {
			case jobs <- st:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(p.client.c.Workers, cap(pool)) {
		g.Go(func() error {
			for st := range jobs {
				if err := p.enc.fill(st); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return fanOut(ctx, order, senders) })
	return g.Wait()
}

// fanOut hands each stripe to all senders as soon as it and those before it are
// made.
func fanOut(ctx context.Context, order <-chan *stripe, senders []*sender) error {
	for st := range order {
		select {
		case <-st.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		st.readers.Store(int32(len(senders)))
		for _, s := range senders {
			s.in <- st
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // not all stripes came: the senders must not take it for the end
	}
	for _, s := range senders {
		close(s.in)
	}
	return nil
}

// emptyStripe waits for a stripe that all senders are done with. When that
// takes longer than the stall time, senders that wait for their host are left
// behind, as far as enough hosts remain.
func (p *put) emptyStripe(ctx context.Context, pool <-chan *stripe, senders []*sender) (*stripe, error) {
	select {
	case st := <-pool:
		return st, nil
	default:
	}
	stall := time.NewTicker(p.client.c.Stall)
	defer stall.Stop()
	for {
		select {
		case st := <-pool:
			return st, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-stall.C:
			p.leaveBehind(senders)
		}
	}
}

// others counts the places that hold a share, or still take one, at hosts other
// than one.
func (p *put) others(than peer.ID, senders []*sender) int {
	var hosts []peer.ID
	taking := make(map[potluck.ShareNumber]bool, len(senders))
	for _, s := range senders {
		taking[s.number] = true
		if s.host != "" && !s.left.Load() {
			hosts = append(hosts, s.host)
		}
	}
	for number, g := range p.grants {
		if !taking[number] {
			hosts = append(hosts, g.host)
		}
	}
	hosts = slices.DeleteFunc(hosts, func(h peer.ID) bool { return h == than })
	return len(p.known.homes.places(hosts))
}

// leaveBehind ends the streams to hosts that have taken nothing for the stall
// time, slowest first, while the others are enough to make the put happy.
func (p *put) leaveBehind(senders []*sender) {
	for _, s := range senders {
		since, waits := s.waitsSince()
		if !waits || time.Since(since) < p.client.c.Stall {
			continue
		}
		if p.others(s.host, senders) < p.choice.Happy {
			return
		}
		s.left.Store(true)
		s.cancel(errLeftBehind)
	}
}
