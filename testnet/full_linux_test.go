package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"potluck"
	"potluck/gateway/api"
	"potluck/internal/testdisk"
	"potluck/testnet"
)

// fullLoop fills the disk of a host, over and over, by the hand of another process
// or by what the host itself takes.
type fullLoop struct {
	t      *testing.T
	random *rand.Rand
	owner  *testnet.Process
	host   *testnet.Process
	disk   string // where the host's file system is mounted
	kept   []kept
	fed    int // puts that the full disk refused
}

// The disk of a host becomes full at many points: at some moment of a put another
// process takes every byte, or puts come until none is left. The host lives; it
// gives what it holds and lets go of what it is told to; it refuses new bytes with
// the reason; and it takes them again when there is room.
func TestDiskFullAtManyPoints(t *testing.T) {
	n := 8
	if long() {
		n = 100
	}
	ctx := within(t, 2*time.Minute+time.Duration(n)*10*time.Second)
	d := testdisk.Of(t, int64(224*potluck.MiB))
	net := processes(t, testnet.Config{File: `coming = "20s"`})
	owner, err := net.Add(ctx, "owner")
	must(t, err)
	host, err := net.AddAt(ctx, "host", filepath.Join(d.Dir, "host"), "--floor", "1MiB")
	must(t, err)
	must(t, testnet.Befriend(ctx, owner, host, testnet.Opening(potluck.TiB)))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := &fullLoop{t: t, random: rand.New(rand.NewPCG(seed, 1)), owner: owner, host: host, disk: d.Dir}
	pid := host.Pid()
	for i := range n {
		if err := l.point(ctx, i); err != nil {
			t.Fatalf("point %d of %d: %v", i, n, err)
		}
		if host.Pid() != pid || !host.Running() {
			t.Fatalf("point %d of %d: the host died", i, n)
		}
	}
	must(t, settled(ctx, time.Minute, owner, host))
	t.Logf("%d points, %d puts refused", n, l.fed)
	if l.fed < n/2 {
		t.Errorf("the loop proves little: only %d puts were refused at %d points", l.fed, n)
	}
}

var oneShare = api.PutRequest{K: 1, N: 1, Happy: 1}

func (l *fullLoop) stuffing() string { return filepath.Join(l.disk, "stuffing") }

// point fills the disk once, looks at what the host does, and frees it.
func (l *fullLoop) point(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	if err := l.keep(ctx, 1+l.random.IntN(2*mib)); err != nil {
		return fmt.Errorf("put with room: %w", err)
	}
	fill := l.fillByOthers
	if i%2 == 1 {
		fill = l.fillByPuts
	}
	if err := fill(ctx); err != nil {
		return err
	}
	if err := l.whileFull(ctx); err != nil {
		return fmt.Errorf("while the disk is full: %w", err)
	}
	if err := os.Remove(l.stuffing()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for len(l.kept) > 4 {
		if err := l.drop(ctx); err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
	}
	return nil
}

func (l *fullLoop) keep(ctx context.Context, size int) error {
	data := randomBytes(size, l.random.Uint64())
	result, err := putBytes(ctx, l.owner, data, oneShare)
	if err == nil {
		l.kept = append(l.kept, kept{data, result})
	}
	return err
}

func (l *fullLoop) drop(ctx context.Context) error {
	k := l.kept[0]
	l.kept = l.kept[1:]
	r, err := l.owner.API().Remove(ctx, k.result.Cap)
	if err == nil && r.Cancelled != 1 {
		err = fmt.Errorf("%d leases were cancelled, want 1; %d hosts are to be told", r.Cancelled, len(r.Unreached))
	}
	if err != nil {
		return fmt.Errorf("remove a file: %w", err)
	}
	return nil
}

// fillByOthers lets another process, this one, take every byte at some moment of
// a put. What the put comes to isn't known.
func (l *fullLoop) fillByOthers(ctx context.Context) error {
	done := make(chan error, 1)
	data := randomBytes(1+l.random.IntN(8*mib), l.random.Uint64())
	go func() { // ends with the put
		result, err := putBytes(ctx, l.owner, data, oneShare)
		if err == nil {
			l.kept = append(l.kept, kept{data, result})
		}
		done <- err
	}()
	time.Sleep(time.Duration(l.random.Int64N(int64(40 * time.Millisecond))))
	if err := stuff(l.stuffing()); err != nil {
		return err
	}
	if err := <-done; err != nil && kindOf(err) != api.KindRefused {
		return fmt.Errorf("a put while the disk was filled: %w (kind %q), want it refused", err, kindOf(err))
	}
	return stuff(l.stuffing())
}

// stuff appends to a file until nothing more fits.
func stuff(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	for buf := make([]byte, 256<<10); len(buf) > 0; {
		if _, err := f.Write(buf); err != nil { // then what is smaller
			buf = buf[:len(buf)/2]
		}
	}
	return f.Close()
}

// fillByPuts puts until the host has no room.
func (l *fullLoop) fillByPuts(ctx context.Context) error {
	// Some of it is there already, so that it doesn't take long.
	f, err := os.Create(l.stuffing())
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, zeros{}, int64(64*mib))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	for size := 24 * mib; size > 64<<10; {
		err := l.keep(ctx, size)
		switch {
		case err == nil:
		case kindOf(err) == api.KindRefused:
			size /= 4
		default:
			return fmt.Errorf("put until the disk is full: %w (kind %q)", err, kindOf(err))
		}
	}
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// whileFull holds a host whose disk is full against what it must do all the same.
func (l *fullLoop) whileFull(ctx context.Context) error {
	for _, k := range l.kept[max(0, len(l.kept)-3):] {
		if _, err := getSame(ctx, l.owner, k.result.Cap, k.data); err != nil {
			return err
		}
	}
	_, err := putBytes(ctx, l.owner, randomBytes(32*mib, l.random.Uint64()), oneShare)
	if kindOf(err) != api.KindRefused || !strings.Contains(err.Error(), "room") {
		return fmt.Errorf("a put is answered with %w (kind %q), want a refusal for room", err, kindOf(err))
	}
	l.fed++
	if _, err := l.host.API().Status(ctx); err != nil {
		return err
	}
	return l.drop(ctx)
}
