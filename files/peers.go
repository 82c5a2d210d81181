package files

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
)

var errNotConnected = errors.New("not connected")

// peers keeps who hosts are, and why one is of no use now. It is safe for
// concurrent use.
type peers struct {
	places []Place
	homes  households

	mu     sync.Mutex
	names  map[peer.ID]string
	failed map[peer.ID]error
}

func newPeers(places []Place) *peers {
	p := &peers{places: places, homes: newHouseholds(places), names: make(map[peer.ID]string), failed: make(map[peer.ID]error)}
	for _, at := range places {
		p.names[at.Peer] = at.Name
	}
	return p
}

func (p *peers) name(id peer.ID, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[id] = name
}

// nameOf gives the petname, or the short form of the ID of a stranger.
func (p *peers) nameOf(id peer.ID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.names[id]; n != "" {
		return n
	}
	s := id.String()
	return s[max(0, len(s)-8):]
}

// up is how often a host is expected to be there. This node itself is whenever
// it reads.
func (p *peers) up(id peer.ID) float64 {
	for _, at := range p.places {
		if at.Peer == id {
			return at.up()
		}
	}
	return 1
}

// fail records the first reason against a host.
func (p *peers) fail(id peer.ID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed[id] == nil {
		p.failed[id] = err
	}
}

// failure is the first reason against a host; nil: there is none.
func (p *peers) failure(id peer.ID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[id]
}

func (p *peers) hasFailed(id peer.ID) bool {
	return p.failure(id) != nil
}

// reason is an error for people: what the network says of itself is for the log.
func reason(err error) string {
	switch {
	case errors.Is(err, p2p.ErrTimeout):
		return "didn't answer in time"
	case errors.Is(err, p2p.ErrUnreachable):
		return "the connection broke"
	}
	return err.Error()
}

// reasons lists the failures, by name.
func (p *peers) reasons() []HostRefusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []HostRefusal
	for id, err := range p.failed {
		r := HostRefusal{Host: id, Name: p.names[id], Reason: reason(err)}
		var no *potluck.Refusal
		if errors.As(err, &no) {
			r.Refusal = no
		}
		list = append(list, r)
	}
	slices.SortFunc(list, HostRefusal.compare)
	return list
}

// refusal is a host's refusal as a reason.
func (p *peers) refusal(id peer.ID, no *potluck.Refusal) HostRefusal {
	return HostRefusal{Host: id, Name: p.nameOf(id), Reason: no.Error(), Refusal: no}
}

func (r HostRefusal) compare(other HostRefusal) int {
	return cmp.Or(strings.Compare(r.Name, other.Name), strings.Compare(string(r.Host), string(other.Host)))
}

// add adds a reason, in order.
func (e *SpreadError) add(r HostRefusal) {
	e.Reasons = append(e.Reasons, r)
	slices.SortFunc(e.Reasons, HostRefusal.compare)
}
