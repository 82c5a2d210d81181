package files

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/ledger"
)

// look is what hosts say of a file just now, and what the books say.
type look struct {
	client *Client
	file   caps.Verify
	known  *peers
	asked  []peer.ID // that could be asked, this node included
	held   []holding // what they claim of this file
	placed []ledger.Placement
}

// look asks all hosts that can be asked.
func (c *Client) look(ctx context.Context, v caps.Verify) (*look, error) {
	hosts, known, err := c.candidates(ctx, nil)
	if err != nil {
		return nil, err
	}
	if c.c.Local != nil {
		hosts = append(hosts, c.c.Self)
		known.name(c.c.Self, "this node")
	}
	placed, err := c.c.Books.Placements(ctx, v.Index)
	if err != nil {
		return nil, fmt.Errorf("look placements up: %w", err)
	}
	held := c.ask(ctx, v.Index, hosts, known)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	held = slices.DeleteFunc(held, func(h holding) bool {
		return h.Manifest != v.Manifest || h.Number >= potluck.ShareNumber(v.Layout.N)
	})
	return &look{client: c, file: v, known: known, asked: hosts, held: held, placed: placed}, nil
}

// answered tells whether a host has just said what it holds. One whose share turned
// out wrong since did: it is there, and may have a right one.
func (l *look) answered(h peer.ID) bool {
	err := l.known.failure(h)
	return slices.Contains(l.asked, h) && (err == nil || Missing(err))
}

// friends lists the hosts that answered, without this node.
func (l *look) friends() []peer.ID {
	return slices.DeleteFunc(slices.Clone(l.asked), func(h peer.ID) bool { return h == l.client.c.Self || !l.answered(h) })
}

// shares lists the shares by number, then by host: what hosts claim, what only
// the books know, and the numbers that nobody is known to hold.
func (l *look) shares() []CheckShare {
	var list []CheckShare
	have := make(map[edge]bool)
	var seen numbers
	for _, h := range l.held {
		have[edge{h.Number, h.host}] = true
		seen.add(h.Number)
		s := CheckShare{Number: h.Number, Host: h.host, State: HealthClaimed, Mine: h.Mine}
		if l.lostBefore(edge{h.Number, h.host}) {
			s.State, s.Reason = HealthDoubted, "it was lost or wrong there before, and wasn't read since"
		}
		list = append(list, s)
	}
	for _, p := range l.placed {
		if have[edge{p.Share.Number, p.Host}] || p.State != ledger.PlacedStable && p.State != ledger.PlacedLost {
			continue
		}
		seen.add(p.Share.Number)
		s := CheckShare{Number: p.Share.Number, Host: p.Host, State: HealthUnknown}
		switch {
		case l.answered(p.Host):
			s.State, s.Reason = HealthLost, "it says that it doesn't hold it"
		case p.State == ledger.PlacedLost:
			s.State, s.Reason = HealthLost, "it was lost before"
		default:
			s.Reason = l.silence(p.Host)
		}
		list = append(list, s)
	}
	for n := range l.file.Layout.N {
		if number := potluck.ShareNumber(n); !seen.has(number) {
			list = append(list, l.nowhere(number))
		}
	}
	homes := make(map[peer.ID]string)
	for _, at := range l.known.places {
		homes[at.Peer] = at.Household
	}
	for i := range list {
		s := &list[i]
		if s.Host != "" {
			s.Name, s.Household, s.Up = l.known.nameOf(s.Host), homes[s.Host], l.known.up(s.Host)
		}
		s.Booked = l.booked(edge{s.Number, s.Host})
	}
	slices.SortStableFunc(list, func(a, b CheckShare) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Host, b.Host)) })
	return list
}

// silence is why a host couldn't be asked.
func (l *look) silence(h peer.ID) string {
	if err := l.known.failure(h); err != nil {
		return reason(err)
	}
	return "it is no friend any more"
}

// nowhere is a number that nobody is known to hold. Where the books know the file
// it is missing; of a stranger's file somebody may hold it who can't be asked.
func (l *look) nowhere(n potluck.ShareNumber) CheckShare {
	s := CheckShare{Number: n, State: HealthMissing}
	silent := slices.ContainsFunc(l.known.places, func(at Place) bool { return !l.answered(at.Peer) })
	if silent && len(l.placed) == 0 {
		s.State, s.Reason = HealthUnknown, "not all friends can be asked"
	}
	return s
}

// booked tells whether the books count a share as held by a host.
func (l *look) booked(e edge) bool { return l.inState(e, ledger.PlacedStable) }

// lostBefore tells whether the books know that a host had lost or spoilt a share.
func (l *look) lostBefore(e edge) bool { return l.inState(e, ledger.PlacedLost) }

func (l *look) inState(e edge, s ledger.PlacementState) bool {
	return slices.ContainsFunc(l.placed, func(p ledger.Placement) bool {
		return p.Share.Number == e.number && p.Host == e.host && p.State == s
	})
}
