package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/p2p"
	"potluck/shares"
)

// put is one file on its way out. It belongs to one goroutine at a time.
type put struct {
	client *Client
	src    Source
	o      PutOptions
	report *reporter
	known  *peers
	start  time.Time

	// work outlives the request once the put is happy, and ends with the client.
	work context.Context
	end  context.CancelCauseFunc

	hosts  []peer.ID // that may take shares: connected, and not failed in this put
	choice Choice
	layout potluck.Layout
	charge potluck.Size
	key    caps.Key
	index  potluck.StorageIndex
	enc    *encoder
	done   chan struct{} // closed when what ran in the background has ended

	grants map[potluck.ShareNumber]grant
	held   map[edge]bool // shares that hosts held for this node before the put
	// resumed are shares of which hosts may have a part, from a put that was cut off.
	resumed map[edge]bool
	most    map[peer.ID]int // shares that a host takes at most, where it refused more
	roots   []potluck.Digest
	result  PutResult
}

// grant is a host's word that it takes, or has, one share.
type grant struct {
	p2p.Grant
	host peer.ID
}

// Put spreads a source over friends and returns its cap, once Happy distinct
// hosts hold shares durably, and the books say so. It owns src and closes it.
// Errors: *UsageError, *SpreadError, *ChangedError, or what reading src gave.
// After such an error nothing of the put is charged, other than what hosts that
// can't be reached now release at their deadline. A put that was cut off (ctx
// ended, process killed) and is repeated sends only what is missing. report may
// be nil; it is called from one goroutine at a time.
func (c *Client) Put(ctx context.Context, src Source, o PutOptions, report func(Progress)) (PutResult, error) {
	if err := checkNumbers(o); err != nil {
		return PutResult{}, errors.Join(err, src.Close())
	}
	if src.Size() <= caps.LiteralMax {
		return c.putLiteral(src)
	}
	if !c.enter() {
		return PutResult{}, errors.Join(errClosed, src.Close())
	}
	defer c.behind.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(errClosed) })()
	p := &put{client: c, src: src, o: o, report: newReporter(report, c.c.Clock), start: c.c.Clock(), done: make(chan struct{})}
	p.work, p.end = context.WithCancelCause(c.life)
	unlink := context.AfterFunc(ctx, func() { p.end(context.Cause(ctx)) })
	rest, err := p.run(ctx)
	unlink()
	result := p.result
	if err != nil || rest == nil {
		p.end(context.Canceled)
		return result, errors.Join(err, src.Close())
	}
	c.spreadBehind(p, rest)
	return result, nil
}

// putLiteral makes a cap that holds the bytes themselves.
func (c *Client) putLiteral(src Source) (PutResult, error) {
	data := make([]byte, src.Size())
	if _, err := src.ReadAt(data, 0); err != nil && len(data) > 0 {
		return PutResult{}, errors.Join(fmt.Errorf("read the source: %w", err), src.Close())
	}
	cp := caps.Literal{Data: data}
	return PutResult{Cap: cp.Text(), Size: src.Size(), Placed: []Placed{}}, src.Close()
}

// run does the put up to its durable acknowledgement. rest, if not nil, is what
// remains to be done in the background: bring shares to their hosts that are
// still on their way. It owns p, and ends with p.work.
func (p *put) run(ctx context.Context) (rest func(), err error) {
	hosts, known, err := p.client.candidates(ctx, p.o.Hosts)
	if err != nil {
		return nil, err
	}
	p.hosts, p.known = slices.DeleteFunc(hosts, func(h peer.ID) bool {
		quiet := p.client.isQuiet(h)
		if quiet {
			known.fail(h, errQuiet)
		}
		return quiet
	}), known
	for {
		if err := p.prepare(ctx); err != nil {
			return nil, err
		}
		err := p.client.halt(ctx, p.index)
		if err != nil {
			return nil, err
		}
		if done, err := p.standing(ctx); done || err != nil {
			return nil, err
		}
		err = p.reserve(ctx)
		if errors.Is(err, errChooseAgain) {
			continue
		}
		if err != nil {
			return nil, err
		}
		break
	}
	return p.spread(ctx)
}

// prepare chooses the layout for the hosts there are, and derives the key.
func (p *put) prepare(ctx context.Context) error {
	choice, err := Choose(len(p.hosts), p.o)
	if err != nil {
		return err
	}
	p.choice = choice
	if len(p.hosts) < choice.Happy {
		return p.tooFew()
	}
	p.layout, err = shares.NewLayout(choice.K, choice.N, p.src.Size())
	if err != nil {
		return err
	}
	p.charge = shares.Charge(p.layout)
	p.enc, err = newEncoder(p.src, p.layout, p.client.c.Secret)
	if err != nil {
		return err
	}
	p.report.stage("hashing", p.src.Size(), len(p.hosts))
	p.key, err = p.enc.hash(ctx, p.client.c.Workers, p.report)
	if err == nil && p.o.Random {
		p.key, err = caps.RandomKey(p.client.c.Rand)
	}
	if err != nil {
		return err
	}
	p.enc.use(p.key)
	p.index = p.key.StorageIndex()
	p.roots = nil
	p.grants = make(map[potluck.ShareNumber]grant)
	p.held, p.resumed = make(map[edge]bool), make(map[edge]bool)
	p.most = make(map[peer.ID]int)
	return p.src.Check()
}

func (p *put) tooFew() error {
	return &SpreadError{K: p.choice.K, N: p.choice.N, Wanted: p.choice.Happy, Found: len(p.hosts), Reasons: p.known.reasons()}
}

// capText is the read cap, once the manifest is known.
func (p *put) capText(manifest potluck.Digest) string {
	return caps.Read{Layout: p.layout, Key: p.key, Manifest: manifest}.Text()
}

func (p *put) fillResult(manifest potluck.Digest) {
	p.result.Cap = p.capText(manifest)
	p.result.Index = p.index
	p.result.Size = p.src.Size()
	p.result.Layout = p.layout
	p.result.Seconds = p.client.c.Clock().Sub(p.start).Seconds()
}
