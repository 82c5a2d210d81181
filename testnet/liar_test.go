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
	"potluck/ledger"
	"potluck/shares"
	"potluck/testnet"
)

// A host whose disk changed the bytes of a share is found out, named, and
// replaced by another friend: the reader gets the file and nothing else.
func TestLyingHostIsBlamedAndReplaced(t *testing.T) {
	for name, damage := range map[string]func(path string, size int64) error{
		"first byte": func(p string, _ int64) error { return testnet.Flip(p, shares.HeaderLen) },
		"middle":     func(p string, size int64) error { return testnet.Flip(p, size/2) },
		"many":       flipMany,
	} {
		t.Run(name, func(t *testing.T) { damagedHosts(t, damage, blamed) })
	}
}

// A host that sees itself that a share is damaged says so: it is replaced, and
// its own check tells its operator.
func TestTruncatedShareIsAdmittedAndReplaced(t *testing.T) {
	for name, damage := range map[string]func(path string, size int64) error{
		"half is gone": func(p string, size int64) error { return os.Truncate(p, size/2) },
		"empty":        func(p string, _ int64) error { return os.Truncate(p, 0) },
	} {
		t.Run(name, func(t *testing.T) { damagedHosts(t, damage, admitted) })
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

// damagedHosts puts a file, damages the shares at two hosts that serve it, gets
// it again, and looks at the result of that get.
func damagedHosts(t *testing.T, damage func(string, int64) error, look func(context.Context, *testnet.Net, []string, files.GetResult) error) {
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
		var damaged []string
		for _, h := range clean.Hosts[:2] {
			damaged = append(damaged, h.Name)
			n.Unknown(h.Name)
			if err := damageShares(n.Node(h.Name).Dir(), damage); err != nil {
				return err
			}
		}
		got, err := getSame(ctx, owner, result.Cap, data)
		for try := 1; try < 5 && err == nil && len(got.Blamed) == 0; try++ {
			got, err = getSame(ctx, owner, result.Cap, data)
		}
		if err != nil {
			return err
		}
		return look(ctx, n, damaged, got)
	})
}

// blamed checks that a liar was blamed, nobody else, and that it's written down.
func blamed(ctx context.Context, n *testnet.Net, liars []string, got files.GetResult) error {
	if len(got.Blamed) == 0 {
		return errors.New("nobody was blamed in 5 gets")
	}
	for _, b := range got.Blamed {
		if !slices.Contains(liars, b.Name) {
			return fmt.Errorf("%s is blamed (%s) and didn't lie", b.Name, b.Reason)
		}
	}
	return logged(ctx, n.Node("owner"), got.Blamed)
}

// admitted checks that each host knows of its damage.
func admitted(ctx context.Context, n *testnet.Net, damaged []string, _ files.GetResult) error {
	for _, name := range damaged {
		if err := knows(ctx, n.Node(name)); err != nil {
			return err
		}
	}
	return nil
}

// knows checks that a host whose shares were all damaged noted it, as a read or a
// crawl that comes upon it does, or that its own check finds it. What was noted
// may be whole again: the owner was told, and mends its file.
func knows(ctx context.Context, host *testnet.Member) error {
	report, err := host.API().Check(ctx)
	if err != nil {
		return err
	}
	noted := map[potluck.ShareID]bool{}
	err = host.API().Log(ctx, api.LogRequest{}, func(e api.Event) error {
		if e.Kind == ledger.KindLost || e.Kind == ledger.KindCorrupt {
			noted[*e.Share] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows, err := host.API().Shares(ctx, "owner")
	if err != nil {
		return err
	}
	if found := len(report.Store.Problems); found+len(noted) < len(rows.IHold) || report.Clean != (found == 0) {
		return fmt.Errorf("all %d shares of %s were damaged: its log has %d, and its check %d problems and is clean: %v", len(rows.IHold), host.Label(), len(noted), found, report.Clean)
	}
	return nil
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
		return knows(ctx, n.Node("h1"))
	})
}

// A whole share in the store that the books don't know is found by the check.
func TestUnknownShareInTheStore(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2"}}, func(ctx context.Context, n *testnet.Net) error {
		host := n.Node("h1")
		if _, err := putBytes(ctx, n.Node("owner"), randomBytes(mib, 1), api.PutRequest{K: 1, N: 2, Happy: 2}); err != nil {
			return err
		}
		paths, err := testnet.ShareFiles(host.Dir())
		if err != nil {
			return err
		}
		stray, err := copyShare(host.Dir(), paths[0], potluck.ShareID{Index: potluck.StorageIndex{0xfe}})
		if err != nil {
			return err
		}
		report, err := host.API().Check(ctx)
		if err != nil {
			return err
		}
		if report.Clean || len(report.Store.Problems) != 1 {
			return fmt.Errorf("h1's check is clean (%v) with %d problems, and has an unknown share", report.Clean, len(report.Store.Problems))
		}
		return os.Remove(stray)
	})
}

// copyShare copies a share file within a store to another ID.
func copyShare(dataDir, from string, id potluck.ShareID) (path string, err error) {
	bytes, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	header, err := shares.ParseHeader(bytes[:shares.HeaderLen])
	if err != nil {
		return "", err
	}
	header.ID = id
	encoded := header.Marshal()
	copy(bytes, encoded[:])
	path = filepath.Join(dataDir, "shares", fmt.Sprintf("%02x", id.Index[0]), id.Index.String()+"."+fmt.Sprint(id.Number))
	return path, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, bytes, 0o600))
}
