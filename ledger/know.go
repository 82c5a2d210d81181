package ledger

import (
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
)

// StrangerTerms are those of a peer that is no friend: byte for byte, and
// nothing to begin with.
func StrangerTerms() Terms { return Terms{RatioPPM: 1_000_000} }

// Counted gives the terms that count for the account. Of one that is no friend
// that is the ratio alone: what a friend was given isn't given to who was one.
func (a Account) Counted() Terms {
	if a.Friend {
		return a.Terms
	}
	return Terms{RatioPPM: a.Terms.RatioPPM}
}

// Know makes an account for a peer that is no friend, so that it can have leases
// and placements: one that is sponsored here, or a host that a pointer reaches.
// When there is an account nothing changes. The name is a hint and may be empty.
// Errors: ErrInvalid, ErrFull.
func (b *Book) Know(ctx context.Context, p peer.ID, name string, addrs []string) error {
	return b.do(ctx, "know a peer", true, func(t *tx) error { return t.know(p, name, slices.Clone(addrs)) })
}

func (t *tx) know(p peer.ID, name string, addrs []string) error {
	old, _, err := t.known(p)
	if err != nil || old != nil {
		return err
	}
	t.putUsage(p, Usage{})
	a := Account{Peer: p, Name: name, Addrs: addrs, Terms: StrangerTerms(), FirstSeen: t.now}
	t.note(Event{Kind: KindKnow, Peer: p})
	return t.putAccount(a)
}
