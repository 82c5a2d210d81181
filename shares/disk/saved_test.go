package disk_test

import (
	"errors"
	"os"
	"testing"

	"potluck"
	"potluck/shares"
	"potluck/shares/disk"
)

// TestResumeReadsOnlyWhatIsntSaved cuts a share off, spoils bytes that its saved
// tree covers, and goes on: that the share is whole then shows that they weren't
// read again. Without its tree, or with a wrong one, they are, and the commit
// finds them.
func TestResumeReadsOnlyWhatIsntSaved(t *testing.T) {
	for _, c := range []struct {
		name    string
		suspend bool
		spoil   int64 // a byte of the data
		tree    func(name string) error
		want    error
	}{
		{name: "suspended", suspend: true, spoil: 10},
		{name: "killed", spoil: 10},
		{name: "killed, behind the tree", spoil: 149_000, want: shares.ErrMismatch},
		{name: "no tree", suspend: true, spoil: 10, tree: os.Remove, want: shares.ErrMismatch},
		{name: "spoilt tree", suspend: true, spoil: 10, tree: func(name string) error { return flip(name, 100) }, want: shares.ErrMismatch},
		{name: "empty tree", suspend: true, spoil: 10, tree: func(name string) error { return os.Truncate(name, 0) }, want: shares.ErrMismatch},
		{name: "link for a tree", suspend: true, spoil: 10, tree: func(name string) error {
			return errors.Join(os.Rename(name, name+"x"), os.Symlink(name+"x", name))
		}, want: shares.ErrMismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, s, o := t.TempDir(), set(t, 400_000), disk.Options{Save: 70_000}
			first := openWith(t, dir, o)
			in, err := first.Create(ctx, s.Header(0))
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < 150_000; at += 30_000 {
				if _, err := in.Write(s.Data[0][at : at+30_000]); err != nil {
					t.Fatal(err)
				}
			}
			if c.suspend {
				if err := in.Suspend(); err != nil {
					t.Fatal(err)
				}
			}
			name := path(dir, "incoming", s, 0)
			if err := flip(name, shares.HeaderLen+c.spoil); err != nil {
				t.Fatal(err)
			}
			if c.tree != nil {
				if err := c.tree(name + ".tree"); err != nil {
					t.Fatal(err)
				}
			}
			store := openWith(t, dir, o)
			again, err := store.Create(ctx, s.Header(0))
			if err != nil || again.Offset() != 150_000 {
				t.Fatalf("resumed at %v: %v", again, err)
			}
			if _, err := again.Write(s.Data[0][150_000:]); err != nil {
				t.Fatal(err)
			}
			if _, err := again.Commit(ctx, s.Manifest, s.Crosscheck); !errors.Is(err, c.want) {
				t.Errorf("commit: %v, want %v", err, c.want)
			}
			if _, err := store.Sweep(ctx, func(potluck.ShareID) bool { return true }); err != nil {
				t.Fatal(err)
			}
			if left := incoming(t, dir); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// TestTreesGoWithTheirShares: nothing is left beside a share that is given up,
// and a tree without a share doesn't speak for the next one.
func TestTreesGoWithTheirShares(t *testing.T) {
	dir, s := t.TempDir(), set(t, 400_000)
	store := openWith(t, dir, disk.Options{Save: 70_000})
	begin := func() shares.Incoming {
		in, err := store.Create(ctx, s.Header(0))
		if err == nil {
			_, err = in.Write(s.Data[0][in.Offset():200_000])
		}
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	if err := begin().Abort(); err != nil {
		t.Fatal(err)
	}
	if left := incoming(t, dir); len(left) > 0 {
		t.Errorf("after an abort %v is left", left)
	}
	for range 2 {
		if err := begin().Suspend(); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := store.Sweep(ctx, func(potluck.ShareID) bool { return true }); n != 0 || err != nil || len(incoming(t, dir)) != 2 {
		t.Errorf("a sweep took %d files of a share that is wanted: %v", n, err)
	}
	if err := os.Remove(path(dir, "incoming", s, 0)); err != nil {
		t.Fatal(err)
	}
	if in := begin(); in.Offset() != 200_000 {
		t.Errorf("a new share begins at %d", in.Offset())
	} else if err := in.Suspend(); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(ctx, s.ID(0)); err != nil {
		t.Fatal(err)
	}
	if left := incoming(t, dir); len(left) > 0 {
		t.Errorf("after a delete %v is left", left)
	}
	s.Put(t, store, 0)
}

func openWith(t *testing.T, dir string, o disk.Options) *disk.Store {
	t.Helper()
	s, err := disk.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// flip changes one bit of a file.
func flip(name string, at int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b[:], at)
	}
	return errors.Join(err, f.Close())
}
