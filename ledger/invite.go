package ledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const hidden = "[secret]"

// Format hides the secret from every verb.
func (InviteSecret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// String hides the secret.
func (InviteSecret) String() string { return hidden }

// MarshalText hides the secret, from JSON too.
func (InviteSecret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the secret.
func (InviteSecret) LogValue() slog.Value { return slog.StringValue(hidden) }

// AddInvite writes a new invite; State must be InviteLive. Errors: ErrConflict
// when the ID is taken, ErrInvalid, ErrFull.
func (b *Book) AddInvite(ctx context.Context, i Invite) error {
	if err := i.check(); err != nil {
		return fmt.Errorf("add an invite: %w: %w", err, ErrInvalid)
	}
	if i.State != InviteLive {
		return fmt.Errorf("add an invite in state %d: %w", i.State, ErrInvalid)
	}
	return b.do(ctx, "add an invite", true, func(t *tx) error {
		_, found, err := getInvite(t, i.ID)
		if err != nil {
			return err
		}
		if found {
			return fmt.Errorf("invite %x is there already: %w", i.ID, ErrConflict)
		}
		t.set(indexKey(keyInvite, i.ID), encodeInvite(i))
		t.note(Event{Kind: KindInvite, Reason: i.describe()})
		return nil
	})
}

func (i Invite) describe() string {
	return fmt.Sprintf("%s for %q", hex.EncodeToString(i.ID[:]), i.Name)
}

func getInvite(g getter, id InviteID) (Invite, bool, error) {
	return load(g, indexKey(keyInvite, id), func(row []byte) (Invite, error) { return decodeInvite(id, row) })
}

func knownInvite(g getter, id InviteID) (Invite, error) {
	i, found, err := getInvite(g, id)
	if err == nil && !found {
		err = fmt.Errorf("invite %x: %w", id, ErrNotFound)
	}
	return i, err
}

// Invite gives one invite. Errors: ErrNotFound.
func (b *Book) Invite(ctx context.Context, id InviteID) (i Invite, err error) {
	err = b.view(ctx, func(v view) error {
		i, err = knownInvite(v, id)
		return err
	})
	return i, err
}

// Invites gives all invites by ID, the used and revoked ones too.
func (b *Book) Invites(ctx context.Context) ([]Invite, error) {
	var all []Invite
	err := b.scan(ctx, span{prefix: []byte{keyInvite}}, func(key, row []byte) error {
		i, err := readInvite(key, row)
		all = append(all, i)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read invites: %w", err)
	}
	return all, nil
}

func readInvite(key, row []byte) (Invite, error) {
	k := parts(key)
	id := k.index()
	if err := k.end(key); err != nil {
		return Invite{}, err
	}
	return decodeInvite(id, row)
}

// RevokeInvite makes a live invite useless. Revoking twice changes nothing.
// Errors: ErrNotFound, ErrInviteUsed.
func (b *Book) RevokeInvite(ctx context.Context, id InviteID) error {
	return b.do(ctx, "revoke an invite", false, func(t *tx) error {
		i, err := knownInvite(t, id)
		switch {
		case err != nil:
			return err
		case i.State == InviteUsed:
			return fmt.Errorf("invite %x, by %v: %w", id, i.UsedBy, ErrInviteUsed)
		case i.State == InviteRevoked:
			return nil
		}
		i.State = InviteRevoked
		t.set(indexKey(keyInvite, id), encodeInvite(i))
		t.note(Event{Kind: KindInviteRevoke, Reason: i.describe()})
		return nil
	})
}

// UseInvite spends an invite and makes a.Peer, which must be by, a friend, in one
// transaction. The same peer may use it again: that changes nothing, not even a
// friendship that has ended since. Whether by knows the secret is the caller's to
// check. Errors: ErrNotFound, ErrInviteUsed, ErrInviteExpired, ErrInviteRevoked,
// ErrInvalid, ErrFull.
func (b *Book) UseInvite(ctx context.Context, id InviteID, by peer.ID, now time.Time, a Account) (i Invite, err error) {
	if a.Peer != by {
		return Invite{}, fmt.Errorf("use an invite: account of %v for %v: %w", a.Peer, by, ErrInvalid)
	}
	err = b.do(ctx, "use an invite", true, func(t *tx) error {
		var err error
		i, err = knownInvite(t, id)
		switch {
		case err != nil:
			return err
		case i.State == InviteUsed && i.UsedBy == by:
			return nil
		case i.State == InviteUsed:
			return fmt.Errorf("invite %x: %w", id, ErrInviteUsed)
		case i.State == InviteRevoked:
			return fmt.Errorf("invite %x: %w", id, ErrInviteRevoked)
		case now.Unix() >= i.Expires:
			return fmt.Errorf("invite %x, %d seconds ago: %w", id, now.Unix()-i.Expires, ErrInviteExpired)
		}
		i.State, i.UsedBy = InviteUsed, by
		t.set(indexKey(keyInvite, id), encodeInvite(i))
		t.note(Event{Kind: KindInviteUsed, Peer: by, Reason: i.describe()})
		return t.befriend(a, "invite "+hex.EncodeToString(id[:]))
	})
	if err != nil {
		return Invite{}, err
	}
	return i, nil
}
