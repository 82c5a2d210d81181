package disk

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"potluck"
	"potluck/internal/testdisk"
	"potluck/shares"
	"potluck/shares/storetest"
)

// cuts is how often the power is cut.
func cuts() int {
	if os.Getenv("POTLUCK_LONG") != "" {
		return 60
	}
	return 6
}

// forgetful is a directory that leaves out a kind of sync, and says that it went well.
type forgetful struct {
	directory
	noFile, noDir bool
}

func (d forgetful) create(name string) (file, error) { return d.wrap(d.directory.create(name)) }
func (d forgetful) open(name string, write bool) (file, error) {
	return d.wrap(d.directory.open(name, write))
}

func (d forgetful) wrap(f file, err error) (file, error) {
	if err != nil || !d.noFile {
		return f, err
	}
	return unsynced{f}, nil
}

func (d forgetful) syncDir(name string) error {
	if d.noDir {
		return nil
	}
	return d.directory.syncDir(name)
}

type unsynced struct{ file }

func (unsynced) sync() error { return nil }

// powerLoop puts and deletes shares, and cuts the power at once after some
// acknowledgement.
type powerLoop struct {
	t      *testing.T
	disk   *testdisk.Disk
	wrap   func(directory) directory
	random *rand.Rand
	sets   []*storetest.Set
	acked  map[potluck.ShareID]bool // true: it is there; false: it was deleted
	total  int                      // acknowledgements
}

func newPowerLoop(t *testing.T, wrap func(directory) directory) *powerLoop {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := &powerLoop{t: t, disk: testdisk.Of(t, 96<<20), wrap: wrap, random: rand.New(rand.NewPCG(seed, 1)), acked: map[potluck.ShareID]bool{}}
	for i, size := range []potluck.Size{500, 40_000, 300_000} { // in memory until the commit, and not
		layout, err := shares.NewLayout(1, 20, size)
		if err != nil {
			t.Fatal(err)
		}
		l.sets = append(l.sets, storetest.NewSet(t, layout, uint64(i)))
	}
	return l
}

func (l *powerLoop) open() *Store {
	l.t.Helper()
	d, err := openDirectory(l.disk.Dir)
	if err != nil {
		l.t.Fatal(err)
	}
	return newStore(l.wrap(d), often)
}

// round works for a while, cuts the power, and gives what is lost.
func (l *powerLoop) round() (lost []potluck.ShareID) {
	l.t.Helper()
	s := l.open()
	for range 1 + l.random.IntN(12) {
		l.step(s)
	}
	if err := errors.Join(l.disk.Cut(), s.Close(), l.disk.Unmount(), l.disk.Mount()); err != nil {
		l.t.Fatal(err)
	}
	s = l.open()
	defer s.Close()
	for id, there := range l.acked {
		sh, err := s.Open(ctx, id)
		if err == nil {
			err = errors.Join(sh.Verify(ctx), sh.Close())
		}
		if there != (err == nil) {
			lost = append(lost, id)
			delete(l.acked, id)
		}
	}
	return lost
}

// step puts a share, or deletes it when it is there.
func (l *powerLoop) step(s *Store) {
	l.t.Helper()
	set := l.sets[l.random.IntN(len(l.sets))]
	number := l.random.IntN(len(set.Data))
	id := set.ID(number)
	if l.acked[id] {
		if err := s.Delete(ctx, id); err != nil {
			l.t.Fatal(err)
		}
	} else {
		in, err := s.Create(ctx, set.Header(number))
		if err == nil {
			_, err = in.Write(set.Data[number][in.Offset():])
		}
		if err == nil {
			_, err = in.Commit(ctx, set.Manifest, set.Crosscheck)
		}
		if err != nil && !errors.Is(err, shares.ErrExists) { // what a control has "deleted" is back
			l.t.Fatal(err)
		}
	}
	l.acked[id] = !l.acked[id]
	l.total++
}

// What the store acknowledged is there, or gone, after a power cut.
func TestPowerCuts(t *testing.T) {
	l := newPowerLoop(t, func(d directory) directory { return d })
	for i := range cuts() {
		if lost := l.round(); len(lost) > 0 {
			t.Fatalf("cut %d: of what was acknowledged, this isn't so: %v", i, lost)
		}
	}
	t.Logf("%d cuts, %d acknowledgements", cuts(), l.total)
}

// With one sync left out the same loop finds what is lost: it would see it if the
// store had forgotten one.
func TestPowerCutsFindAMissingSync(t *testing.T) {
	for name, wrap := range map[string]func(directory) directory{
		"of files":       func(d directory) directory { return forgetful{d, true, false} },
		"of directories": func(d directory) directory { return forgetful{d, false, true} },
	} {
		t.Run(name, func(t *testing.T) {
			l := newPowerLoop(t, wrap)
			for i := range 20 {
				if lost := l.round(); len(lost) > 0 {
					t.Logf("cut %d found %d lost of %d acknowledgements", i, len(lost), l.total)
					return
				}
			}
			t.Fatalf("20 cuts found nothing: this test proves nothing")
		})
	}
}
