package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// attempts is how often shares that failed on the way are given to another
// host, or to the same one again, before the put is given up, or, once it is
// happy, before the rest is left to a later repair.
const attempts = 3

// outcome is what became of one share.
type outcome struct {
	sender *sender
	place  ledger.Placement
	err    error
}

// spread sends the shares to the hosts that granted them, and makes the result
// durable once enough distinct hosts have signed.
func (p *put) spread(ctx context.Context) (rest func(), err error) {
	var placed []ledger.Placement
	for try := 0; ; try++ {
		placed = p.stored(placed)
		senders, queued := p.senders(placed)
		if len(senders) > 0 {
			p.report.stage("sending", p.src.Size(), len(p.hosts))
			if err := p.pass(p.work, senders); err != nil {
				return nil, p.giveUp(ctx, err)
			}
		}
		f, err := p.finished(senders)
		if err == nil {
			err = p.src.Check()
		}
		if err != nil {
			return nil, p.giveUp(ctx, err)
		}
		p.report.stage("finishing", potluck.Size(len(senders)), len(p.hosts))
		late, err := p.settle(ctx, senders, f, &placed)
		if err == nil && late == nil && len(queued) > 0 {
			if err = p.client.outlets.wait(ctx, queued); err == nil {
				try-- // nothing has failed
				continue
			}
		}
		if err != nil {
			return nil, p.giveUp(ctx, err)
		}
		if p.known.homes.happiness(edgesOf(placed)) >= p.choice.Happy {
			return p.acknowledge(ctx, f, placed, late)
		}
		if try+1 == attempts {
			return nil, p.giveUp(ctx, p.unspread(placed))
		}
		p.drop()
		if len(p.known.homes.places(p.hosts)) < p.choice.Happy {
			return nil, p.giveUp(ctx, p.unspread(placed))
		}
		before := len(placed)
		if err := p.reassign(ctx, placed); err != nil {
			return nil, p.giveUp(ctx, err)
		}
		placed = p.stored(placed)
		if len(placed) == before && len(p.unplaced(placed)) == 0 { // nobody took any: a pass would feed nobody
			return nil, p.giveUp(ctx, p.unspread(placed))
		}
	}
}

// giveUp cleans up after a failed put. When the request itself was cut off,
// what the hosts have is kept for the repetition.
func (p *put) giveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the put was cut off; put it again to send only what is missing: %w", context.Cause(ctx))
	}
	p.end(err) // no stream may be open any more: its host couldn't release the share
	p.undo(ctx)
	return err
}

func (p *put) unspread(placed []ledger.Placement) error {
	e := &SpreadError{
		K: p.choice.K, N: p.choice.N, Wanted: p.choice.Happy,
		Found: p.known.homes.happiness(edgesOf(placed)), Reasons: p.known.reasons(),
	}
	for h, no := range p.refusals {
		e.add(p.known.refusal(h, no))
	}
	return e
}

// unplaced are the shares that are to be brought to hosts. In the first pass all
// are hashed, granted or not, because the manifest needs every root.
func (p *put) unplaced(placed []ledger.Placement) []potluck.ShareNumber {
	var numbers []potluck.ShareNumber
	for n := range p.choice.N {
		number := potluck.ShareNumber(n)
		if _, granted := p.grants[number]; !isPlaced(placed, number) && (granted || p.roots == nil) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// senders makes one sender per share that isn't placed. queued are the hosts of
// shares that must wait for a later pass, because so many are on their way to
// the host already; in the first pass those are hashed.
func (p *put) senders(placed []ledger.Placement) (list []*sender, queued []peer.ID) {
	for _, number := range p.unplaced(placed) {
		g := p.grants[number]
		s := &sender{number: number, host: g.host, grant: g.Grant, layout: p.layout, index: p.index}
		if p.roots == nil {
			s.hasher = shares.NewRootHasher(shares.DataLen(p.layout))
		}
		if g.host != "" && g.State != p2p.GrantHeld {
			leave, free := p.client.outlets.take(g.host)
			if !free {
				queued = append(queued, g.host)
				if s.host = ""; s.hasher == nil {
					continue
				}
			} else {
				context.AfterFunc(p.work, leave) // whatever becomes of the share
				s.leave = leave
			}
		}
		list = append(list, s)
	}
	return list, queued
}

func isPlaced(placed []ledger.Placement, number potluck.ShareNumber) bool {
	return slices.ContainsFunc(placed, func(l ledger.Placement) bool { return l.Share.Number == number })
}

// finished makes the manifest from the roots.
func (p *put) finished(senders []*sender) (finished, error) {
	if p.roots == nil {
		roots := make([]potluck.Digest, p.choice.N)
		for _, s := range senders {
			roots[s.number] = s.root
		}
		p.roots = roots
	}
	cross := p.enc.crosscheck()
	m := shares.Manifest{Layout: p.layout, Index: p.index, Roots: p.roots, Crosscheck: shares.Sum(cross)}
	return finished{
		self: p.client.c.Self, now: p.client.c.Clock().Unix(),
		roots: p.roots, manifest: m.Marshal(), digest: m.Digest(), crosscheck: cross,
	}, nil
}

// settle asks all hosts for their receipts, and waits until all have answered,
// or until the put is happy and none has answered for a grace time. late gives
// the outcomes that come after that; it is nil when there are none.
func (p *put) settle(ctx context.Context, senders []*sender, f finished, placed *[]ledger.Placement) (late *straggle, err error) {
	results := make(chan outcome, len(senders))
	open := 0
	for _, s := range senders {
		if s.host == "" {
			continue
		}
		open++
		p.client.behind.Go(func() { // ends with p.work at the latest
			place, err := s.finish(p.work, p.client.c.Network, f)
			results <- outcome{s, place, err}
		})
	}
	var grace <-chan time.Time
	for open > 0 {
		select {
		case o := <-results:
			open--
			p.report.add(1)
			p.count(o, placed)
			if p.known.homes.happiness(edgesOf(*placed)) >= p.choice.Happy { // each answer renews it
				grace = time.After(max(200*time.Millisecond, p.client.c.Clock().Sub(p.start)/4))
			}
		case <-grace:
			return &straggle{results, open}, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return nil, nil
}

// count notes what became of a share.
func (p *put) count(o outcome, placed *[]ledger.Placement) {
	p.result.Sent += o.sender.sent
	if o.err != nil {
		p.known.fail(o.sender.host, o.err)
		delete(p.grants, o.sender.number)
		p.client.c.Log.Info("a share wasn't placed", "peer", o.sender.host, "share", o.sender.number, "err", o.err)
		return
	}
	if o.sender.grant.State == p2p.GrantHeld || o.sender.sent == 0 && o.sender.grant.State == p2p.GrantExists {
		p.result.Reused++
	}
	*placed = append(*placed, o.place)
}

// reassign finds hosts for the shares that aren't placed, among p.hosts.
func (p *put) reassign(ctx context.Context, placed []ledger.Placement) error {
	standing := edgesOf(placed)
	for n, g := range p.grants {
		standing = append(standing, edge{n, g.host})
	}
	wanted := p.missing(p.assign(standing))
	if err := p.intend(ctx, wanted); err != nil {
		return err
	}
	p.allocate(ctx, wanted)
	return nil
}

// acknowledge makes the put durable in the owner's books; after that Put may
// return. What is late, or still unplaced, is left to a background goroutine.
func (p *put) acknowledge(ctx context.Context, f finished, placed []ledger.Placement, late *straggle) (rest func(), err error) {
	fresh, err := p.withoutReceipt(ctx, placed)
	if err == nil {
		row := ledger.File{Index: p.index, Manifest: f.digest, Layout: p.layout, Name: p.name(), Put: f.now, Wanted: p.choice.N}
		if !p.o.Forget {
			row.Cap = p.capText(f.digest)
		}
		err = p.client.c.Books.PlaceFile(ctx, fresh, row)
	}
	if err != nil {
		return nil, p.giveUp(ctx, fmt.Errorf("write the placements down: %w", err))
	}
	p.tally(placed)
	p.fillResult(f.digest)
	p.result.Behind = p.choice.N - len(placed)
	if p.result.Behind == 0 {
		p.tidy(ctx)
		return nil, nil
	}
	if late == nil {
		late = &straggle{}
	}
	return func() { p.straggle(f, placed, late) }, nil
}

// write makes placements durable in the owner's books.
func (p *put) write(ctx context.Context, placed []ledger.Placement) error {
	fresh, err := p.withoutReceipt(ctx, placed)
	if err == nil {
		err = p.client.c.Books.Place(ctx, fresh)
	}
	return err
}

// tidy turns the intents at hosts that fell out on the way into removals: what
// such a host may have stored all the same is freed when it can be told.
func (p *put) tidy(ctx context.Context) {
	if len(p.known.reasons()) == 0 && !p.strays {
		return
	}
	past, err := p.client.c.Books.Placements(ctx, p.index)
	for _, l := range past {
		if l.State == ledger.PlacedComing {
			err = errors.Join(err, p.client.c.Books.Mark(ctx, l.Host, []potluck.ShareID{l.Share}, ledger.PlacedGoing, "placed elsewhere"))
		}
	}
	if err != nil {
		p.client.c.Log.Warn("can't note where shares don't lie after all", "index", p.index, "err", err)
	}
}

// withoutReceipt drops rows that would overwrite a placement with its receipt by
// one without: shares that the host held already, and that are in the books.
func (p *put) withoutReceipt(ctx context.Context, placed []ledger.Placement) ([]ledger.Placement, error) {
	var signed, unsigned []ledger.Placement
	for _, l := range placed {
		if l.Receipt == nil {
			unsigned = append(unsigned, l)
		} else {
			signed = append(signed, l)
		}
	}
	if len(unsigned) == 0 {
		return signed, nil
	}
	rest, err := p.unless(ctx, unsigned, ledger.PlacedStable)
	return append(signed, rest...), err
}

func (p *put) name() string {
	if p.o.Name != "" {
		return p.o.Name
	}
	return p.src.Name()
}

// tally fills in where the shares lie.
func (p *put) tally(placed []ledger.Placement) {
	slices.SortFunc(placed, func(a, b ledger.Placement) int { return a.Share.Compare(b.Share) })
	hosts := make([]peer.ID, 0, len(placed))
	p.result.Placed = make([]Placed, 0, len(placed))
	for _, l := range placed {
		hosts = append(hosts, l.Host)
		p.result.Placed = append(p.result.Placed, Placed{
			Number: l.Share.Number, Host: l.Host, Name: p.known.nameOf(l.Host), Charge: l.Charge,
		})
	}
	p.result.Happy = len(p.known.homes.places(hosts))
}
