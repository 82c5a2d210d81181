package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"potluck/gateway/api"
	"potluck/testnet"
)

// A host that drops what it holds without a word is found by the check of the
// pair: its own books are clean.
func TestCheckNoticesBooksThatDiffer(t *testing.T) {
	virtually(t, memory("owner", "h1", "h2"), func(ctx context.Context, n *testnet.Net) error {
		owner, h1 := n.Node("owner"), n.Node("h1")
		if _, err := putBytes(ctx, owner, randomBytes(mib, 1), api.PutRequest{K: 1, N: 2, Happy: 2}); err != nil {
			return err
		}
		if err := n.Check(ctx); err != nil {
			return err
		}
		// Apart, the owner can't be told.
		if err := n.Partition([]string{"owner", "h2"}, []string{"h1"}); err != nil {
			return err
		}
		if _, err := h1.API().Evict(ctx, owner.Peer().String(), false); err != nil {
			return err
		}
		err := n.Check(ctx)
		if err == nil || !strings.Contains(err.Error(), "in the books of owner") || strings.Contains(err.Error(), "h2 and owner") {
			return fmt.Errorf("check after h1 dropped the owner's share: %w, want that h1 and owner differ", err)
		}
		n.Unknown("h1")
		return n.Check(ctx)
	})
}

// A story's error and a broken invariant both reach the caller, and all nodes
// are stopped.
func TestRunReturnsWhatIsWrong(t *testing.T) {
	c := testnet.Local{Dir: shortDir(t), Nodes: []string{"a", "b"}}
	told := errors.New("told")
	var node *testnet.Member
	err := testnet.Run(t.Context(), c, func(_ context.Context, n *testnet.Net) error {
		node = n.Node("a")
		return told
	})
	if !errors.Is(err, told) {
		t.Errorf("run gave %v, want the story's error", err)
	}
	if _, err := node.API().Status(t.Context()); !errors.Is(err, api.ErrNotRunning) {
		t.Errorf("a node of a story that ended answers with %v, want that it isn't running", err)
	}
}

// A process that can't start says why, with the end of its log.
func TestStartThatFails(t *testing.T) {
	t.Parallel() // it waits a lot
	n := processes(t, testnet.Config{Args: []string{"--no-such-flag"}})
	_, err := n.Add(within(t, 30e9), "p")
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("start with an unknown flag: %v, want its log", err)
	}
}

// Usage grows, and the peak is at least what is resident.
func TestUsage(t *testing.T) {
	n := processes(t, testnet.Config{})
	p, err := n.Add(within(t, 30e9), "p")
	must(t, err)
	u, err := p.Usage()
	must(t, err)
	if u.Resident < 1<<20 || u.Peak < u.Resident || u.CPU <= 0 || u.Anonymous > u.Resident {
		t.Errorf("usage of a running node: %+v", u)
	}
}
