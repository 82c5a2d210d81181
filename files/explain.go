package files

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// explain tells of every host why it got shares, or got none: chosen ones first,
// then by name. It is nil when nobody asked.
func (p *put) explain() []HostChoice {
	if !p.o.Explain {
		return nil
	}
	shares := make(map[peer.ID]int)
	for _, at := range p.result.Placed {
		shares[at.Host]++
	}
	for n, g := range p.grants {
		if !slices.ContainsFunc(p.result.Placed, func(at Placed) bool { return at.Number == n }) {
			shares[g.host]++ // still on its way
		}
	}
	list := make([]HostChoice, 0, len(p.known.places))
	for _, at := range p.known.places {
		c := HostChoice{Host: at.Peer, Name: p.known.nameOf(at.Peer), Household: at.Household, Free: -1, Shares: shares[at.Peer]}
		q := p.said[at.Peer]
		if free, known := q.left(); known {
			c.Free = free
		}
		c.Chosen = c.Shares > 0
		if c.Chosen {
			c.Why = p.whyChosen(at.Peer, c.Free)
		} else {
			c.Why = p.whyNot(at.Peer, shares)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b HostChoice) int {
		switch {
		case a.Chosen && !b.Chosen:
			return -1
		case b.Chosen && !a.Chosen:
			return 1
		}
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host))
	})
	return list
}

func (p *put) whyChosen(h peer.ID, free potluck.Size) string {
	held := func(at Placed) bool { return at.Host == h && (p.whole || p.held[edge{at.Number, h}]) }
	switch {
	case slices.ContainsFunc(p.result.Placed, held):
		return "holds it already"
	case free < 0:
		return "takes it; it didn't say how much is free for you"
	case free < p.charge: // what an earlier put reserved there
		return "had room reserved for it already"
	}
	return fmt.Sprintf("has %v free for you", free)
}

func (p *put) whyNot(h peer.ID, shares map[peer.ID]int) string {
	err := p.known.failure(h)
	switch {
	case errors.Is(err, errNotConnected):
		return "unreachable: not connected"
	case errors.Is(err, errQuiet):
		return "quiet: " + err.Error()
	case err != nil:
		return reason(err)
	case p.whole:
		return "not needed: others hold it already"
	}
	if no := p.short(h, p.charge); no != nil {
		return clause(no)
	}
	for _, at := range p.known.places {
		if shares[at.Peer] > 0 && p.known.homes.of(at.Peer) == p.known.homes.of(h) {
			return "same household as " + p.known.nameOf(at.Peer)
		}
	}
	return "not needed: enough others came before it"
}

// clause says in a few words why a host takes no share, with the numbers.
func clause(no *potluck.Refusal) string {
	numbers := fmt.Sprintf("%v free, a share needs %v", no.Free, no.Asked)
	if no.Free.String() == no.Asked.String() {
		numbers = fmt.Sprintf("%v less than the %v that a share needs", no.Asked-no.Free, no.Asked)
	}
	switch no.Code {
	case potluck.CodeUnfunded:
		return "no credit: " + numbers
	case potluck.CodeNoRoom:
		return "no room: " + numbers
	case potluck.CodeRate:
		return "slowed: " + numbers
	case potluck.CodeDenied:
		return "denied: its operator takes nothing new from you"
	case potluck.CodeFrozen:
		return "frozen: it takes nothing new until your standing is good again"
	case potluck.CodeNotAFriend:
		return "not a friend: it knows neither you nor a sponsor of yours"
	case potluck.CodeAnonymousFull:
		return "its allowance for strangers is used up: " + numbers
	}
	return fmt.Sprintf("%s: %s", no.Code, numbers)
}

// BestCure is the easiest way to more credit among the refusals: the smallest
// amount to hold for a host, or to have a pointer of; where there's none, the
// first other cure of a refusal. ok is false when no refusal names a cure.
func (e *SpreadError) BestCure() (host HostRefusal, cure potluck.Cure, ok bool) {
	amount := func(c potluck.Cure) bool { return c.Kind == potluck.CureHold || c.Kind == potluck.CurePointer }
	for _, r := range e.Reasons {
		if r.Refusal == nil {
			continue
		}
		for _, c := range r.Refusal.Cures {
			if !ok || amount(c) && (!amount(cure) || c.Bytes < cure.Bytes) {
				host, cure, ok = r, c, true
			}
		}
	}
	return host, cure, ok
}

// cureText names the host in a cure.
func cureText(name string, c potluck.Cure) string {
	switch c.Kind {
	case potluck.CureBefriend:
		return "accept an invite of " + name
	case potluck.CureHold:
		return fmt.Sprintf("hold %v more for %s", c.Bytes, name)
	case potluck.CurePointer:
		return fmt.Sprintf("ask a friend of %s for a credit pointer of %v", name, c.Bytes)
	case potluck.CureAskHost:
		return fmt.Sprintf("ask the operator of %s for other terms", name)
	case potluck.CureFree:
		return fmt.Sprintf("remove %v of what %s holds for you", c.Bytes, name)
	case potluck.CureOffer:
		return fmt.Sprintf("the operator of %s must offer %v more room", name, c.Bytes)
	case potluck.CureWait:
		return fmt.Sprintf("try %s again later", name)
	}
	return c.String()
}
