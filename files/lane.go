package files

import (
	"context"
	"errors"
	"fmt"

	"potluck"
	"potluck/shares"
)

var errSlow = errors.New("too slow, another friend was asked")

const (
	// laneDepth is how many blocks a lane may be ahead of the slowest.
	laneDepth = 6
	// shortDraw is how many blocks a lane draws at once where there are more lanes
	// than one host serves.
	shortDraw = 3
)

// block is one verified block of one share.
type block struct {
	number potluck.ShareNumber
	data   []byte
}

// lane brings one block of every stripe, in order, from whichever source gives
// it. k lanes together give k blocks of distinct shares for each stripe.
type lane struct {
	get *get
	out chan block
}

// run goes through the stripes, from source to source, and closes out.
func (l *lane) run(ctx context.Context) error {
	defer close(l.out)
	g := l.get
	for next := g.first; next <= g.last; {
		src, err := g.pool.take(ctx, next)
		if err != nil {
			return err
		}
		if src == nil {
			return g.pool.notEnough(int(g.layout.K))
		}
		d := &draw{lane: l, source: src, next: next}
		err = d.all(ctx)
		if ctx.Err() != nil {
			g.pool.give(src, true, nil)
			return context.Cause(ctx)
		}
		g.pool.give(src, d.next > next, err)
		next = d.next
	}
	return nil
}

// draw is one stream from one source. It is the io.Writer that verified bytes
// arrive at.
type draw struct {
	lane   *lane
	source *source
	ctx    context.Context
	next   int64  // the stripe whose block is being filled
	buf    []byte // verified bytes of that block
	guard  *guard
	short  bool    // blocks are held until the stream has ended
	held   []block // delivered, and not yet handed on
}

// all draws blocks from d.next to the last stripe: by one stream, or where one
// host might have to serve more lanes than it can, by short ones in turn with the
// other lanes. Those hold no outlet while they wait for other lanes.
func (d *draw) all(ctx context.Context) error {
	g := d.lane.get
	if d.short = int(g.layout.K) > hostStreams; !d.short {
		return d.run(ctx, g.last)
	}
	for d.next <= g.last {
		leave, err := g.client.outlets.await(ctx, d.source.host)
		if err != nil {
			return err
		}
		err = d.run(ctx, min(g.last, d.next+shortDraw-1))
		leave()
		for _, b := range d.held {
			select {
			case d.lane.out <- b:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if d.held = nil; err != nil {
			return err
		}
	}
	return nil
}

// run streams blocks from d.next to the stripe last. An error leaves d.next at
// the first block that isn't delivered.
func (d *draw) run(ctx context.Context, last int64) error {
	g := d.lane.get
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.ctx = ctx
	from := potluck.Size(d.next) * potluck.Size(g.layout.Block)
	data := shares.DataLen(g.layout)
	n := min(potluck.Size(last+1)*potluck.Size(g.layout.Block), data) - from
	d.guard = newGuard(g.client.c.Stall, func(moved bool) bool {
		switch {
		case g.pool.spare(d.source, d.next):
			cancel(errSlow)
		case !moved:
			cancel(fmt.Errorf("nothing came for %v", g.client.c.Stall))
		default:
			return true // slow, but there's no better
		}
		return false
	})
	defer d.guard.pause()
	d.guard.start()
	err := g.client.receive(ctx, d, Slice{
		Host: d.source.host, Share: potluck.ShareID{Index: g.file.Index, Number: d.source.Number}, Layout: g.layout,
		Root: g.manifest.Roots[d.source.Number], Offset: from, Length: n,
	}, d.guard)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return err
}

// Write takes verified bytes. It cuts them into blocks and hands each on when it
// is whole; while that waits, the source isn't to blame.
func (d *draw) Write(p []byte) (int, error) {
	g := d.lane.get
	written := len(p)
	for len(p) > 0 {
		want := shares.BlockLen(g.layout, d.next)
		if d.buf == nil {
			d.buf = g.buffers.get()[:0]
		}
		n := min(len(p), want-len(d.buf))
		d.buf = append(d.buf, p[:n]...)
		p = p[n:]
		if len(d.buf) < want {
			break
		}
		d.guard.pause()
		if d.ctx.Err() != nil { // the guard was faster: nothing is delivered
			return 0, context.Cause(d.ctx)
		}
		g.pool.delivered(d.source, d.next, want) // before it is: no other lane may deliver it too
		if b := (block{d.source.Number, d.buf}); d.short {
			d.held = append(d.held, b)
		} else {
			select {
			case d.lane.out <- b:
			case <-d.ctx.Done():
				return 0, context.Cause(d.ctx)
			}
		}
		d.buf = nil
		d.next++
		d.guard.start()
	}
	return written, nil
}
