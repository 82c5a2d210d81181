package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger/signed"
	"potluck/p2p"
)

// audiences is whom the other side of a statement lets see it, for each peer that
// this node has statements with: the other's consent, as it told last in this
// life. A statement goes to those alone who are friends of this node and in the
// audience of the other side: friends of both. It is a memory, not the books:
// after a start nothing is shown before the other side has said to whom.
type audiences struct {
	mu     sync.Mutex
	heard  map[peer.ID]p2p.AudienceRequest
	told   map[peer.ID]audienceKey // which of this node's audiences each peer knows, while connected
	newest uint64                  // counts the changes of this node's friends, from 1 up
}

// audienceKey tells audiences of this node apart; the zero value is none.
type audienceKey struct {
	number  uint64
	private bool
}

// leastTags is the least number of tags that are told: how few friends a node has
// is nobody's business.
const leastTags = 16

// allows tells whether the other side of a statement lets a reader see it.
func (a *audiences) allows(other, self, reader peer.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	heard, ok := a.heard[other]
	return ok && heard.Has(other, self, reader)
}

// hear takes what a peer says over what it said before.
func (a *audiences) hear(from peer.ID, r p2p.AudienceRequest) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.heard == nil {
		a.heard = make(map[peer.ID]p2p.AudienceRequest)
	}
	a.heard[from] = r
}

// changed is told that this node has other friends than before. What those said
// who are friends no longer is forgotten.
func (a *audiences) changed(friends map[peer.ID]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.newest++
	for p := range a.heard {
		if !friends[p] {
			delete(a.heard, p)
			delete(a.told, p)
		}
	}
}

// due tells whether a peer doesn't know the newest audience, and which that is.
func (a *audiences) due(p peer.ID, private bool) (newest audienceKey, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	newest = audienceKey{a.newest, private}
	return newest, a.told[p] != newest
}

// know notes which audience a peer knows; none: it may have forgotten.
func (a *audiences) know(p peer.ID, which audienceKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told == nil {
		a.told = make(map[peer.ID]audienceKey)
	}
	a.told[p] = which
}

// audience is what this node tells a peer: all of its friends, or, when its
// statements aren't to be shown, nobody. The two look alike.
func (n *Node) audience(to peer.ID, private bool) (p2p.AudienceRequest, error) {
	var a p2p.AudienceRequest
	if _, err := rand.Read(a.Salt[:]); err != nil {
		return a, fmt.Errorf("draw a salt: %w", err)
	}
	if !private {
		for _, p := range n.gate.someFriends(p2p.MaxAudience) {
			if p != to {
				a.Tags = append(a.Tags, p2p.TagOf(a.Salt, n.self, to, p))
			}
		}
	}
	want := leastTags
	for want < len(a.Tags) {
		want *= 2
	}
	for len(a.Tags) < want {
		var nobody p2p.Tag
		if _, err := rand.Read(nobody[:]); err != nil {
			return a, fmt.Errorf("draw a tag: %w", err)
		}
		a.Tags = append(a.Tags, nobody)
	}
	a.Sort()
	return a, nil
}

// tellAudience tells a friend who may see the statements between the two, unless it
// knows. Others aren't told: what is stated with them is shown to nobody.
func (n *Node) tellAudience(ctx context.Context, p peer.ID) error {
	which, due := n.audiences.due(p, n.wish().Private)
	if !due || !n.gate.isFriend(p) {
		return nil
	}
	a, err := n.audience(p, which.private)
	if err != nil {
		return err
	}
	if _, err := n.host.Audience(ctx, p, a); err != nil && p2p.CodeOf(err) != p2p.CodeUnsupported { // an older program publishes by its own rule
		return err
	}
	n.audiences.know(p, which)
	return nil
}

// Audience hears who may see the statements between a friend and this node.
func (c *clerk) Audience(ctx context.Context, from peer.ID, r p2p.AudienceRequest) (p2p.AudienceResponse, error) {
	n, err := c.begin(ctx, &c.paced.audiences, from, 1, paceAudiences)
	if err != nil {
		return p2p.AudienceResponse{}, err
	}
	if !n.gate.isFriend(from) {
		return p2p.AudienceResponse{}, &p2p.Error{Code: p2p.CodeNotFound} // it may be one in a moment
	}
	n.audiences.hear(from, r)
	n.post.changed()
	return p2p.AudienceResponse{}, nil
}

// publishes tells whether a statement is handed to a friend: one between this node
// and another friend, when both want it shown and the reader is a friend of both.
func (n *Node) publishes(p peer.ID, x paper) bool {
	if n.wish().Private || x.id.Kind != signed.KindStatement || !x.between(n.self) || !n.gate.isFriend(p) {
		return false
	}
	other := x.id.Issuer
	if other == n.self {
		other = x.id.Other
	}
	return n.audiences.allows(other, n.self, p)
}
