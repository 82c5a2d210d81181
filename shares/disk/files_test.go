//go:build linux || darwin

package disk_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"potluck"
	"potluck/shares"
	"potluck/shares/storetest"
)

var ctx = context.Background()

// set is a small set with two groups of data or a tiny one.
func set(t testing.TB, size potluck.Size) *storetest.Set {
	t.Helper()
	l, err := shares.NewLayout(1, 2, size)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.NewSet(t, l, 0x0201)
}

// path is where a share of set is to be found.
func path(dir, where string, s *storetest.Set, number int) string {
	name := s.ID(number).Index.String() + "." + string(rune('0'+number))
	return filepath.Join(dir, where, name)
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// incoming gives the names of files that are left over.
func incoming(t testing.TB, dir string) []fs.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "incoming"))
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// TestFileIsAsSpecified compares files with the concatenation of their parts.
func TestFileIsAsSpecified(t *testing.T) {
	dir := t.TempDir()
	store := open(t, filepath.Join(dir, "new", "store"))
	dir = filepath.Join(dir, "new", "store")
	for _, size := range []potluck.Size{1, 1400, 60_000, 70_000, 500_000} {
		s := set(t, size)
		s.Put(t, store, 1)
		name := path(dir, "01", s, 1)
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, s.Stored(t, 1)) {
			t.Fatalf("file of %d bytes isn't as specified: %v", size, err)
		}
		if fi, _ := os.Lstat(name); fi.Mode() != 0o600 {
			t.Errorf("file has mode %v", fi.Mode())
		}
		for _, d := range []string{"", "01", "incoming"} {
			if fi, _ := os.Lstat(filepath.Join(dir, d)); fi.Mode() != fs.ModeDir|0o700 {
				t.Errorf("directory %q has mode %v", d, fi.Mode())
			}
		}
		if err := store.Delete(ctx, s.ID(1)); err != nil {
			t.Fatal(err)
		}
		if left := incoming(t, dir); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}

// refused tells whether a damaged share is noticed by Open or by Verify, and
// by nothing else than ErrDamaged.
func refused(t *testing.T, store shares.Store, id potluck.ShareID) bool {
	t.Helper()
	sh, err := store.Open(ctx, id)
	if err == nil {
		err = sh.Verify(ctx)
		if e := sh.Close(); e != nil {
			t.Fatal(e)
		}
	}
	if err != nil && !errors.Is(err, shares.ErrDamaged) {
		t.Fatalf("error is %v, want damage", err)
	}
	return err != nil
}

// TestNoBitMayChange flips every bit of a small share, and cuts and extends it.
func TestNoBitMayChange(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	s := set(t, 300)
	s.Put(t, store, 0)
	name, good := path(dir, "01", s, 0), s.Stored(t, 0)
	if refused(t, store, s.ID(0)) {
		t.Fatal("the share itself is refused")
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(good) {
		for _, flip := range []byte{1 << (bit % 8), 0} {
			if _, err := f.WriteAt([]byte{good[bit/8] ^ flip}, int64(bit/8)); err != nil {
				t.Fatal(err)
			}
			if flip != 0 && !refused(t, store, s.ID(0)) {
				t.Errorf("bit %d was flipped and not noticed", bit)
			}
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for n := range len(good) + 65 {
		if n != len(good) {
			write(t, name, append(bytes.Clone(good), make([]byte, 64)...)[:n])
			if !refused(t, store, s.ID(0)) {
				t.Errorf("a length of %d, not %d, isn't noticed", n, len(good))
			}
		}
	}
}

// TestTreeMayNotChange flips bits of a tree with nodes in it.
func TestTreeMayNotChange(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	s := set(t, 4*shares.Group)
	s.Put(t, store, 0)
	name, good := path(dir, "01", s, 0), s.Stored(t, 0)
	for at := len(good) - int(shares.TreeLen(s.Layout)); at < len(good); at++ {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		write(t, name, bad)
		if !refused(t, store, s.ID(0)) {
			t.Errorf("byte %d of the tree was changed and not noticed", at)
		}
	}
}

// TestOtherSharesFile: a share under another's name is damage.
func TestOtherSharesFile(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	s := set(t, 300)
	s.Put(t, store, 0)
	s.Put(t, store, 1)
	write(t, path(dir, "01", s, 1), s.Stored(t, 0))
	if !refused(t, store, s.ID(1)) {
		t.Error("share 0 was accepted as share 1")
	}
}

// TestCutOffAnywhere leaves an incoming file of every length, as a crash might,
// before and after its header was completed, and puts the share again.
func TestCutOffAnywhere(t *testing.T) {
	s := set(t, 50)
	coming := s.Header(0).Marshal()
	complete := s.Stored(t, 0)
	dir := t.TempDir()
	store := open(t, dir)
	for n := range len(complete) + 65 { // with up to 64 bytes too many
		if n < shares.HeaderLen-2 && n%16 > 0 {
			continue // all the same: no header
		}
		for _, head := range [][]byte{coming[:], complete[:shares.HeaderLen]} {
			left := slices.Concat(head, complete[shares.HeaderLen:], make([]byte, 64))[:n]
			write(t, path(dir, "incoming", s, 0), left)
			in, err := store.Create(ctx, s.Header(0))
			if err != nil {
				t.Fatal(err)
			}
			want := min(max(n-shares.HeaderLen, 0), 50)
			if in.Offset() != potluck.Size(want) {
				t.Fatalf("offset after %d bytes of file is %d, want %d", n, in.Offset(), want)
			}
			if _, err := in.Write(s.Data[0][want:]); err != nil {
				t.Fatal(err)
			}
			if _, err := in.Commit(ctx, s.Manifest, s.Crosscheck); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path(dir, "01", s, 0)); err != nil || !bytes.Equal(got, complete) {
				t.Fatalf("after %d bytes of file the share differs: %v", n, err)
			}
			if err := store.Delete(ctx, s.ID(0)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCutOffWithWrongData: what a power cut garbled is found at the commit.
func TestCutOffWithWrongData(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	s := set(t, 100_000)
	head := s.Header(0).Marshal()
	write(t, path(dir, "incoming", s, 0), append(head[:], make([]byte, 50_000)...))
	in, err := store.Create(ctx, s.Header(0))
	if err != nil || in.Offset() != 50_000 {
		t.Fatal(in.Offset(), err)
	}
	if _, err := in.Write(s.Data[0][50_000:]); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Commit(ctx, s.Manifest, s.Crosscheck); !errors.Is(err, shares.ErrMismatch) {
		t.Fatal(err)
	}
	if left := incoming(t, dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	s.Put(t, store, 0)
}

// TestHostileDirectory puts everything but a regular file in the place of a
// complete and of an incoming share.
func TestHostileDirectory(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	s := set(t, 100_000)
	plants := map[string]func(name string) error{
		"link to a whole share": func(name string) error { return os.Symlink(outside, name) },
		"link within":           func(name string) error { return os.Symlink("../01/other", name) },
		"dangling link":         func(name string) error { return os.Symlink("nowhere", name) },
		"directory":             func(name string) error { return os.Mkdir(name, 0o700) },
		"pipe":                  func(name string) error { return unix.Mkfifo(name, 0o600) },
		"device": func(name string) error {
			err := unix.Mknod(name, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) // zeros without end
			if errors.Is(err, unix.EPERM) {
				return unix.Mkfifo(name, 0o600) // not root: the next best
			}
			return err
		},
	}
	for what, plant := range plants {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir)
			write(t, outside, s.Stored(t, 0))
			s.Put(t, store, 1)
			write(t, filepath.Join(dir, "01", "other"), s.Stored(t, 0))
			if err := errors.Join(plant(path(dir, "01", s, 0)), plant(path(dir, "incoming", s, 0))); err != nil {
				t.Fatal(err)
			}
			if !refused(t, store, s.ID(0)) {
				t.Error("it was opened")
			}
			if _, err := store.Stat(ctx, s.ID(0)); !errors.Is(err, shares.ErrDamaged) {
				t.Errorf("stat: %v", err)
			}
			listed := 0
			if err := store.List(ctx, potluck.ShareID{}, func(shares.Info) error { listed++; return nil }); err != nil || listed != 1 {
				t.Errorf("%d shares are listed: %v", listed, err)
			}
			if _, err := store.Create(ctx, s.Header(0)); !errors.Is(err, shares.ErrExists) {
				t.Errorf("create: %v", err)
			}
			if err := os.Remove(path(dir, "01", s, 0)); err != nil {
				t.Fatal(err)
			}
			s.Put(t, store, 0) // over what is in incoming
			if err := store.Delete(ctx, s.ID(0)); err != nil {
				t.Fatal(err)
			}
			if err := plant(path(dir, "01", s, 0)); err != nil {
				t.Fatal(err)
			}
			if err := store.Delete(ctx, s.ID(0)); err != nil {
				t.Errorf("delete: %v", err)
			}
			if got, err := os.ReadFile(outside); err != nil || !bytes.Equal(got, s.Stored(t, 0)) {
				t.Error("the file outside was touched")
			}
		})
	}
}

// TestShardElsewhere: a directory of shares that is a link to elsewhere is not followed.
func TestShardElsewhere(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	store := open(t, dir)
	s := set(t, 300)
	write(t, path(outside, "", s, 0), s.Stored(t, 0))
	shard := filepath.Join(dir, "01")
	if err := errors.Join(os.Remove(shard), os.Symlink(outside, shard)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(ctx, s.ID(0)); err == nil {
		t.Error("a share outside was opened")
	}
	if err := store.Delete(ctx, s.ID(0)); err == nil {
		t.Error("a share outside was deleted")
	}
}

// TestStrangeNames: files that aren't shares are left out of the list.
func TestStrangeNames(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	s := set(t, 300)
	s.Put(t, store, 0)
	base := s.ID(0).Index.String()
	for _, name := range []string{"x", base, base + ".", base + ".00", base + ".256", base + ".-1", base + ".1.tmp", "A" + base[1:] + ".1"} {
		write(t, filepath.Join(dir, "01", name), s.Stored(t, 1))
	}
	listed := 0
	if err := store.List(ctx, potluck.ShareID{}, func(shares.Info) error { listed++; return nil }); err != nil || listed != 1 {
		t.Errorf("%d shares are listed: %v", listed, err)
	}
}

// TestSweep removes what crashes left, but what is wanted and what is open.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	kept, opened, dropped := storetest.NewSet(t, set(t, 99_000).Layout, 1), storetest.NewSet(t, set(t, 99_000).Layout, 2), set(t, 99_000)
	for _, s := range []*storetest.Set{kept, dropped} {
		in, err := store.Create(ctx, s.Header(0))
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Suspend(); err != nil {
			t.Fatal(err)
		}
	}
	in, err := store.Create(ctx, opened.Header(0))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "incoming", "rubbish"), nil)
	n, err := store.Sweep(ctx, func(id potluck.ShareID) bool { return id == kept.ID(0) })
	if n != 2 || err != nil || len(incoming(t, dir)) != 2 {
		t.Fatalf("%d swept, %v left: %v", n, incoming(t, dir), err)
	}
	if err := in.Abort(); err != nil {
		t.Fatal(err)
	}
}

// TestFull lets the file system refuse to grow files beyond 200 KiB: the
// refusal is ErrFull, nothing is left, and smaller shares go on. It runs in a
// process of its own, for the limit is the whole process's.
func TestFull(t *testing.T) {
	const child = "POTLUCK_TEST_FULL"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFull$", "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFull")) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	store := open(t, dir)
	whole, tree := set(t, 300_000), set(t, 204_600) // too much data; data that just fits, and a tree that doesn't
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 200 << 10, Max: 200 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*storetest.Set{whole, tree} {
		in, err := store.Create(ctx, s.Header(0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = in.Write(s.Data[0]); err == nil {
			_, err = in.Commit(ctx, s.Manifest, s.Crosscheck)
		}
		if !errors.Is(err, shares.ErrFull) {
			t.Errorf("error is %v, want full", err)
		}
		if err := in.Abort(); err != nil {
			t.Error(err)
		}
		if left := incoming(t, dir); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
		if _, err := store.Open(ctx, s.ID(0)); !errors.Is(err, shares.ErrNotFound) {
			t.Errorf("open: %v", err)
		}
	}
	small := set(t, 100_000)
	small.Put(t, store, 0)
}
