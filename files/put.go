package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
	"potluck/p2p"
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

	all    []peer.ID // that may be asked: connected, and not failed in this put
	hosts  []peer.ID // of these, that may take shares of the layout
	over   int       // places that the layout is chosen for
	up     float64   // how often a host is there on average; 0: unknown
	choice Choice
	wish   Choice       // what was chosen first, for all places
	wished potluck.Size // the charge of a share then
	layout potluck.Layout
	charge potluck.Size
	key    caps.Key
	index  potluck.StorageIndex
	enc    *encoder
	turn   *turn        // of index
	hashed potluck.Size // bytes read to find keys

	since    time.Time                    // quotes that were asked before count for nothing
	fresh    bool                         // all quotes were asked again
	said     map[peer.ID]quote            // what hosts say they would take
	free     map[peer.ID]potluck.Size     // as bytes, where they say it
	most     map[peer.ID]int              // as shares of the layout, where it's bounded
	full     map[peer.ID]int              // shares that a host granted before it refused one more of the layout
	refusals map[peer.ID]*potluck.Refusal // the last words of hosts that took nothing

	grants map[potluck.ShareNumber]grant
	held   map[edge]bool // shares that hosts held for this node before the put
	strays bool          // hosts refused shares that the books say they are to get
	whole  bool          // all shares lay at their hosts before the put
	// resumed are shares of which hosts may have a part, from a put that was cut off.
	resumed map[edge]bool
	roots   []potluck.Digest
	small   *small // the shares themselves, when they are small
	result  PutResult
}

// grant is a host's word that it takes, or has, one share.
type grant struct {
	p2p.Grant
	host  peer.ID
	place *ledger.Placement // of a small share: it is kept, and the host has signed
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
	p := &put{client: c, src: src, o: o, report: newReporter(report, c.c.Clock), start: c.c.Clock()}
	p.work, p.end = context.WithCancelCause(c.life)
	unlink := context.AfterFunc(ctx, func() { p.end(context.Cause(ctx)) })
	rest, err := p.run(ctx)
	unlink()
	result := p.result
	if err != nil || rest == nil {
		p.end(context.Canceled)
		c.giveBack(p.turn)
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
	if err := p.begin(ctx); err != nil {
		return nil, err
	}
	for {
		if err := p.prepare(ctx); err != nil {
			return nil, err
		}
		if err := p.takeTurn(ctx); err != nil {
			return nil, err
		}
		if done, err := p.standing(ctx); done || err != nil {
			return nil, err
		}
		err := p.fund(ctx)
		if err == nil {
			err = p.pack()
		}
		if err == nil {
			err = p.reserve(ctx)
		}
		if err == nil {
			return p.spread(ctx)
		}
		if !errors.Is(err, errChooseAgain) {
			return nil, err
		}
	}
}

// prepare chooses the layout for the places there are, and derives the key.
func (p *put) prepare(ctx context.Context) error {
	before := p.layout
	if err := p.choose(); err != nil {
		return err
	}
	if p.over < p.choice.Happy {
		return p.tooFew()
	}
	p.grants = make(map[potluck.ShareNumber]grant)
	p.held, p.resumed = make(map[edge]bool), make(map[edge]bool)
	p.full, p.refusals = make(map[peer.ID]int), make(map[peer.ID]*potluck.Refusal)
	if p.enc != nil && p.layout == before {
		return p.src.Check()
	}
	if err := p.derive(ctx); err != nil {
		return err
	}
	return p.src.Check()
}

// derive reads the source for the key of the layout.
func (p *put) derive(ctx context.Context) (err error) {
	p.enc, err = newEncoder(p.src, p.layout, p.client.c.Secret)
	if err != nil {
		return err
	}
	p.report.stage("hashing", p.src.Size(), p.over)
	p.key, err = p.enc.hash(ctx, p.client.c.Workers, p.report)
	if err == nil && p.o.Random {
		p.key, err = caps.RandomKey(p.client.c.Rand)
	}
	if err != nil {
		return err
	}
	p.hashed += p.src.Size()
	p.enc.use(p.key)
	p.index = p.key.StorageIndex()
	p.roots, p.small = nil, nil
	return nil
}

// takeTurn waits for the turn of the file, and gives back that of another layout.
func (p *put) takeTurn(ctx context.Context) (err error) {
	if p.turn != nil && p.turn.index == p.index {
		return nil
	}
	p.client.giveBack(p.turn)
	p.turn, err = p.client.turn(ctx, p.index)
	return err
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
	p.result.Explain = p.explain()
}
