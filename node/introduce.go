package node

import (
	"context"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger"
	"potluck/p2p"
)

// maxKnown is how many peers that are no friends the books take in because a
// document named them.
const maxKnown = 1024

// maxStrange is how many of them may have come by documents of peers that are no
// friends: they can't take the room of those to whom friends point.
const maxStrange = maxKnown / 2

// errManyKnown says that a bound is reached.
var errManyKnown = errors.New("too many peers that are no friends are known already")

// introduce makes accounts for those whom an order brings here: its
// beneficiaries at this node, and the hosts where this node is one.
func (n *Node) introduce(ctx context.Context, p paper, hints []p2p.HostHint) error {
	o, err := p.document.Order()
	if err != nil {
		return err
	}
	anywhere := false
	var come []peer.ID
	for _, x := range o.Pointers {
		switch {
		case x.To == n.self && x.Host != "":
			come = append(come, x.Host)
		case x.To == n.self:
			anywhere = true
		case x.Host == "" || x.Host == n.self:
			come = append(come, x.To)
		}
	}
	for _, h := range hints {
		if anywhere && h.Peer != n.self && !p.names[h.Peer] {
			come = append(come, h.Peer)
		}
	}
	most := maxStrange
	if n.gate.isFriend(p.id.Issuer) {
		most = maxKnown
	}
	for _, x := range come {
		if err := n.meet(ctx, x, hints, most); err != nil && !errors.Is(err, errManyKnown) {
			return err
		}
	}
	return nil
}

// know makes an account for a peer that has none, with what a hint says of it.
// Errors: errManyKnown.
func (n *Node) know(ctx context.Context, p peer.ID, hints []p2p.HostHint) error {
	return n.meet(ctx, p, hints, maxKnown)
}

// meet is know as long as fewer than most peers are known that are no friends.
func (n *Node) meet(ctx context.Context, p peer.ID, hints []p2p.HostHint, most int) error {
	var hint p2p.HostHint
	for _, h := range hints {
		if h.Peer == p {
			hint = h
		}
	}
	n.meeting.Lock()
	defer n.meeting.Unlock()
	a, err := n.book.Account(ctx, p)
	if err == nil {
		return n.learn(ctx, a, hint)
	}
	if !errors.Is(err, ledger.ErrNotFound) {
		return n.checked(err)
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return n.checked(err)
	}
	strangers := 0
	for _, a := range accounts {
		if !a.Friend {
			strangers++
		}
	}
	if strangers >= most {
		return errManyKnown
	}
	wanted := hint.Name
	if wanted == "" {
		wanted = nameless(p)
	}
	name, err := n.freeName(ctx, wanted, p)
	if err != nil {
		return n.checked(err)
	}
	return n.checked(n.book.Know(ctx, p, name, hint.Addrs))
}

// learn adds to an account of a peer that is no friend what a hint says: where it
// is, while it isn't here, and a name that people gave it, if it has none. Who
// answers at an address shows its key, so a wrong hint costs no more than a dial.
func (n *Node) learn(ctx context.Context, a ledger.Account, hint p2p.HostHint) error {
	known := slices.Clone(hint.Addrs)
	for _, x := range a.Addrs {
		if !slices.Contains(known, x) {
			known = append(known, x)
		}
	}
	addrs := len(known) > len(a.Addrs) && !n.host.Connected(a.Peer)
	name := hint.Name != "" && a.Name == nameless(a.Peer)
	if a.Friend || !addrs && !name {
		return nil
	}
	called := a.Name
	if name {
		accounts, err := n.book.Accounts(ctx)
		if err != nil {
			return n.checked(err)
		}
		if !taken(accounts, hint.Name, a.Peer) {
			called = hint.Name
		}
	}
	if !addrs && called == a.Name {
		return nil
	}
	if addrs {
		defer n.tend.anew(a.Peer)
	}
	_, err := n.book.Update(ctx, a.Peer, "a hint says where it is, or its name", func(a *ledger.Account) error {
		a.Name = called
		if addrs {
			a.Addrs = known[:min(len(known), ledger.MaxAddrs)]
		}
		return nil
	})
	return n.checked(err)
}

// nameless is what a peer is called of which nobody told a name.
func nameless(p peer.ID) string { return "peer-" + brief(p) }

// brief is the end of a peer ID, by which people tell strangers apart.
func brief(p peer.ID) string {
	text := p.String()
	return text[max(0, len(text)-6):]
}
