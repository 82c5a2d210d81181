package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
)

// Place writes placements, all or none: new ones, or over what was known of the
// same share at the same host. The host's earned counters change with them; a
// lost placement earns nothing. Receipts are borrowed until it returns. Errors:
// ErrNotFound when a host has no account, ErrInvalid, ErrFull.
func (b *Book) Place(ctx context.Context, ps []Placement) error {
	if err := checkPlacements(ps); err != nil {
		return err
	}
	return b.do(ctx, "place", true, func(t *tx) error { return t.placeAll(ps) })
}

func checkPlacements(ps []Placement) error {
	if len(ps) > MaxBatch {
		return fmt.Errorf("place %d shares, at most %d: %w", len(ps), MaxBatch, ErrInvalid)
	}
	for _, p := range ps {
		if err := p.check(); err != nil {
			return fmt.Errorf("place share %v: %w: %w", p.Share, err, ErrInvalid)
		}
	}
	return nil
}

func (t *tx) placeAll(ps []Placement) error {
	for _, p := range ps {
		if err := t.place(p, ""); err != nil {
			return err
		}
	}
	return nil
}

// Mark moves placements at one host to another state, and its earned counters
// with them; those that aren't known are left alone. Errors: ErrInvalid.
func (b *Book) Mark(ctx context.Context, host peer.ID, ids []potluck.ShareID, state PlacementState, reason string) error {
	if err := first(checkPeer(host), checkText("reason", reason, MaxReason)); err != nil {
		return fmt.Errorf("mark placements: %w: %w", err, ErrInvalid)
	}
	return pieces(ids, func(part []potluck.ShareID) error {
		return b.do(ctx, "mark placements", false, func(t *tx) error {
			for _, id := range part {
				p, there, err := getPlacement(t, id, host)
				if err != nil {
					return err
				}
				if !there || p.State == state {
					continue
				}
				p.State = state
				if err := p.check(); err != nil {
					return fmt.Errorf("%w: %w", err, ErrInvalid)
				}
				if err := t.place(p, reason); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// placeKind is the kind of the event that brings a placement into a state.
func placeKind(s PlacementState) string {
	switch s {
	case PlacedComing:
		return KindPlacing
	case PlacedGoing:
		return KindUnplacing
	case PlacedLost:
		return KindPlacedLost
	}
	return KindPlace
}

func (t *tx) place(p Placement, reason string) error {
	_, had, err := knownAccount(t, p.Host)
	if err != nil {
		return err
	}
	old, there, err := getPlacement(t, p.Share, p.Host)
	if err != nil {
		return err
	}
	if err := t.moved(old, p); err != nil {
		return err
	}
	change := p.usage()
	if there {
		change = change.minus(old.usage())
	} else {
		t.mark(peerShareKey(keyPlacementByHost, p.Host, p.Share))
	}
	t.set(sharePeerKey(keyPlacement, p.Share, p.Host), encodePlacement(p))
	t.note(Event{Kind: placeKind(p.State), Peer: p.Host, Share: &p.Share, Bytes: p.Charge, Reason: reason})
	if had.Earned == 0 && change.Earned > 0 {
		if err := t.beginProof(p.Host); err != nil {
			return err
		}
	}
	return t.count(p.Host, change)
}

// moved changes the sums of ranges from one placement, or none, to another of the
// same share at the same host.
func (t *tx) moved(old, p Placement) error {
	was, is := old.State == PlacedStable, p.State == PlacedStable
	if was && is && old.Charge == p.Charge && old.Root == p.Root {
		return nil
	}
	at := side{roleOwner, p.Host}
	if was {
		if err := t.ranged(at, p.Share, old.item().sum().negative()); err != nil {
			return err
		}
	}
	if is {
		return t.ranged(at, p.Share, p.item().sum())
	}
	return nil
}

// Unplace forgets placements at one host; those that aren't known are left alone.
func (b *Book) Unplace(ctx context.Context, host peer.ID, ids []potluck.ShareID) error {
	if err := checkPeer(host); err != nil {
		return fmt.Errorf("unplace: %w: %w", err, ErrInvalid)
	}
	return pieces(ids, func(part []potluck.ShareID) error {
		return b.do(ctx, "unplace", false, func(t *tx) error {
			for _, id := range part {
				if err := t.unplace(host, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (t *tx) unplace(host peer.ID, id potluck.ShareID) error {
	p, there, err := getPlacement(t, id, host)
	if err != nil || !there {
		return err
	}
	if err := t.moved(p, Placement{Share: id, Host: host}); err != nil {
		return err
	}
	t.del(sharePeerKey(keyPlacement, id, host))
	t.del(peerShareKey(keyPlacementByHost, host, id))
	t.note(Event{Kind: KindUnplace, Peer: host, Share: &id, Bytes: p.Charge})
	return t.count(host, p.usage().negative())
}

// Placements gives all placements of one share set, by share, then by host.
func (b *Book) Placements(ctx context.Context, index potluck.StorageIndex) ([]Placement, error) {
	var all []Placement
	err := b.scan(ctx, span{prefix: indexKey(keyPlacement, index)}, func(key, row []byte) error {
		p, err := readPlacement(key, row)
		all = append(all, p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read placements of %v: %w", index, err)
	}
	return all, nil
}

func readPlacement(key, row []byte) (Placement, error) {
	k := parts(key)
	id, host := k.share(), k.peer()
	if err := k.end(key); err != nil {
		return Placement{}, err
	}
	return decodePlacement(id, host, row)
}

// PlacementsAt visits all placements at one host, by share. visit may call
// methods of the book.
func (b *Book) PlacementsAt(ctx context.Context, host peer.ID, visit func(Placement) error) error {
	return b.PlacementsAfter(ctx, host, potluck.ShareID{}, visit)
}

// PlacementsAfter is PlacementsAt from the first share after one on, or with the
// zero ID from the first. ErrStop of visit ends it without an error.
func (b *Book) PlacementsAfter(ctx context.Context, host peer.ID, after potluck.ShareID, visit func(Placement) error) error {
	return b.view(ctx, func(v view) error {
		return v.scan(ctx, pastShare(keyPlacementByHost, host, after), func(key, _ []byte) error {
			k := parts(key)
			k.peer()
			id := k.share()
			if err := k.end(key); err != nil {
				return err
			}
			p, there, err := getPlacement(v, id, host)
			if err == nil && !there {
				err = fmt.Errorf("placement of share %v at %v is missing: %w", id, host, ErrDamaged)
			}
			if err != nil {
				return err
			}
			return visit(p)
		})
	})
}
