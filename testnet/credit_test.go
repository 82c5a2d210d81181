package testnet_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/gateway/api"
	"potluck/ledger/signed"
	"potluck/p2p"
	"potluck/testnet"
)

// The attacks of CREDIT.md section 9, each on a net of real nodes. In every story
// "debtor" is the node that is attacked: it owes "earner" what that one holds for
// it, and nothing to anybody else.

// Pointing the same credit to two peers doesn't double it: of two that use it at
// once only one gets through.
func TestSameCreditToTwo(t *testing.T) {
	tell(t, strangers("debtor", "earner", "x", "y"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, x, y := n.Node("debtor"), n.Node("earner"), n.Node("x"), n.Node("y")
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := befriend(ctx, earner, x, earner, y); err != nil {
			return err
		}
		for _, to := range []*testnet.Member{x, y} {
			if err := point(ctx, earner, to, debtor); err != nil {
				return err
			}
			if err := freeIs(ctx, debtor, to, owed); err != nil {
				return err
			}
		}
		through, err := rush(ctx, debtor, charged(owed*2/3), x, y)
		if err != nil || through != 1 {
			return fmt.Errorf("%d of two puts of two thirds each went through, want 1: %w", through, err)
		}
		return atMost(ctx, debtor, owed, earner, x, y)
	})
}

// rush has all put a file of so many bytes at one node at once. It counts those
// that went through; the others must be refused for lack of credit.
func rush(ctx context.Context, at *testnet.Member, size int, all ...*testnet.Member) (through int32, err error) {
	var count atomic.Int32
	var g errgroup.Group
	for _, m := range all {
		g.Go(func() error {
			if _, err := putAt(ctx, m, at, size); err != nil {
				return refusedFor(err, potluck.CodeUnfunded)
			}
			count.Add(1)
			return nil
		})
	}
	err = g.Wait()
	return count.Load(), err
}

// atMost checks that a node holds no more for some others than it owes for all of
// them, and that none of them could still add more than the rest.
func atMost(ctx context.Context, at *testnet.Member, owed potluck.Size, others ...*testnet.Member) error {
	held, err := heldFrom(ctx, at, others...)
	if err != nil {
		return err
	}
	if held > owed {
		return fmt.Errorf("%s owes %d and holds %d", at.Label(), owed, held)
	}
	for _, o := range others {
		s, err := serve(ctx, at, o)
		if err != nil {
			return err
		}
		if s.Free > owed-held {
			return fmt.Errorf("%s owes %d, holds %d, and would take %d more of %s", at.Label(), owed, held, s.Free, o.Label())
		}
	}
	return nil
}

// An order that was replaced can't be brought back by anybody, and at another
// host than it names a pointer is worth nothing at any time.
func TestReplayOfAnOldPointer(t *testing.T) {
	tell(t, strangers("debtor", "other", "earner", "x", "m"), func(ctx context.Context, n *testnet.Net) error {
		debtor, other, earner, x, m := n.Node("debtor"), n.Node("other"), n.Node("earner"), n.Node("x"), n.Node("m")
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if _, _, err := earn(ctx, other, earner); err != nil {
			return err
		}
		if err := befriend(ctx, earner, x, debtor, m, other, m); err != nil {
			return err
		}
		if err := point(ctx, earner, x, debtor); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, x, owed); err != nil {
			return err
		}
		l, stop, err := corrupt(ctx, m, nil, debtor, other)
		if err != nil {
			return err
		}
		defer stop()
		old, err := l.steal(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := freeIs(ctx, other, x, 0); err != nil {
			return err
		}
		if _, err := earner.API().CreditRevoke(ctx, api.CreditRevokeRequest{To: "x"}); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, x, 0); err != nil {
			return err
		}
		for _, at := range []*testnet.Member{debtor, other} {
			result, err := l.deliver(ctx, at, old)
			if err != nil || result != p2p.DeliveredStale {
				return fmt.Errorf("%s answers a replayed order with result %d, want %d: %w", at.Label(), result, p2p.DeliveredStale, err)
			}
			if err := freeIs(ctx, at, x, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// steal asks a node for the order of somebody that it knows.
func (l liar) steal(ctx context.Context, from, issuer *testnet.Member) (signed.Document, error) {
	a, err := l.Sync(ctx, from.Peer(), p2p.SyncRequest{Have: []p2p.DocumentKey{{Kind: uint8(signed.KindOrder), Issuer: issuer.Peer()}}})
	if err != nil {
		return signed.Document{}, err
	}
	for _, raw := range a.Documents {
		d, err := signed.ParseDocument(raw)
		if err == nil && d.Kind == signed.KindOrder {
			return d, nil
		}
	}
	return signed.Document{}, fmt.Errorf("%s has no order of %s among %d documents", from.Label(), issuer.Label(), len(a.Documents))
}

// A pointer that is taken back when it was used pays on for what it carries:
// the credit can't be used again, by its issuer or by another, until that is gone.
func TestRevokeAfterUse(t *testing.T) {
	tell(t, strangers("debtor", "earner", "x", "y"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, x, y := n.Node("debtor"), n.Node("earner"), n.Node("x"), n.Node("y")
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := befriend(ctx, earner, x, earner, y); err != nil {
			return err
		}
		if err := point(ctx, earner, x, debtor); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, x, owed); err != nil {
			return err
		}
		used, err := putAt(ctx, x, debtor, charged(owed))
		if err != nil {
			return err
		}
		left := owed - used.Placed[0].Charge
		if _, err := earner.API().CreditRevoke(ctx, api.CreditRevokeRequest{To: "x"}); err != nil {
			return err
		}
		if err := becomes(ctx, "frozen", debtor, x, func(s api.ServeView) bool { return len(s.In) == 1 && s.In[0].Frozen && s.Short == 0 }); err != nil {
			return err
		}
		if err := point(ctx, earner, y, debtor); err != nil {
			return err
		}
		for _, who := range []*testnet.Member{earner, y} {
			if err := freeIs(ctx, debtor, who, left); err != nil {
				return err
			}
		}
		if err := testnet.WaitConnected(ctx, y, debtor); err != nil {
			return err
		}
		if _, err := putAt(ctx, y, debtor, charged(owed/2)); err == nil || refusedFor(err, potluck.CodeUnfunded) != nil {
			return fmt.Errorf("y's put on credit that x uses: %w, want it refused", err)
		}
		if _, err := x.API().Remove(ctx, used.Cap); err != nil {
			return err
		}
		return freeIs(ctx, debtor, y, owed)
	})
}

// Pointers in a circle carry what one of them brought in, once.
func TestPointerCycle(t *testing.T) {
	tell(t, strangers("debtor", "earner", "x", "y"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, x, y := n.Node("debtor"), n.Node("earner"), n.Node("x"), n.Node("y")
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := befriend(ctx, earner, x, x, y, y, earner); err != nil {
			return err
		}
		for _, p := range [][2]*testnet.Member{{earner, x}, {x, y}, {y, earner}} {
			if err := point(ctx, p[0], p[1], debtor); err != nil {
				return err
			}
			if err := freeIs(ctx, debtor, p[1], owed); err != nil {
				return err
			}
		}
		through, err := rush(ctx, debtor, charged(owed/2), earner, x, y)
		if err != nil || through != 2 {
			return fmt.Errorf("%d of three puts of a half each went through, want 2: %w", through, err)
		}
		return atMost(ctx, debtor, owed, earner, x, y)
	})
}

// Whoever has one peer point credit to many names has no more of it: also when
// they point it to each other, and all use it at once.
func TestManyIdentities(t *testing.T) {
	tell(t, strangers("debtor", "earner", "s1", "s2", "s3", "s4"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, many := n.Node("debtor"), n.Node("earner"), n.All()[2:]
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		for i, s := range many {
			if err := befriend(ctx, earner, s); err != nil {
				return err
			}
			if err := point(ctx, earner, s, debtor); err != nil {
				return err
			}
			if err := freeIs(ctx, debtor, s, owed); err != nil {
				return err
			}
			if i == 0 {
				continue
			}
			if err := befriend(ctx, many[i-1], s); err != nil {
				return err
			}
			if err := point(ctx, many[i-1], s, debtor); err != nil {
				return err
			}
		}
		through, err := rush(ctx, debtor, charged(owed/3), many...)
		if err != nil || through != 3 {
			return fmt.Errorf("%d of four puts of a third each went through, want 3: %w", through, err)
		}
		return atMost(ctx, debtor, owed, append([]*testnet.Member{earner}, many...)...)
	})
}

// A new key is a stranger: it has nothing by itself, and a sponsor can give it
// only what the old key doesn't use.
func TestWhitewashing(t *testing.T) {
	tell(t, strangers("debtor", "earner", "old", "new"), func(ctx context.Context, n *testnet.Net) error {
		debtor, earner, old, anew := n.Node("debtor"), n.Node("earner"), n.Node("old"), n.Node("new")
		_, owed, err := earn(ctx, debtor, earner)
		if err != nil {
			return err
		}
		if err := befriend(ctx, earner, old, earner, anew); err != nil {
			return err
		}
		if err := point(ctx, earner, old, debtor); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, old, owed); err != nil {
			return err
		}
		used, err := putAt(ctx, old, debtor, charged(owed*3/4))
		if err != nil {
			return err
		}
		left := owed - used.Placed[0].Charge
		if _, err := putAt(ctx, anew, debtor, 1000); kindOf(err) != api.KindNotFound {
			return fmt.Errorf("a put by a key that nobody sponsors: %w, want that it knows no such host", err)
		}
		if err := old.Stop(); err != nil {
			return err
		}
		if _, err := earner.API().CreditRevoke(ctx, api.CreditRevokeRequest{To: "old"}); err != nil {
			return err
		}
		if err := point(ctx, earner, anew, debtor); err != nil {
			return err
		}
		if err := freeIs(ctx, debtor, anew, left); err != nil {
			return err
		}
		if _, err := putAt(ctx, anew, debtor, charged(owed/2)); err == nil || refusedFor(err, potluck.CodeUnfunded) != nil {
			return fmt.Errorf("a put by the new key on what the old one uses: %w, want it refused", err)
		}
		return atMost(ctx, debtor, owed, earner, old, anew)
	})
}
