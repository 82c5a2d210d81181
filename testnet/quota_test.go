package testnet_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/gateway/api"
	"potluck/shares"
	"potluck/testnet"
)

// 64 puts at once, with room for twenty: the host never holds and reserves more
// than the terms allow, twenty go through, and each of them can be read.
func TestParallelPutsNeverExceedTheQuota(t *testing.T) {
	const puts, fit, length = 64, 20, 64 << 10
	layout, err := shares.NewLayout(1, 1, length)
	must(t, err)
	limit := fit*shares.Charge(layout) + shares.Charge(layout)/2
	c := testnet.Local{Nodes: []string{"owner", "host"}, Terms: testnet.Opening(limit)}
	tell(t, c, func(ctx context.Context, n *testnet.Net) error {
		owner, host := n.Node("owner"), n.Node("host")
		watching, stop := context.WithCancel(ctx)
		watched := make(chan error, 1)
		go func() { watched <- watchLimit(watching, host, limit) }() // ends with stop
		var mu sync.Mutex
		taken := map[string][]byte{}
		var g errgroup.Group
		for i := range puts {
			g.Go(func() error {
				data := randomBytes(length, uint64(i))
				result, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 1, Happy: 1})
				if err != nil && kindOf(err) == api.KindRefused {
					return nil
				}
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				taken[result.Cap] = data
				return nil
			})
		}
		err := g.Wait()
		stop()
		if err != nil {
			return err
		}
		if err := <-watched; err != nil {
			return err
		}
		if len(taken) != fit {
			return fmt.Errorf("%d of %d puts went through, there was room for %d", len(taken), puts, fit)
		}
		for text, data := range taken {
			if _, err := getSame(ctx, owner, text, data); err != nil {
				return err
			}
		}
		return nil
	})
}

// watchLimit looks at a host's figures until ctx ends.
func watchLimit(ctx context.Context, host *testnet.Member, limit potluck.Size) error {
	var looks int
	for ctx.Err() == nil {
		s, err := host.API().Status(ctx)
		if err != nil {
			break
		}
		looks++
		if s.Held+s.Reserved > limit {
			return fmt.Errorf("host holds %v and reserves %v, the limit is %v", s.Held, s.Reserved, limit)
		}
	}
	if looks < 10 {
		return fmt.Errorf("the host was looked at %d times only", looks)
	}
	return nil
}
