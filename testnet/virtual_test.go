package testnet_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"potluck/gateway/api"
	"potluck/testnet"
	"potluck/testnet/fabric"
)

// virtually runs a story in virtual time.
func virtually(t *testing.T, c testnet.Local, story func(context.Context, *testnet.Net) error) {
	t.Helper()
	if c.Dir == "" {
		c.Dir = shortDir(t)
	}
	c.Small = true
	synctest.Test(t, func(t *testing.T) {
		if err := testnet.Run(t.Context(), c, story); err != nil {
			t.Fatal(err)
		}
	})
}

// The same story on each network: a day passes in no time, and a file comes back.
func TestADayPasses(t *testing.T) {
	for _, network := range []testnet.Network{testnet.Memory, testnet.Simulated} {
		t.Run(string(network), func(t *testing.T) {
			c := testnet.Local{Nodes: []string{"a", "b", "c"}, Network: network, Link: fabric.Link{Latency: 20 * time.Millisecond}}
			began := time.Now()
			virtually(t, c, func(ctx context.Context, n *testnet.Net) error {
				a, data := n.Node("a"), randomBytes(mib, 1)
				r, err := putBytes(ctx, a, data, api.PutRequest{K: 1, N: 2, Happy: 2})
				if err != nil {
					return err
				}
				start := time.Now()
				time.Sleep(24 * time.Hour)
				if d := time.Since(start); d != 24*time.Hour {
					return fmt.Errorf("a day took %v", d)
				}
				_, err = getSame(ctx, a, r.Cap, data)
				return err
			})
			t.Logf("took %v", time.Since(began))
		})
	}
}

// On every preset's lines friends find each other, and a file comes back.
func TestPresets(t *testing.T) {
	for name, p := range testnet.Presets() {
		t.Run(name, func(t *testing.T) {
			virtually(t, p.Of("", "a", "b", "c", "d"), func(ctx context.Context, n *testnet.Net) error {
				a, data := n.Node("a"), randomBytes(mib, 1)
				r, err := a.Put(ctx, data, api.PutRequest{K: 1, N: 2, Happy: 1})
				if err != nil {
					return err
				}
				return same(ctx, a, r.Cap, data)
			})
		})
	}
}
