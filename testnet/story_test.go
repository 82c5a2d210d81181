package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/testnet"
)

// Any k of n hosts give every file back, whatever its length.
func TestAnyTwoOfFiveHostsAreEnough(t *testing.T) {
	names := []string{"owner", "h1", "h2", "h3", "h4", "h5"}
	tell(t, testnet.Local{Nodes: names}, func(ctx context.Context, n *testnet.Net) error {
		owner := n.Node("owner")
		caps, contents := map[int]string{}, map[int][]byte{}
		for i, size := range []int{0, 1, 128, 129, 4096, 1 << 20, 5<<20 + 17} {
			contents[i] = randomBytes(size, uint64(i))
			result, err := putBytes(ctx, owner, contents[i], api.PutRequest{K: 2, N: 5, Happy: 5})
			if err != nil {
				return err
			}
			caps[i] = result.Cap
			if size > 128 && len(result.Placed) != 5 {
				return fmt.Errorf("%d bytes: %d of 5 shares were placed", size, len(result.Placed))
			}
		}
		readAll := func(by *testnet.Member) error {
			for i, text := range caps {
				if _, err := getSame(ctx, by, text, contents[i]); err != nil {
					return err
				}
			}
			return nil
		}
		for _, gone := range [][]string{{"h1", "h2", "h3"}, {"h3", "h4", "h5"}} {
			for _, name := range gone {
				if err := n.Node(name).Stop(); err != nil {
					return err
				}
			}
			if err := readAll(owner); err != nil {
				return fmt.Errorf("without %v: %w", gone, err)
			}
			for _, name := range gone {
				if err := n.Node(name).Start(ctx); err != nil {
					return err
				}
			}
			if err := testnet.WaitConnected(ctx, owner, n.All()[1:]...); err != nil {
				return err
			}
		}
		return readAll(n.Node("h1")) // a friend that was told the caps
	})
}

// With fewer than k hosts a get fails, says so with numbers, and gives nothing.
func TestOneOfTwoNeededHostsIsNotEnough(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2", "h3"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(mib, 1)
		result, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 3, Happy: 3})
		if err != nil {
			return err
		}
		for _, name := range []string{"h1", "h2"} {
			if err := n.Node(name).Stop(); err != nil {
				return err
			}
		}
		_, err = getSame(ctx, owner, result.Cap, data)
		if kindOf(err) != api.KindPartial || !strings.Contains(err.Error(), "1 of the 2") {
			return fmt.Errorf("get with one of three hosts: %w (kind %q), want kind partial and the numbers", err, kindOf(err))
		}
		return nil
	})
}

// Removing a file frees its bytes at every host at once.
func TestRemoveFreesEverything(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}}, func(ctx context.Context, n *testnet.Net) error {
		owner := n.Node("owner")
		result, err := putBytes(ctx, owner, randomBytes(3*mib, 1), api.PutRequest{K: 1, N: 2, Happy: 2})
		if err != nil {
			return err
		}
		removed, err := owner.API().Remove(ctx, result.Cap)
		if err != nil {
			return err
		}
		var charged potluck.Size
		for _, p := range result.Placed {
			charged += p.Charge
		}
		if removed.Freed != charged || removed.Cancelled != 2 {
			return fmt.Errorf("removing freed %v in %d leases, %v in 2 were charged", removed.Freed, removed.Cancelled, charged)
		}
		return nothingCharged(ctx, n.All()...)
	})
}

// A put that can't reach enough friends says what it lacks, and leaves nothing.
func TestTooFewFriends(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}}, func(ctx context.Context, n *testnet.Net) error {
		owner := n.Node("owner")
		_, err := putBytes(ctx, owner, randomBytes(mib, 1), api.PutRequest{K: 3, N: 5, Happy: 5})
		if kindOf(err) != api.KindRefused || !strings.Contains(err.Error(), "5 hosts") || !strings.Contains(err.Error(), "only 2") {
			return fmt.Errorf("put of 3-of-5 with two friends: %w (kind %q), want a refusal that says 5 and 2", err, kindOf(err))
		}
		return nothingCharged(ctx, n.All()...)
	})
}

// A friend whose terms don't cover a share refuses it with numbers, and
// reserves nothing.
func TestTooLittleCredit(t *testing.T) {
	c := testnet.Local{Nodes: []string{"owner", "h1", "h2"}, Terms: testnet.Opening(256 * potluck.KiB)}
	tell(t, c, func(ctx context.Context, n *testnet.Net) error {
		_, err := putBytes(ctx, n.Node("owner"), randomBytes(mib, 1), api.PutRequest{K: 1, N: 2, Happy: 2})
		if kindOf(err) != api.KindRefused || !strings.Contains(err.Error(), "no credit") || !strings.Contains(err.Error(), "256 KiB") {
			return fmt.Errorf("put of 1 MiB at openings of 256 KiB: %w (kind %q), want a refusal with the numbers", err, kindOf(err))
		}
		return nothingCharged(ctx, n.All()...)
	})
}

// A file that changes while it is put is refused, and nothing of it stays.
func TestFileChangesDuringPut(t *testing.T) {
	path, _ := writeFile(t, 24*mib, 1)
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2", "h3"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, changed := n.Node("owner"), false
		_, err := owner.API().Put(ctx, api.PutRequest{Path: path, K: 2, N: 3, Happy: 3}, nil, func(p files.Progress) {
			if changed {
				return
			}
			changed = true
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more")
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
		if !changed || err == nil || !strings.Contains(err.Error(), "changed while it was being put") {
			return fmt.Errorf("put of a file that changed (%v): %w", changed, err)
		}
		return nothingCharged(ctx, n.All()...)
	})
}

// The same file put again is found at its hosts, and nothing is sent.
func TestSecondPutSendsNothing(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(2*mib, 1)
		first, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 2, Happy: 2})
		if err != nil {
			return err
		}
		second, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 2, Happy: 2})
		if err != nil {
			return err
		}
		if second.Cap != first.Cap || second.Sent != 0 || second.Reused != 2 {
			return fmt.Errorf("second put: same cap %v, %v sent, %d reused; want the same, 0, 2", second.Cap == first.Cap, second.Sent, second.Reused)
		}
		return nil
	})
}

// Every read of a range gives that range.
func TestRanges(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2", "h3"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(3*mib+5, 1)
		result, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 3, Happy: 3})
		if err != nil {
			return err
		}
		for _, r := range [][2]int{{0, 1}, {1, 1}, {mib - 1, 2}, {3 * mib, 5}, {3*mib + 4, 1}, {100, 2 * mib}} {
			var got strings.Builder
			_, err := owner.API().Get(ctx, api.GetRequest{Cap: result.Cap, Offset: potluck.Size(r[0]), Length: potluck.Size(r[1])}, &got, nil)
			if err != nil {
				return fmt.Errorf("range %v: %w", r, err)
			}
			if !slices.Equal([]byte(got.String()), data[r[0]:r[0]+r[1]]) {
				return fmt.Errorf("range %v: got %d other bytes", r, got.Len())
			}
		}
		return nil
	})
}
