package files

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// errChooseAgain says that hosts fell out, so that another k and n are better.
var errChooseAgain = errors.New("choose again")

// rereadSpeed is, in bytes a second, how fast a host reads at least what it has
// of a share that was cut off, before it answers how much that is.
const rereadSpeed = 64 * potluck.MiB

// standing tells whether the file is whole at its hosts already: the owner's
// books say so, and each of the hosts has just confirmed it. Then the put is
// done without a byte sent.
func (p *put) standing(ctx context.Context) (bool, error) {
	file, err := p.client.c.Books.File(ctx, p.index)
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look the file up: %w", err)
	}
	placed, err := p.client.c.Books.Placements(ctx, p.index)
	if err != nil {
		return false, fmt.Errorf("look placements up: %w", err)
	}
	placed = slices.DeleteFunc(placed, func(l ledger.Placement) bool {
		return l.State != ledger.PlacedStable || l.Manifest != file.Manifest || !slices.Contains(p.all, l.Host)
	})
	if len(placed) < p.choice.N {
		return false, nil
	}
	held := p.known.homes.once(p.confirm(ctx, placed))
	if len(held) < p.choice.N || p.known.homes.happiness(edgesOf(held)) < p.choice.Happy {
		return false, nil
	}
	p.tally(held)
	p.result.Reused, p.whole = len(held), true
	p.fillResult(file.Manifest)
	return true, p.src.Check()
}

// once keeps one placement of each number, so that they lie at as many distinct
// places as can be.
func (homes households) once(placed []ledger.Placement) []ledger.Placement {
	at := match(homes.merge(edgesOf(placed)))
	var list []ledger.Placement
	for _, l := range placed {
		number := l.Share.Number
		if place, matched := at[number]; (!matched || place == homes.of(l.Host)) && !isPlaced(list, number) {
			list = append(list, l)
		}
	}
	return list
}

// confirm asks the hosts of placements whether they still hold them under this
// node's lease, and returns those that do.
func (p *put) confirm(ctx context.Context, placed []ledger.Placement) []ledger.Placement {
	hosts := make([]peer.ID, 0, len(placed))
	for _, l := range placed {
		if !slices.Contains(hosts, l.Host) {
			hosts = append(hosts, l.Host)
		}
	}
	found := p.client.ask(ctx, p.index, hosts, p.known)
	var held []ledger.Placement
	for _, l := range placed {
		if slices.ContainsFunc(found, func(h holding) bool {
			return h.host == l.Host && h.Number == l.Share.Number && h.Mine && h.Root == l.Root && h.Manifest == l.Manifest
		}) {
			held = append(held, l)
		}
	}
	return held
}

// reserve finds a host for every share and has it reserve room. Hosts that
// refuse or don't answer fall out; when that changes what Choose would choose,
// everything is released and errChooseAgain returned.
func (p *put) reserve(ctx context.Context) error {
	p.report.stage("placing", p.src.Size(), len(p.hosts))
	past, err := p.past(ctx)
	if err != nil {
		return fmt.Errorf("look placements up: %w", err)
	}
	for {
		wanted := p.missing(p.assign(p.stand(edgesOf(past))))
		if len(wanted) == 0 {
			return nil
		}
		if err := p.intend(ctx, wanted); err != nil {
			return err
		}
		if p.allocate(ctx, wanted) == 0 {
			return nil // whoever took part took all that it was asked for
		}
		if ctx.Err() != nil {
			return context.Cause(ctx) // what is reserved stays for the repetition
		}
		p.drop()
		if err := p.suffice(); err != nil {
			p.undo(ctx)
			return err
		}
	}
}

// assign chooses among p.hosts.
func (p *put) assign(standing []edge) []peer.ID {
	return assign(p.choice.N, p.index, table{hosts: p.hosts, homes: p.known.homes, free: p.free, most: p.most}, standing)
}

// stand are the edges to keep: what is granted, and for other numbers what the
// books say, unless the host is full: asking it again would never end.
func (p *put) stand(past []edge) []edge {
	var edges []edge
	for n, g := range p.grants {
		edges = append(edges, edge{n, g.host})
	}
	for _, e := range past {
		_, granted := p.grants[e.number]
		if _, full := p.most[e.host]; !granted && !full {
			edges = append(edges, e)
		}
	}
	return edges
}

// missing are the shares of an assignment that nobody has granted yet.
func (p *put) missing(placed []peer.ID) []edge {
	var wanted []edge
	for n, host := range placed {
		number := potluck.ShareNumber(n)
		if _, ok := p.grants[number]; ok || host == "" {
			continue
		}
		wanted = append(wanted, edge{number, host})
	}
	return wanted
}

// intend writes down, before anybody is asked, where shares are about to lie,
// so that a repeated put goes to the same hosts, and what was reserved or stored
// just before a crash isn't forgotten.
func (p *put) intend(ctx context.Context, wanted []edge) error {
	rows := make([]ledger.Placement, 0, len(wanted))
	for _, w := range wanted {
		rows = append(rows, ledger.Placement{
			Share: potluck.ShareID{Index: p.index, Number: w.number}, Host: w.host, Layout: p.layout,
			Charge: p.charge, Placed: p.client.c.Clock().Unix(), State: ledger.PlacedComing,
		})
	}
	rows, err := p.unless(ctx, rows, ledger.PlacedStable)
	if err == nil && len(rows) > 0 {
		err = p.client.c.Books.Place(ctx, rows)
	}
	if err != nil {
		return fmt.Errorf("write down where shares are to lie: %w", err)
	}
	return nil
}

// unless drops the rows whose placement is in the books in that state.
func (p *put) unless(ctx context.Context, rows []ledger.Placement, state ledger.PlacementState) ([]ledger.Placement, error) {
	past, err := p.client.c.Books.Placements(ctx, p.index)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r ledger.Placement) bool {
		return slices.ContainsFunc(past, func(l ledger.Placement) bool {
			return l.Share == r.Share && l.Host == r.Host && l.State == state
		})
	}), nil
}

// allocate asks all hosts at once, each for its numbers one after the other, and
// returns how many hosts fell out. A host that takes some and refuses more is
// full, not failed.
func (p *put) allocate(ctx context.Context, wanted []edge) int {
	byHost := make(map[peer.ID][]potluck.ShareNumber)
	for _, w := range wanted {
		byHost[w.host] = append(byHost[w.host], w.number)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	failed := 0
	for host, numbers := range byHost {
		wg.Go(func() {
			for _, number := range numbers {
				wait := p.client.c.Stall
				if p.resumed[edge{number, host}] {
					wait += time.Duration(shares.DataLen(p.layout)/rereadSpeed) * time.Second
				}
				g, err := p.obtain(ctx, edge{number, host}, wait)
				mu.Lock()
				switch has := p.granted(host); {
				case err == nil:
					p.accept(number, g)
				case has > 0:
					p.most[host], p.full[host], p.strays = has, has, true
					p.client.quotes.refused(host, p.client.c.Clock(), err)
					failed++
				default:
					p.decline(host, err)
					failed++
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// accept notes a grant.
func (p *put) accept(number potluck.ShareNumber, g grant) {
	p.grants[number] = g
	switch e := (edge{number, g.host}); {
	case g.State == p2p.GrantHeld:
		p.held[e] = true
	case !p.resumed[e]: // else its room was reserved before it was asked for a quote
		p.client.quotes.took(g.host, p.charge)
	}
}

// granted counts the shares that a host has granted in this put.
func (p *put) granted(host peer.ID) (n int) {
	for _, g := range p.grants {
		if g.host == host {
			n++
		}
	}
	return n
}

// obtain has a host reserve room for a share, or keep a small one.
func (p *put) obtain(ctx context.Context, e edge, wait time.Duration) (grant, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("%w within %v", errSilent, wait))
	defer cancel()
	defer func() {
		if errors.Is(context.Cause(ctx), errSilent) {
			p.client.hush(e.host)
		}
	}()
	if p.small != nil {
		return p.store(ctx, e)
	}
	g, err := p.client.allocateOne(ctx, e.host, p2p.AllocateRequest{Index: p.index, Layout: p.layout, Numbers: []potluck.ShareNumber{e.number}})
	return grant{Grant: g, host: e.host}, err
}

// allocateOne asks for one share.
func (c *Client) allocateOne(ctx context.Context, host peer.ID, a p2p.AllocateRequest) (p2p.Grant, error) {
	answer, err := c.c.Network.Allocate(ctx, host, a)
	if err != nil {
		return p2p.Grant{}, err
	}
	if len(answer.Grants) != 1 || answer.Grants[0].Number != a.Numbers[0] {
		return p2p.Grant{}, fmt.Errorf("%w: it granted other shares than share %d", p2p.ErrProtocol, a.Numbers[0])
	}
	return answer.Grants[0], nil
}

func edgesOf(placed []ledger.Placement) []edge {
	var edges []edge
	for _, l := range placed {
		if l.State == ledger.PlacedStable || l.State == ledger.PlacedComing {
			edges = append(edges, edge{l.Share.Number, l.Host})
		}
	}
	return edges
}
