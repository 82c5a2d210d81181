package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/shares"
	"potluck/testnet"
)

// A host whose disk changed the bytes of a share is found out, named, and
// replaced by another friend: the reader gets the file and nothing else.
func TestLyingHostIsBlamedAndReplaced(t *testing.T) {
	for name, damage := range map[string]func(path string, size int64) error{
		"first byte":   func(p string, _ int64) error { return testnet.Flip(p, shares.HeaderLen) },
		"middle":       func(p string, size int64) error { return testnet.Flip(p, size/2) },
		"many":         flipMany,
		"half is gone": func(p string, size int64) error { return os.Truncate(p, size/2) },
		"empty":        func(p string, _ int64) error { return os.Truncate(p, 0) },
	} {
		t.Run(name, func(t *testing.T) { lyingHost(t, damage) })
	}
}

func flipMany(path string, size int64) error {
	for at := int64(shares.HeaderLen); at < size; at += 4093 {
		if err := testnet.Flip(path, at); err != nil {
			return err
		}
	}
	return nil
}

func lyingHost(t *testing.T, damage func(string, int64) error) {
	names := []string{"owner", "h1", "h2", "h3", "h4"}
	tell(t, testnet.Local{Nodes: names}, func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(6*mib+9, 1)
		result, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 4, Happy: 4})
		if err != nil {
			return err
		}
		// Those who served the file now are those who will be asked again.
		clean, err := getSame(ctx, owner, result.Cap, data)
		if err != nil {
			return err
		}
		var liars []string
		for _, h := range clean.Hosts[:2] {
			liars = append(liars, h.Name)
			n.Unknown(h.Name)
			if err := damageShares(n.Node(h.Name).Dir(), damage); err != nil {
				return err
			}
		}
		for range 20 {
			got, err := getSame(ctx, owner, result.Cap, data)
			if err != nil {
				return err
			}
			for _, b := range got.Blamed {
				if !slices.Contains(liars, b.Name) {
					return fmt.Errorf("%s is blamed (%s) and didn't lie", b.Name, b.Reason)
				}
			}
			if len(got.Blamed) > 0 {
				return logged(ctx, owner, got.Blamed)
			}
		}
		return errors.New("nobody was blamed in 20 gets")
	})
}

// logged checks that the owner's log names the blamed.
func logged(ctx context.Context, owner *testnet.Member, blamed []files.Blame) error {
	var named []string
	err := owner.API().Log(ctx, api.LogRequest{}, func(e api.Event) error {
		if e.Share != nil {
			named = append(named, e.Peer.String()+" "+e.Share.String())
		}
		return nil
	})
	for _, b := range blamed {
		if !slices.Contains(named, b.Host.String()+" "+b.Share.String()) {
			err = errors.Join(err, fmt.Errorf("no event in the owner's log names %s and share %v", b.Name, b.Share))
		}
	}
	return err
}

func damageShares(dir string, damage func(string, int64) error) error {
	paths, err := testnet.ShareFiles(dir)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("no shares in %s", dir)
	}
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return err
		}
		if err := damage(p, st.Size()); err != nil {
			return err
		}
	}
	return nil
}

// A host whose share files vanished says so, its check finds it, and the file
// still comes from the others.
func TestVanishedShares(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2", "h3"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, data := n.Node("owner"), randomBytes(2*mib, 1)
		result, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 3, Happy: 3})
		if err != nil {
			return err
		}
		n.Unknown("h1")
		if err := damageShares(n.Node("h1").Dir(), func(p string, _ int64) error { return os.Remove(p) }); err != nil {
			return err
		}
		for range 3 {
			if _, err := getSame(ctx, owner, result.Cap, data); err != nil {
				return err
			}
		}
		report, err := n.Node("h1").API().Check(ctx)
		if err != nil {
			return err
		}
		if report.Clean || len(report.Store.Problems) == 0 {
			return fmt.Errorf("h1's check is clean (%v) with %d problems, and its share is gone", report.Clean, len(report.Store.Problems))
		}
		return nil
	})
}

// A foreign file in the store is found by the check, and isn't served or counted.
func TestForeignFileInTheStore(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}}, func(ctx context.Context, n *testnet.Net) error {
		host := n.Node("h1")
		if _, err := putBytes(ctx, n.Node("owner"), randomBytes(mib, 1), api.PutRequest{K: 1, N: 2, Happy: 2}); err != nil {
			return err
		}
		paths, err := testnet.ShareFiles(host.Dir())
		if err != nil {
			return err
		}
		bytes, err := os.ReadFile(paths[0])
		if err != nil {
			return err
		}
		stray := filepath.Join(filepath.Dir(paths[0]), potluck.StorageIndex{1}.String()+".0")
		if err := os.WriteFile(stray, bytes, 0o600); err != nil {
			return err
		}
		report, err := host.API().Check(ctx)
		if err != nil {
			return err
		}
		if report.Clean {
			return errors.New("h1's check is clean, with a foreign file in its store")
		}
		return os.Remove(stray)
	})
}
