package testnet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/testnet"
)

// smallDisk mounts a file system of so many bytes in memory. Only root may:
// without it the test is skipped, loudly.
func smallDisk(t *testing.T, bytes potluck.Size) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("!!!!! NOT TESTED: a full disk on a host. Mounting a small tmpfs needs root, and this isn't root !!!!!")
	}
	dir := shortDir(t)
	if err := mountTmpfs(dir, bytes); err != nil {
		t.Skipf("!!!!! NOT TESTED: a full disk on a host. Root can't mount a tmpfs here: %v !!!!!", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill takes all that a file system has left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for buf := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(buf)
	}
}

// A host whose disk fills up while shares arrive refuses them, stays alive,
// keeps what it acknowledged, and takes shares again when there is room.
func TestFullDiskOnAHost(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	disk := smallDisk(t, 256*potluck.MiB) // before the net: unmounted after it ended
	n, all := mesh(ctx, t, testnet.Config{File: `coming = "3s"`}, "owner", "h1", "h2")
	full, err := n.AddAt(ctx, "full", filepath.Join(disk, "full"), "--floor", "16MiB")
	must(t, err)
	owner := all[0]
	must(t, testnet.Befriend(ctx, owner, full, testnet.Opening(potluck.TiB)))
	must(t, testnet.WaitConnected(ctx, owner, all[1], all[2], full))

	kept := randomBytes(4*mib, 1)
	first, err := putBytes(ctx, owner, kept, api.PutRequest{K: 1, N: 3, Happy: 3})
	must(t, err)
	path, _ := writeFile(t, 128*mib, 2)
	stuffing := filepath.Join(disk, "stuffing")
	err = cutOff(ctx, owner, 1.0/16, api.PutRequest{Path: path, K: 1, N: 1, Happy: 1, Hosts: []string{full.Peer().String()}}, func() { fill(t, stuffing) })
	must(t, err)
	if !full.Running() {
		t.Fatal("the host died of its full disk")
	}

	// The file spreads over the others while one is full.
	data := randomBytes(8*mib, 3)
	second, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 3, Happy: 2})
	must(t, err)
	_, err = getSame(ctx, owner, second.Cap, data)
	must(t, err)

	// It can be stopped, and started, while there is no byte free.
	must(t, full.Stop())
	must(t, full.Start(ctx))
	_, err = getSame(ctx, full, first.Cap, kept)
	must(t, err)
	must(t, os.Remove(stuffing))
	must(t, full.Restart(ctx))
	must(t, testnet.WaitConnected(ctx, owner, all[1], all[2], full))
	_, err = getSame(ctx, full, first.Cap, kept)
	must(t, err)
	must(t, settled(ctx, 30*time.Second, owner, full))
	_, err = putBytes(ctx, owner, randomBytes(mib, 4), api.PutRequest{K: 1, N: 1, Happy: 1, Hosts: []string{full.Peer().String()}})
	must(t, err)
	must(t, settled(ctx, 30*time.Second, append(all, full)...))
}

func mountTmpfs(dir string, bytes potluck.Size) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes))
}

// A host whose disk is filled by others while it does nothing can be stopped
// and started, and serves what it holds.
func TestFullDiskOnAnIdleHost(t *testing.T) {
	ctx := within(t, time.Minute)
	disk := smallDisk(t, 256*potluck.MiB)
	n := processes(t, testnet.Config{})
	owner, err := n.Add(ctx, "owner")
	must(t, err)
	full, err := n.AddAt(ctx, "full", filepath.Join(disk, "full"), "--floor", "16MiB")
	must(t, err)
	must(t, testnet.Befriend(ctx, owner, full, nil))
	data := randomBytes(4*mib, 1)
	result, err := putBytes(ctx, owner, data, api.PutRequest{K: 1, N: 1, Happy: 1})
	must(t, err)
	fill(t, filepath.Join(disk, "stuffing"))
	for range 3 {
		_, err := getSame(ctx, full, result.Cap, data)
		must(t, err)
		must(t, full.Restart(ctx))
	}
	if _, err := putBytes(ctx, owner, randomBytes(mib, 2), api.PutRequest{K: 1, N: 1, Happy: 1}); kindOf(err) != api.KindRefused {
		t.Errorf("put to a host without a free byte: %v (kind %q), want it refused", err, kindOf(err))
	}
	must(t, os.Remove(filepath.Join(disk, "stuffing")))
	// A statement that its books couldn't take comes again when they next meet, or
	// some minutes later.
	must(t, full.Restart(ctx))
	must(t, settled(ctx, 20*time.Second, owner, full))
}
