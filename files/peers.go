package files

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
)

var errNotConnected = errors.New("not connected")

// peers keeps the names of hosts, and why one is of no use now. It is safe for
// concurrent use.
type peers struct {
	mu     sync.Mutex
	names  map[peer.ID]string
	failed map[peer.ID]error
}

func newPeers() *peers {
	return &peers{names: make(map[peer.ID]string), failed: make(map[peer.ID]error)}
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

// fail records the first reason against a host.
func (p *peers) fail(id peer.ID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed[id] == nil {
		p.failed[id] = err
	}
}

func (p *peers) hasFailed(id peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[id] != nil
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
	slices.SortFunc(list, func(a, b HostRefusal) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(string(a.Host), string(b.Host))
	})
	return list
}
