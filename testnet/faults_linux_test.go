package testnet_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/internal/testdisk"
	"potluck/testnet"
)

// hostOn is an owner, and a host whose data directory is beneath dir, with a file
// that is held there.
func hostOn(ctx context.Context, t *testing.T, dir string, args ...string) (owner, host *testnet.Process, k kept) {
	t.Helper()
	n := processes(t, testnet.Config{File: fmt.Sprintf("coming = %q", comingDeadline)})
	owner, err := n.Add(ctx, "owner")
	must(t, err)
	host, err = n.AddAt(ctx, "host", filepath.Join(dir, "host"), args...)
	must(t, err)
	must(t, testnet.Befriend(ctx, owner, host, testnet.Opening(potluck.TiB)))
	k = kept{data: randomBytes(2*mib, 7)}
	k.result, err = putBytes(ctx, owner, k.data, oneShare)
	must(t, err)
	return owner, host, k
}

// refusesAndServes fails the test unless a new put fails, the host lives, and
// what it holds can be read.
func refusesAndServes(ctx context.Context, t *testing.T, owner, host *testnet.Process, k kept) {
	t.Helper()
	if _, err := putBytes(ctx, owner, randomBytes(mib, 9), oneShare); kindOf(err) != api.KindRefused {
		t.Errorf("a put: %v (kind %q), want it refused", err, kindOf(err))
	}
	if !host.Running() {
		t.Fatal("the host died")
	}
	if _, err := getSame(ctx, owner, k.result.Cap, k.data); err != nil {
		t.Error(err)
	}
}

// A host on whose disk no file more can be made refuses shares, and serves what
// it has; with inodes again it takes shares.
func TestInodesAreGone(t *testing.T) {
	ctx := within(t, time.Minute)
	if os.Geteuid() != 0 {
		t.Skip("!!!!! NOT TESTED: a disk without inodes. Mounting a small tmpfs needs root, and this isn't root !!!!!")
	}
	disk := shortDir(t)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m,nr_inodes=500"); err != nil {
		t.Skipf("!!!!! NOT TESTED: a disk without inodes. Root can't mount a tmpfs here: %v !!!!!", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Errorf("unmount %s: %v", disk, err)
		}
	})
	owner, host, k := hostOn(ctx, t, disk, "--floor", "1MiB")
	var err error
	files := 0
	for ; err == nil; files++ {
		err = os.WriteFile(filepath.Join(disk, strconv.Itoa(files)), nil, 0o600)
	}
	refusesAndServes(ctx, t, owner, host, k)
	for i := range files {
		_ = os.Remove(filepath.Join(disk, strconv.Itoa(i))) // the last one wasn't made
	}
	_, err = putBytes(ctx, owner, randomBytes(mib, 9), oneShare)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// A limit of the length of files is a full disk for a share that is longer.
func TestFileSizeLimit(t *testing.T) {
	ctx := within(t, time.Minute)
	owner, host, k := hostOn(ctx, t, shortDir(t))
	// The books' own files are shorter.
	if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(host.Pid()), "--fsize="+strconv.Itoa(16*mib)).CombinedOutput(); err != nil {
		t.Skipf("!!!!! NOT TESTED: a limit of the length of files: prlimit: %v: %s !!!!!", err, out)
	}
	if _, err := putBytes(ctx, owner, randomBytes(24*mib, 9), oneShare); kindOf(err) != api.KindRefused {
		t.Errorf("a put beyond the limit: %v (kind %q), want it refused", err, kindOf(err))
	}
	if !host.Running() {
		t.Fatal("the host died")
	}
	_, err := getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	_, err = putBytes(ctx, owner, randomBytes(mib, 10), oneShare)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// A host that may open no file more lives, and goes on when it may.
func TestTooManyOpenFiles(t *testing.T) {
	ctx := within(t, time.Minute)
	owner, host, k := hostOn(ctx, t, shortDir(t))
	limit := func(n string) {
		t.Helper()
		if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(host.Pid()), "--nofile="+n).CombinedOutput(); err != nil {
			t.Skipf("!!!!! NOT TESTED: a limit of open files: prlimit: %v: %s !!!!!", err, out)
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", host.Pid()))
	must(t, err)
	limit(fmt.Sprintf("%d:", len(open)))
	if _, err := putBytes(ctx, owner, randomBytes(mib, 9), oneShare); err == nil {
		t.Error("a put went through without a file")
	}
	if !host.Running() {
		t.Fatal("the host died")
	}
	limit("4096:")
	_, err = getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	_, err = putBytes(ctx, owner, randomBytes(mib, 10), oneShare)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// A disk that can't be read any more where a share lies: the owner isn't given
// anything wrong, the host lives, names the share in its check, and serves the rest.
func TestDiskThatCannotBeRead(t *testing.T) {
	ctx := within(t, time.Minute)
	d := testdisk.Of(t, int64(512*potluck.MiB))
	dir := shortDir(t)
	owner, host, k := hostOn(ctx, t, dir, "--floor", "1MiB")
	// The shares alone lie on that disk: nothing else is written to it.
	held := filepath.Join(dir, "host", "shares")
	must(t, host.Stop())
	if out, err := exec.Command("cp", "-a", held+"/.", d.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	syscall.Sync() // what isn't on the disk yet stays in memory
	must(t, os.RemoveAll(held))
	must(t, os.Symlink(d.Dir, held))
	must(t, host.Start(ctx))
	must(t, testnet.WaitConnected(ctx, owner, host))
	first, err := blockOf(filepath.Join(dir, "host", "shares"))
	if err != nil {
		t.Skipf("!!!!! NOT TESTED: a disk that can't be read: %v !!!!!", err)
	}
	must(t, d.Shrink(first))
	if _, err := getSame(ctx, owner, k.result.Cap, k.data); err == nil {
		t.Error("bytes came that can't be read")
	}
	if !host.Running() {
		t.Fatal("the host died")
	}
	r, err := host.API().Crawl(ctx, true)
	if err != nil {
		t.Logf("the crawl says: %v", err)
	}
	t.Logf("the crawl found %+v", r)
	checked, err := host.API().Check(ctx)
	must(t, err)
	if checked.Clean {
		t.Errorf("the check is clean: %+v", checked)
	}
}

// blockOf gives the offset on its disk of a byte in the middle of the one share
// beneath a directory.
func blockOf(dir string) (int64, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return 0, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "??", "*"))
	if err != nil || len(paths) != 1 {
		return 0, fmt.Errorf("the shares are %v: %w", paths, err)
	}
	out, err := exec.Command("filefrag", "-v", "-b4096", paths[0]).Output()
	if err != nil {
		return 0, fmt.Errorf("filefrag: %w", err)
	}
	for line := range strings.Lines(string(out)) { // "   0:        0..     512:      33280..     33792:    513: ..."
		parts := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ':' || r == '.' || r == '\n' })
		if len(parts) > 4 && parts[0] == "0" {
			n, err := strconv.ParseInt(parts[3], 10, 64)
			return (n + 100) * 4096, err
		}
	}
	return 0, fmt.Errorf("filefrag says %q", out)
}

// A file system that became read-only: new bytes aren't acknowledged, and what is
// there is served, or the node ends with the reason; nothing is lost.
func TestReadOnlyDisk(t *testing.T) {
	ctx := within(t, time.Minute)
	d := testdisk.Of(t, int64(512*potluck.MiB))
	owner, host, k := hostOn(ctx, t, d.Dir, "--floor", "1MiB")
	// A power cut leaves a file system that refuses every write.
	must(t, d.Cut())
	if _, err := putBytes(ctx, owner, randomBytes(mib, 9), oneShare); err == nil {
		t.Error("a put was acknowledged by a disk that takes nothing")
	}
	if host.Running() {
		_ = host.Kill() // it may end just now
	}
	must(t, d.Unmount())
	must(t, d.Mount())
	must(t, host.Start(ctx))
	must(t, testnet.WaitConnected(ctx, owner, host))
	_, err := getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// A host that stood still for longer than every deadline goes on as before.
func TestFrozenHost(t *testing.T) {
	t.Parallel() // it waits a lot
	ctx := within(t, 2*time.Minute)
	owner, host, k := hostOn(ctx, t, shortDir(t))
	cut, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	must(t, host.Signal(syscall.SIGSTOP))
	_, err := putBytes(cut, owner, randomBytes(mib, 9), oneShare)
	if err == nil {
		t.Error("a put was acknowledged by a host that stands still")
	}
	time.Sleep(2 * comingDeadline)
	must(t, host.Signal(syscall.SIGCONT))
	must(t, testnet.WaitConnected(ctx, owner, host))
	_, err = getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}
