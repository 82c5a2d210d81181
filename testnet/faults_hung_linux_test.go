package testnet_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"potluck"
	"potluck/internal/testdisk"
	"potluck/testnet"
)

// freezer holds up every write to a file system, as a disk that hangs does: the
// writers wait in the kernel, and no error comes.
type freezer struct {
	dir    *os.File
	mu     sync.Mutex
	frozen bool
}

// freezerOf makes the freezer of a disk; the test's end thaws it.
func freezerOf(t *testing.T, d *testdisk.Disk) *freezer {
	t.Helper()
	dir, err := os.Open(d.Dir)
	must(t, err)
	f := &freezer{dir: dir}
	if err := f.set(true); err != nil {
		dir.Close()
		t.Skipf("!!!!! NOT TESTED: a disk that hangs. The file system can't be frozen here: %v !!!!!", err)
	}
	must(t, f.set(false))
	t.Cleanup(func() {
		if err := errors.Join(f.set(false), dir.Close()); err != nil {
			t.Error(err)
		}
	})
	return f
}

// set freezes or thaws.
func (f *freezer) set(frozen bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen == frozen {
		return nil
	}
	const freeze, thaw = 0xc0045877, 0xc0045878 // FIFREEZE, FITHAW
	request := uint(thaw)
	if frozen {
		request = freeze
	}
	err := unix.IoctlSetInt(int(f.dir.Fd()), request, 0)
	if err == nil {
		f.frozen = frozen
	}
	return err
}

// A disk that hangs: nothing is acknowledged, and the owner isn't held up for good.
// When it goes on, so does the host, and has everything.
func TestHungDisk(t *testing.T) {
	t.Parallel() // it waits a lot
	ctx := within(t, 2*time.Minute)
	d := testdisk.Of(t, int64(512*potluck.MiB))
	owner, host, k := hostOn(ctx, t, d.Dir, "--floor", "1MiB")
	f := freezerOf(t, d)
	must(t, f.set(true))
	cut, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for i := range 8 {
		if _, err := putBytes(cut, owner, randomBytes(mib, uint64(20+i)), oneShare); err == nil {
			t.Error("a put was acknowledged by a disk that hangs")
		}
	}
	start := time.Now()
	if _, err := getSame(ctx, owner, k.result.Cap, k.data); err != nil { // the books are mapped files: all of the host may stand still
		t.Logf("a read meanwhile: %v", err)
	}
	if waited := time.Since(start); waited > 30*time.Second {
		t.Errorf("a read waited for %v", waited)
	}
	if !host.Running() {
		t.Fatal("the host ended because its disk was slow")
	}
	must(t, f.set(false))
	must(t, testnet.WaitConnected(ctx, owner, host))
	_, err := getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	_, err = putBytes(ctx, owner, randomBytes(mib, 40), oneShare)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// A disk that stands still for 200 ms again and again: a put takes longer, and is
// right.
func TestSlowDisk(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	d := testdisk.Of(t, int64(512*potluck.MiB))
	owner, host, k := hostOn(ctx, t, d.Dir, "--floor", "1MiB")
	f := freezerOf(t, d)
	slow, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { // ends with slow
		for slow.Err() == nil {
			if err := f.set(true); err != nil {
				ended <- err
				return
			}
			<-time.After(200 * time.Millisecond)
			if err := f.set(false); err != nil {
				ended <- err
				return
			}
			<-time.After(20 * time.Millisecond)
		}
		ended <- nil
	}()
	data := randomBytes(8*mib, 50)
	start := time.Now()
	r, err := putBytes(ctx, owner, data, oneShare)
	if err != nil {
		t.Errorf("a put on a slow disk: %v", err)
	}
	t.Logf("8 MiB on a disk that stands still nine tenths of the time: %v", time.Since(start).Round(time.Millisecond))
	if err == nil {
		_, err = getSame(ctx, owner, r.Cap, data)
		must(t, err)
	}
	end()
	must(t, <-ended)
	_, err = getSame(ctx, owner, k.result.Cap, k.data)
	must(t, err)
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}

// Memory: within 256 MiB a host takes what friends send at once, and lives. One
// that gets none at all any more dies, and has everything when it starts again.
func TestOutOfMemory(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	owner, host, k := hostOn(ctx, t, shortDir(t))
	group := filepath.Join("/sys/fs/cgroup/memory", "potluck-test-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("!!!!! NOT TESTED: little memory. A control group can't be made here: %v !!!!!", err)
	}
	t.Cleanup(func() {
		for range 50 { // it is empty when the host has ended
			if os.Remove(group) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("%s stays", group)
	})
	for _, x := range [][2]string{{"memory.limit_in_bytes", strconv.Itoa(256 * mib)}, {"cgroup.procs", strconv.Itoa(host.Pid())}} {
		if err := os.WriteFile(filepath.Join(group, x[0]), []byte(x[1]), 0); err != nil {
			t.Skipf("!!!!! NOT TESTED: little memory: %v !!!!!", err)
		}
	}
	var all []kept
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range 6 {
		wg.Go(func() {
			x := kept{data: randomBytes(16*mib, uint64(60+i))}
			var err error
			if x.result, err = putBytes(ctx, owner, x.data, oneShare); err != nil {
				t.Errorf("a put to a host with little memory: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, x)
		})
	}
	wg.Wait()
	if !host.Running() {
		t.Fatal("the host died of what friends sent")
	}
	all = append(all, k)
	if out, err := exec.Command("prlimit", "--pid", strconv.Itoa(host.Pid()), "--as=1000000").CombinedOutput(); err != nil {
		t.Skipf("!!!!! NOT TESTED: no memory at all: prlimit: %v: %s !!!!!", err, out)
	}
	cut, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for i := 0; host.Running() && cut.Err() == nil; i++ {
		_, _ = putBytes(cut, owner, randomBytes(24*mib, uint64(80+i)), oneShare) // it may be refused, or cut off
	}
	if host.Running() {
		t.Log("the host lived without more memory")
		must(t, host.Kill())
	}
	must(t, host.Start(ctx))
	must(t, testnet.WaitConnected(ctx, owner, host))
	for _, x := range all {
		_, err := getSame(ctx, owner, x.result.Cap, x.data)
		must(t, err)
	}
	must(t, settled(ctx, 10*comingDeadline, owner, host))
}
