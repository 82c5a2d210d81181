package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// seenEvery is how many seconds pass at least between two writes of LastSeen.
const seenEvery = 60

// Befriend makes a.Peer a friend with the fields of a, or a friend again: what is
// known of it already (FirstSeen, a later LastSeen or LeasesUntil, its rows and
// counters) stays, and so do its standing, its denial and its household: another
// invite washes nobody white. Errors: ErrInvalid.
func (b *Book) Befriend(ctx context.Context, a Account) error {
	return b.do(ctx, "befriend", true, func(t *tx) error { return t.befriend(a, "") })
}

func (t *tx) befriend(a Account, reason string) error {
	if a.Peer == Anonymous {
		return fmt.Errorf("nobody can't be a friend: %w", ErrInvalid)
	}
	old, _, err := t.known(a.Peer)
	if err != nil {
		return err
	}
	if old == nil {
		a.FirstSeen = t.now
		t.putUsage(a.Peer, Usage{})
	} else {
		a.FirstSeen = old.FirstSeen
		a.LastSeen = max(a.LastSeen, old.LastSeen)
		a.LeasesUntil = max(a.LeasesUntil, old.LeasesUntil)
		a.Standing, a.Denied, a.Household = old.Standing, old.Denied, old.Household
	}
	a.Friend = true
	if t.desk().together(a.Peer, t.graph.self) {
		a.Terms.Gift = potluck.MaxSize
	}
	if err := t.putAccount(a); err != nil {
		return err
	}
	t.note(Event{Kind: KindBefriend, Peer: a.Peer, Reason: reason})
	return nil
}

// known reads an account that may be missing: nil then.
func (t *tx) known(p peer.ID) (*Account, Usage, error) {
	if err := checkPeer(p); err != nil {
		return nil, Usage{}, fmt.Errorf("%w: %w", err, ErrInvalid)
	}
	_, known, err := t.get(peerKey(keyAccount, p))
	if err != nil {
		return nil, Usage{}, err
	}
	_, counted, err := t.get(peerKey(keyUsage, p))
	if err != nil || (!known && !counted) {
		return nil, Usage{}, err
	}
	a, u, err := knownAccount(t, p)
	return &a, u, err
}

func (t *tx) putAccount(a Account) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("account of %v: %w: %w", a.Peer, err, ErrInvalid)
	}
	t.set(peerKey(keyAccount, a.Peer), encodeAccount(a))
	if t.accounts == nil {
		t.accounts = make(map[peer.ID]bool, 1)
	}
	t.accounts[a.Peer] = true
	return nil
}

// Account gives one account. Errors: ErrNotFound.
func (b *Book) Account(ctx context.Context, p peer.ID) (a Account, err error) {
	err = b.view(ctx, func(v view) error {
		a, _, err = knownAccount(v, p)
		return err
	})
	return a, err
}

// Accounts gives all accounts in the order of their keys.
func (b *Book) Accounts(ctx context.Context) ([]Account, error) {
	var all []Account
	err := b.scan(ctx, span{prefix: []byte{keyAccount}}, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		if err := k.end(key); err != nil {
			return err
		}
		a, err := decodeAccount(p, row)
		all = append(all, a)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return all, nil
}

// Usage gives the counters of one account. Errors: ErrNotFound.
func (b *Book) Usage(ctx context.Context, p peer.ID) (u Usage, err error) {
	err = b.view(ctx, func(v view) error {
		_, u, err = knownAccount(v, p)
		return err
	})
	return u, err
}

// Totals gives the counters of all accounts together.
func (b *Book) Totals(ctx context.Context) (u Usage, err error) {
	err = b.view(ctx, func(v view) error {
		u, err = getTotals(v)
		return err
	})
	return u, err
}

// Update changes one account. change is called once, between other operations:
// it must be quick. Its error refuses the operation and is returned wrapped.
// Peer must stay as it is. Errors: ErrNotFound, ErrInvalid.
func (b *Book) Update(ctx context.Context, p peer.ID, reason string, change func(*Account) error) (a Account, err error) {
	err = b.do(ctx, "update an account", false, func(t *tx) error {
		a, err = t.update(p, reason, change)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

func (t *tx) update(p peer.ID, reason string, change func(*Account) error) (Account, error) {
	a, _, err := knownAccount(t, p)
	if err != nil {
		return a, err
	}
	if err := change(&a); err != nil {
		return a, err
	}
	if a.Peer != p {
		return a, fmt.Errorf("account of %v was renamed %v: %w", p, a.Peer, ErrInvalid)
	}
	a.Addrs = slices.Clone(a.Addrs)
	t.note(Event{Kind: KindAccount, Peer: p, Reason: reason})
	return a, t.putAccount(a)
}

// Seen notes that a peer is here now, at these addresses (none: as before). The
// time alone is written once a minute and makes no event. Errors: ErrNotFound,
// ErrInvalid.
func (b *Book) Seen(ctx context.Context, p peer.ID, addrs []string) error {
	a, err := b.Account(ctx, p)
	if err != nil {
		return fmt.Errorf("see a peer: %w", err)
	}
	if !a.news(addrs, b.clock().Unix()) {
		return nil
	}
	return b.do(ctx, "see a peer", false, func(t *tx) error {
		a, _, err := knownAccount(t, p)
		if err != nil || !a.news(addrs, t.now) {
			return err
		}
		if a.moved(addrs) {
			a.Addrs = slices.Clone(addrs)
			t.note(Event{Kind: KindAddress, Peer: p})
		}
		a.LastSeen = t.now
		return t.putAccount(a)
	})
}

// news tells whether a sighting is worth a write.
func (a Account) news(addrs []string, now int64) bool {
	since := now - a.LastSeen // below zero: the clock was set back
	return since < 0 || since >= seenEvery || a.moved(addrs)
}

// moved tells whether the addresses are others than before, in any order.
func (a Account) moved(addrs []string) bool {
	return len(addrs) > 0 && !slices.Equal(slices.Sorted(slices.Values(addrs)), slices.Sorted(slices.Values(a.Addrs)))
}

// Quote tells how much this node would take from owner now. It reserves nothing.
// err may be a *potluck.Refusal; free is right then too. Peers that are neither
// known nor sponsored are refused as not-a-friend.
func (b *Book) Quote(ctx context.Context, owner peer.ID, room Room, asked potluck.Size) (free potluck.Size, err error) {
	if err := first(checkSize("ask", asked), room.check()); err != nil {
		return 0, fmt.Errorf("quote: %w: %w", err, ErrInvalid)
	}
	if err := b.current(ctx); err != nil {
		return 0, fmt.Errorf("quote: %w", err)
	}
	err = b.view(ctx, func(v view) error {
		free, err = v.quote(b.graph, owner, room, asked, b.clock().Unix())
		return err
	})
	return free, err
}
