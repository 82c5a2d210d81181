package testnet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"potluck"
	"potluck/gateway/api"
	"potluck/testnet"
)

// The benchmarks run owner and hosts in this process, so that one profile shows
// what a whole path costs on both sides: go test ./testnet -run '^$' -bench Put
// -cpuprofile cpu.prof. ./bench measures the same with a process for each.

const benchSize = 256 * mib

func tenHosts() []string {
	names := []string{"owner"}
	for i := range 10 {
		names = append(names, fmt.Sprintf("h%d", i))
	}
	return names
}

// story runs a benchmark on an owner and ten hosts.
func story(b *testing.B, tell func(ctx context.Context, owner *testnet.Member) error) {
	dir, err := os.MkdirTemp("", "tn-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := testnet.Local{Dir: dir, Nodes: tenHosts(), Offer: potluck.TiB, Alone: true}
	err = testnet.Run(b.Context(), c, func(ctx context.Context, n *testnet.Net) error {
		if err := testnet.Star(ctx, testnet.Opening(potluck.TiB), n.All()[0], n.All()[1:]...); err != nil {
			return err
		}
		b.ReportAllocs()
		return tell(ctx, n.All()[0])
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPut(b *testing.B) {
	story(b, func(ctx context.Context, owner *testnet.Member) error {
		b.SetBytes(int64(benchSize))
		path := filepath.Join(owner.Dir(), "in")
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			if err := os.WriteFile(path, randomBytes(benchSize, uint64(i)), 0o600); err != nil {
				return err
			}
			b.StartTimer()
			r, err := owner.API().Put(ctx, api.PutRequest{Path: path, K: 3, N: 10, Happy: 10}, nil, nil)
			if err != nil {
				return err
			}
			b.StopTimer()
			if _, err := owner.API().Remove(ctx, r.Cap); err != nil {
				return err
			}
			b.StartTimer()
		}
		return nil
	})
}

func BenchmarkGet(b *testing.B) {
	story(b, func(ctx context.Context, owner *testnet.Member) error {
		b.SetBytes(int64(benchSize))
		in, out := filepath.Join(owner.Dir(), "in"), filepath.Join(owner.Dir(), "out")
		if err := os.WriteFile(in, randomBytes(benchSize, 1), 0o600); err != nil {
			return err
		}
		r, err := owner.API().Put(ctx, api.PutRequest{Path: in, K: 3, N: 10, Happy: 10}, nil, nil)
		if err != nil {
			return err
		}
		for b.Loop() {
			if _, err := owner.API().Get(ctx, api.GetRequest{Cap: r.Cap, Path: out}, nil, nil); err != nil {
				return err
			}
			if err := os.Remove(out); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkPutSmall(b *testing.B) {
	story(b, func(ctx context.Context, owner *testnet.Member) error {
		for i := 0; b.Loop(); i++ {
			if _, err := putBytes(ctx, owner, randomBytes(4<<10, uint64(i)), api.PutRequest{K: 3, N: 10, Happy: 10}); err != nil {
				return err
			}
		}
		return nil
	})
}
