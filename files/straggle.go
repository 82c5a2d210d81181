package files

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
)

// straggle is what settle didn't wait for.
type straggle struct {
	results <-chan outcome
	open    int
}

// straggle goes on after the put is acknowledged: it takes the late receipts,
// then tries the rest again, each time after a longer pause. It ends with the
// client, and closes the source.
func (p *put) straggle(f finished, placed []ledger.Placement, late *straggle) {
	defer p.src.Close()
	defer p.end(context.Canceled)
	p.result = PutResult{} // the caller has its copy
	p.report = newReporter(nil, p.client.c.Clock)
	ctx := p.work
	before := len(placed)
	for range late.open {
		select {
		case o := <-late.results:
			p.count(o, &placed)
		case <-ctx.Done():
			return
		}
	}
	err := p.write(ctx, placed[before:])
	for try := 0; err == nil && len(placed) < p.choice.N && try < attempts; try++ {
		select {
		case <-time.After(p.client.c.Stall << (2 * try)):
		case <-ctx.Done():
			return
		}
		err = p.again(ctx, f, &placed)
	}
	if ctx.Err() == nil {
		p.tidy(ctx)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		p.client.c.Log.Warn("shares stay unplaced", "index", p.index, "placed", len(placed), "of", p.choice.N, "err", err)
	}
}

// again makes one more attempt at the shares that aren't placed.
func (p *put) again(ctx context.Context, f finished, placed *[]ledger.Placement) error {
	hosts, known, err := p.client.candidates(ctx, p.o.Hosts)
	if err != nil {
		return err
	}
	p.meet(hosts, known)
	p.since, p.full = p.client.c.Clock().Add(-quoteAge), make(map[peer.ID]int)
	past, err := p.past(ctx)
	if err == nil {
		err = p.afford(ctx, past)
	}
	if err != nil {
		return err
	}
	if err := p.reassign(ctx, *placed); err != nil {
		return err
	}
	before := len(*placed)
	*placed = p.stored(*placed)
	for {
		senders, queued := p.senders(*placed)
		if len(senders) > 0 {
			if err := p.pass(ctx, senders); err != nil {
				return err
			}
		}
		for _, s := range senders {
			place, err := s.finish(ctx, p.client.c.Network, f)
			p.count(outcome{s, place, err}, placed)
		}
		if len(queued) == 0 {
			return p.write(ctx, (*placed)[before:])
		}
		if err := p.client.outlets.wait(ctx, queued); err != nil {
			return err
		}
	}
}
