package testnet_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"potluck/gateway/api"
	"potluck/p2p"
	"potluck/testnet"
)

// movable is a clock that tests set ahead or back.
type movable struct{ offset atomic.Int64 }

func (m *movable) now() time.Time        { return time.Now().Add(time.Duration(m.offset.Load())) }
func (m *movable) move(by time.Duration) { m.offset.Add(int64(by)) }

func noFriends(ctx context.Context, nodes ...*testnet.Member) error {
	for _, n := range nodes {
		friends, err := n.API().Friends(ctx)
		if err != nil {
			return err
		}
		if len(friends) != 0 {
			return fmt.Errorf("%s has %d friends, want none", n.Label(), len(friends))
		}
	}
	return nil
}

func TestUsedInvite(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"host", "first", "second"}, Alone: true}, func(ctx context.Context, n *testnet.Net) error {
		invite, err := n.Node("host").API().Invite(ctx, api.InviteRequest{Name: "first"})
		if err != nil {
			return err
		}
		if _, err := n.Node("first").API().Join(ctx, api.JoinRequest{Link: invite.Link}); err != nil {
			return err
		}
		_, err = n.Node("second").API().Join(ctx, api.JoinRequest{Link: invite.Link})
		if err == nil || !strings.Contains(err.Error(), "used") {
			return fmt.Errorf("second join by one invite: %w, want that it's used", err)
		}
		if _, err := n.Node("first").API().Join(ctx, api.JoinRequest{Link: invite.Link}); err != nil {
			return fmt.Errorf("the same friend joins again: %w", err)
		}
		return noFriends(ctx, n.Node("second"))
	})
}

func TestExpiredInvite(t *testing.T) {
	var host movable
	clock := func(name string) func() time.Time {
		if name == "host" {
			return host.now
		}
		return time.Now
	}
	tell(t, testnet.Local{Nodes: []string{"host", "guest"}, Alone: true, Clock: clock}, func(ctx context.Context, n *testnet.Net) error {
		// The host's clock is what counts: the guest's isn't the host's to trust.
		invite, err := n.Node("host").API().Invite(ctx, api.InviteRequest{Name: "guest", ExpiresSeconds: 3600})
		if err != nil {
			return err
		}
		host.move(2 * time.Hour)
		_, err = n.Node("guest").API().Join(ctx, api.JoinRequest{Link: invite.Link})
		if err == nil || !strings.Contains(err.Error(), "expired") {
			return fmt.Errorf("join by an expired invite: %w, want that it's expired", err)
		}
		return noFriends(ctx, n.All()...)
	})
}

func TestRevokedInvite(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"host", "guest"}, Alone: true}, func(ctx context.Context, n *testnet.Net) error {
		invite, err := n.Node("host").API().Invite(ctx, api.InviteRequest{Name: "guest"})
		if err != nil {
			return err
		}
		if err := n.Node("host").API().Revoke(ctx, invite.ID); err != nil {
			return err
		}
		// With no live invite the host doesn't even speak to strangers.
		if _, err = n.Node("guest").API().Join(ctx, api.JoinRequest{Link: invite.Link}); err == nil {
			return fmt.Errorf("join by a revoked invite went well")
		}
		return noFriends(ctx, n.All()...)
	})
}

func TestForgedInvite(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"host", "guest"}, Alone: true}, func(ctx context.Context, n *testnet.Net) error {
		invite, err := n.Node("host").API().Invite(ctx, api.InviteRequest{Name: "guest"})
		if err != nil {
			return err
		}
		mistyped := []byte(invite.Link)
		last := &mistyped[len(mistyped)-1]
		if *last++; *last > 'y' {
			*last = 'a'
		}
		forged, err := p2p.ParseInvite(invite.Link)
		if err != nil {
			return err
		}
		forged.Secret[3] ^= 1
		for what, link := range map[string]string{"mistyped": string(mistyped), "with another secret": forged.Text(), "empty": "", "garbage": "potluck\x1b[31m"} {
			_, err := n.Node("guest").API().Join(ctx, api.JoinRequest{Link: link})
			if kindOf(err) == "" || kindOf(err) == api.KindInternal {
				return fmt.Errorf("join by an invite that is %s: %w (kind %q)", what, err, kindOf(err))
			}
		}
		return noFriends(ctx, n.All()...)
	})
}

// A clock that jumps by hours, either way, on either side, loses nothing.
func TestClockJumps(t *testing.T) {
	clocks := map[string]*movable{"owner": {}, "h1": {}, "h2": {}}
	clock := func(name string) func() time.Time { return clocks[name].now }
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}, Clock: clock}, func(ctx context.Context, n *testnet.Net) error {
		owner := n.Node("owner")
		old := randomBytes(mib, 1)
		first, err := putBytes(ctx, owner, old, api.PutRequest{K: 1, N: 2, Happy: 2})
		if err != nil {
			return err
		}
		for i, jump := range []time.Duration{5 * time.Hour, -10 * time.Hour, 48 * time.Hour, -96 * time.Hour} {
			for name, c := range clocks {
				if (i+len(name))%2 == 0 {
					c.move(jump)
				}
			}
			if _, err := getSame(ctx, owner, first.Cap, old); err != nil {
				return fmt.Errorf("after a jump by %v: %w", jump, err)
			}
			data := randomBytes(mib, uint64(10+i))
			result, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 2, Happy: 2})
			if err != nil {
				return fmt.Errorf("after a jump by %v: %w", jump, err)
			}
			if _, err := getSame(ctx, owner, result.Cap, data); err != nil {
				return fmt.Errorf("after a jump by %v: %w", jump, err)
			}
			if err := n.Check(ctx); err != nil {
				return fmt.Errorf("after a jump by %v: %w", jump, err)
			}
		}
		return nil
	})
}
