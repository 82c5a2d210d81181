package files

import (
	"context"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/shares"
)

// lookAgain bounds the bytes that a put hashes to find out whether it was put
// before under another layout, when there was credit at other hosts.
const lookAgain = 256 * potluck.MiB

// begin finds the hosts, and asks them what they would take.
func (p *put) begin(ctx context.Context) error {
	hosts, known, err := p.client.candidates(ctx, p.o.Hosts)
	if err != nil {
		return err
	}
	p.meet(hosts, known)
	p.up = upOf(known.places)
	p.since = p.start.Add(-quoteAge)
	p.over = len(known.homes.places(p.all))
	if err := p.choose(); err != nil {
		return err
	}
	p.wish, p.wished = p.choice, p.charge
	if p.over >= p.choice.Happy {
		p.client.askQuotes(p.all, p.charge, p.since) // they answer while we hash
	}
	return nil
}

// meet sets the hosts that may be asked: those that didn't leave a put waiting
// just now.
func (p *put) meet(hosts []peer.ID, known *peers) {
	p.known = known
	p.all = slices.DeleteFunc(hosts, func(h peer.ID) bool {
		quiet := p.client.isQuiet(h)
		if quiet {
			known.fail(h, errQuiet)
		}
		return quiet
	})
	p.hosts = slices.Clone(p.all)
}

// choose chooses the layout for p.over places.
func (p *put) choose() (err error) {
	if p.choice, err = Choose(p.over, p.up, p.o); err != nil {
		return err
	}
	if p.layout, err = shares.NewLayout(p.choice.K, p.choice.N, p.src.Size()); err != nil {
		return err
	}
	p.charge = shares.Charge(p.layout)
	return nil
}

// fund finds the hosts for the layout. If there are too few for it, it chooses
// another (errChooseAgain), or fails.
func (p *put) fund(ctx context.Context) error {
	past, err := p.past(ctx)
	if err != nil {
		return err
	}
	if err := p.afford(ctx, past); err != nil {
		return err
	}
	return p.suffice()
}

// past lists the shares of the layout that the books know of.
func (p *put) past(ctx context.Context) ([]ledger.Placement, error) {
	past, err := p.client.c.Books.Placements(ctx, p.index)
	for _, l := range past {
		p.resumed[edge{l.Share.Number, l.Host}] = l.State == ledger.PlacedComing
	}
	return past, err
}

// afford finds out which hosts can take shares of the layout: those that say
// they have credit for one, those that say nothing, and those where one lies, or
// has its room, already.
func (p *put) afford(ctx context.Context, past []ledger.Placement) error {
	p.client.askQuotes(p.all, p.charge, p.since)
	said, err := p.client.awaitQuotes(ctx, p.all)
	if err != nil {
		return err
	}
	has := make(map[peer.ID]int)
	for _, e := range edgesOf(past) {
		has[e.host]++
	}
	p.hosts, p.said, p.free, p.most = nil, said, make(map[peer.ID]potluck.Size), make(map[peer.ID]int)
	for _, h := range p.all {
		q := said[h]
		if free, known := q.left(); known {
			p.free[h] = free
			p.most[h] = int(min(free/p.charge, potluck.MaxShares)) + has[h]
		}
		if full, ok := p.full[h]; ok {
			p.most[h] = full
		}
		if limit, limited := p.most[h]; !limited || limit > 0 {
			p.hosts = append(p.hosts, h)
		}
	}
	return nil
}

// suffice tells whether p.hosts are enough for the layout; otherwise it chooses
// a layout for fewer places. When even that can't be, hosts whose refusal is not
// of this very put are asked once more.
func (p *put) suffice() error {
	n := min(len(p.known.homes.places(p.hosts)), p.over)
	choice, err := Choose(n, p.up, p.o)
	if err != nil {
		return err
	}
	if n >= choice.Happy && choice.K == p.choice.K && choice.N == p.choice.N {
		p.choice = choice
		return nil
	}
	between := p.between(n)
	switch {
	case between > n:
		p.over = between
	case n >= choice.Happy:
		p.over = n
	case !p.fresh && p.outdated():
		p.fresh, p.since = true, p.client.c.Clock()
		p.over = len(p.known.homes.places(p.all))
	default:
		return p.tooFew()
	}
	return errChooseAgain
}

// between is for how many places to choose next, where only n can take a share:
// layouts between the last and that one may have been used by an earlier put,
// whose shares are why there is less credit now. Looking for them costs a pass
// over the source, so it's n when there was enough of that.
func (p *put) between(n int) int {
	for over := p.over - 1; over > n && p.hashed < lookAgain; over-- {
		c, err := Choose(over, p.up, p.o)
		if err == nil && (c.K != p.choice.K || c.N != p.choice.N) {
			return over
		}
	}
	return n
}

// outdated tells whether a host counts as short by what it said before this put.
func (p *put) outdated() bool {
	return slices.ContainsFunc(p.all, func(h peer.ID) bool {
		q := p.said[h]
		return q.known && q.asked.Before(p.start) && !slices.Contains(p.hosts, h)
	})
}

// decline notes that a host doesn't take a share of the layout. One that merely
// lacks credit or room may take a smaller one.
func (p *put) decline(host peer.ID, err error) {
	var no *potluck.Refusal
	if !errors.As(err, &no) {
		p.known.fail(host, err)
		return
	}
	p.refusals[host] = no
	p.full[host], p.strays = 0, true
	p.client.quotes.refused(host, p.client.c.Clock(), no)
}

// drop takes hosts off that fell out, or refused.
func (p *put) drop() {
	p.all = slices.DeleteFunc(p.all, p.known.hasFailed)
	p.hosts = slices.DeleteFunc(p.hosts, func(h peer.ID) bool {
		full, ok := p.full[h]
		return p.known.hasFailed(h) || ok && full == 0
	})
}

// short is why a host can't take a share of so many bytes; nil: it can, or
// nobody knows.
func (p *put) short(h peer.ID, bytes potluck.Size) *potluck.Refusal {
	if no := p.refusals[h]; no != nil {
		return no
	}
	q := p.said[h]
	return q.shortOf(bytes)
}

// tooFew says that the layout that was wished for can't be had, nor a smaller.
func (p *put) tooFew() error {
	e := &SpreadError{K: p.wish.K, N: p.wish.N, Wanted: p.wish.Happy, Reasons: p.known.reasons()}
	var able []peer.ID
	for _, h := range p.all {
		if no := p.short(h, p.wished); no != nil {
			e.add(p.known.refusal(h, no))
		} else {
			able = append(able, h)
		}
	}
	at := make(map[peer.ID]peer.ID)
	for _, h := range able {
		home := p.known.homes.of(h)
		if first, taken := at[home]; taken {
			e.add(HostRefusal{Host: h, Name: p.known.nameOf(h), Reason: "same household as " + p.known.nameOf(first)})
		} else {
			at[home] = h
		}
	}
	e.Found = len(at)
	return e
}
