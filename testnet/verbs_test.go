package testnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"potluck/gateway/api"
	"potluck/testnet"
	"potluck/testnet/fabric"
)

// memory is nodes in memory, some milliseconds apart.
func memory(nodes ...string) testnet.Local {
	return testnet.Local{Nodes: nodes, Network: testnet.Memory, Link: fabric.Link{Latency: 20 * time.Millisecond}}
}

// same checks that a node gets what was put.
func same(ctx context.Context, m *testnet.Member, capText string, want []byte) error {
	got, err := m.Get(ctx, capText)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s got %d other bytes, want %d", m.Label(), len(got), len(want))
	}
	return err
}

// A host is killed while it has a share, another one pulls its plug, and the file
// comes from those that are left; after both are back all books agree.
func TestKillAndOffline(t *testing.T) {
	virtually(t, memory("owner", "h1", "h2", "h3"), func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(mib, 1)
		r, err := owner.Put(ctx, data, api.PutRequest{K: 1, N: 3, Happy: 3})
		if err != nil {
			return err
		}
		if err := n.Node("h1").Kill(); err != nil {
			return err
		}
		if err := n.Node("h2").Offline(); err != nil {
			return err
		}
		if err := same(ctx, owner, r.Cap, data); err != nil {
			return err
		}
		time.Sleep(time.Hour)
		if err := errors.Join(n.Node("h1").Start(ctx), n.Node("h2").Online()); err != nil {
			return err
		}
		time.Sleep(time.Hour)
		if err := testnet.WaitConnected(ctx, owner, n.Node("h1"), n.Node("h2"), n.Node("h3")); err != nil {
			return err
		}
		return same(ctx, n.Node("h3"), r.Cap, data)
	})
}

// While the net is parted, what needs both sides fails, and what needs one goes
// on; when it is mended, friends find each other by themselves.
func TestPartition(t *testing.T) {
	virtually(t, memory("a", "b", "c", "d"), func(ctx context.Context, n *testnet.Net) error {
		a, data := n.Node("a"), randomBytes(mib, 1)
		if err := n.Partition([]string{"a", "b"}, []string{"c", "d"}); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 10*time.Minute)
		defer cancel()
		if _, err := a.Put(short, data, api.PutRequest{K: 1, N: 3, Happy: 3}); err == nil {
			return errors.New("three friends took a share, and one can be reached")
		}
		r, err := a.Put(ctx, data, api.PutRequest{K: 1, N: 1, Happy: 1})
		if err != nil {
			return err
		}
		if err := n.Partition(); err != nil {
			return err
		}
		time.Sleep(time.Hour)
		for _, m := range n.All()[1:] {
			if err := testnet.WaitConnected(ctx, a, m); err != nil {
				return err
			}
		}
		return same(ctx, n.Node("d"), r.Cap, data)
	})
}

// Disks that lie or die cost a share each, and no more.
func TestWipeAndCorrupt(t *testing.T) {
	virtually(t, memory("owner", "h1", "h2", "h3"), func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(mib, 1)
		r, err := owner.Put(ctx, data, api.PutRequest{K: 1, N: 3, Happy: 3})
		if err != nil {
			return err
		}
		n.Unknown("h1")
		n.Unknown("h2")
		n.Unknown("owner") // it learns of both in its own time
		if err := errors.Join(n.Node("h1").Corrupt(), n.Node("h2").WipeDisk(ctx)); err != nil {
			return err
		}
		return same(ctx, owner, r.Cap, data)
	})
}

// A liar with a node's key answers nothing; the others get on without it, and the
// honest node comes back.
func TestLie(t *testing.T) {
	virtually(t, memory("owner", "h1", "h2"), func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(mib, 1)
		r, err := owner.Put(ctx, data, api.PutRequest{K: 1, N: 2, Happy: 2})
		if err != nil {
			return err
		}
		liar, err := n.Node("h1").Lie(nil, nil)
		if err != nil {
			return err
		}
		if err := errors.Join(testnet.WaitConnected(ctx, owner, n.Node("h1")), same(ctx, owner, r.Cap, data), liar.Close()); err != nil {
			return err
		}
		return errors.Join(n.Node("h1").Start(ctx), testnet.WaitConnected(ctx, owner, n.Node("h1")))
	})
}
