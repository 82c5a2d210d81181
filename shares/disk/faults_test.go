package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"potluck"
	"potluck/shares"
	"potluck/shares/storetest"
)

var ctx = context.Background()

// often has the trees of the script's longer shares saved.
var often = Options{Save: 20_000}

// script puts, suspends, resumes and deletes shares, small ones and ones that
// have a file from the start. It records what was acknowledged, and goes on after errors.
type script struct {
	sets  [2]*storetest.Set
	acked map[potluck.ShareID]bool         // true: must be there; false: must not
	kept  map[potluck.ShareID]potluck.Size // bytes that a Suspend has promised to keep
	errs  []error
}

var errForgotten = errors.New("what was suspended is lost")

func newScript(t testing.TB) *script {
	sc := &script{acked: map[potluck.ShareID]bool{}, kept: map[potluck.ShareID]potluck.Size{}}
	for i, size := range []potluck.Size{500, 70_000} {
		l, err := shares.NewLayout(1, 3, size)
		if err != nil {
			t.Fatal(err)
		}
		sc.sets[i] = storetest.NewSet(t, l, uint64(i))
	}
	return sc
}

func (sc *script) run(s *Store) {
	for _, set := range sc.sets {
		sc.put(s, set, 0, false)
		sc.put(s, set, 1, true)
		sc.remove(s, set, 0)
		sc.put(s, set, 2, false)
		sc.put(s, set, 0, true)
	}
}

func (sc *script) note(err error) bool {
	if err != nil {
		sc.errs = append(sc.errs, err)
	}
	return err == nil
}

func (sc *script) put(s *Store, set *storetest.Set, number int, suspend bool) {
	in, err := s.Create(ctx, set.Header(number))
	if !sc.note(err) {
		return
	}
	data, id := set.Data[number], set.ID(number)
	if in.Offset() < sc.kept[id] {
		sc.errs = append(sc.errs, fmt.Errorf("%w: %d of %d bytes of share %v", errForgotten, in.Offset(), sc.kept[id], id))
	}
	delete(sc.kept, id)
	step := func(err error) bool {
		if err != nil && !errors.Is(err, errCut) {
			delete(sc.kept, id) // an error drops the share
		}
		return sc.note(err)
	}
	for suspended := false; ; suspended = true {
		half := data[in.Offset():][:(len(data)-int(in.Offset()))/2]
		if _, err := in.Write(half); !step(err) {
			return
		}
		if suspended || !suspend {
			break
		}
		if !step(in.Suspend()) {
			return
		}
		sc.kept[id] = potluck.Size(len(half))
		if in, err = s.Create(ctx, set.Header(number)); !step(err) {
			return
		}
	}
	if _, err := in.Write(data[in.Offset():]); !step(err) {
		return
	}
	delete(sc.kept, id)
	delete(sc.acked, id) // while it comes, either may be
	if _, err = in.Commit(ctx, set.Manifest, set.Crosscheck); sc.note(err) {
		sc.acked[id] = true
	}
}

func (sc *script) remove(s *Store, set *storetest.Set, number int) {
	delete(sc.acked, set.ID(number)) // while it goes, either may be
	delete(sc.kept, set.ID(number))
	if sc.note(s.Delete(ctx, set.ID(number))) {
		sc.acked[set.ID(number)] = false
	}
}

// check reads every share: what was acknowledged is there and whole, what was
// deleted is not, and nothing is there in part.
func (sc *script) check(t interface{ Fatalf(string, ...any) }, s *Store) {
	for _, set := range sc.sets {
		for number := range set.Data {
			id := set.ID(number)
			sh, err := s.Open(ctx, id)
			if err == nil {
				err = errors.Join(sh.Verify(ctx), sh.Close())
			}
			there, known := sc.acked[id]
			switch {
			case err != nil && !errors.Is(err, shares.ErrNotFound):
				t.Fatalf("share %v: %v", id, err)
			case known && there && err != nil:
				t.Fatalf("share %v was acknowledged and is lost: %v", id, err)
			case known && !there && err == nil:
				t.Fatalf("share %v was deleted and is back", id)
			}
		}
	}
}

// again puts every share that isn't there, as its owner would.
func (sc *script) again(t interface{ Fatalf(string, ...any) }, s *Store) {
	for _, set := range sc.sets {
		for number := range set.Data {
			sc.errs = nil
			sc.put(s, set, number, false)
			for _, err := range sc.errs {
				// A power cut may have garbled what was resumed; the second time it begins anew.
				if errors.Is(err, shares.ErrMismatch) {
					sc.errs = nil
					sc.put(s, set, number, false)
				}
			}
			for _, err := range sc.errs {
				if !errors.Is(err, shares.ErrExists) {
					t.Fatalf("put share %d again: %v", number, err)
				}
			}
			sc.acked[set.ID(number)] = true
		}
	}
	sc.check(t, s)
}

// count tells how many operations a run of the script makes.
func count(t testing.TB) int {
	m, n := newModel(), 0
	m.fail = func(string) error { n++; return nil }
	sc := newScript(t)
	sc.run(newStore(m, often))
	if len(sc.errs) > 0 || n < 100 {
		t.Fatalf("%d operations, errors %v", n, sc.errs)
	}
	return n
}

// TestEveryFault lets each operation of the script fail in turn, with an I/O
// error and with a full disk.
func TestEveryFault(t *testing.T) {
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		for at := range count(t) {
			m, n, failed := newModel(), 0, ""
			m.fail = func(op string) error {
				if n++; n == at+1 {
					failed = op
					return fmt.Errorf("%s: %w", op, fault)
				}
				return nil
			}
			sc := newScript(t)
			s := newStore(m, often)
			sc.run(s)
			m.fail = func(string) error { return nil }
			name := fmt.Sprintf("%v of operation %d, a %s", fault, at, failed)
			sc.check(fatal{t, name}, s)
			sc.checkFault(fatal{t, name}, s, m, fault, failed)
			s = newStore(m, often) // opened again
			sc.again(fatal{t, name}, s)
		}
	}
}

// checkFault compares what the store said with what a fault must lead to.
func (sc *script) checkFault(t fatal, s *Store, m *model, fault error, op string) {
	poisoned := s.writable() != nil
	switch {
	case op == "syncDir", op == "sync" && fault == syscall.EIO:
		if !poisoned || len(sc.errs) == 0 || !errors.Is(sc.errs[0], shares.ErrFailed) {
			t.Fatalf("a failed sync was taken lightly: %v", sc.errs)
		}
		for _, err := range sc.errs {
			if !errors.Is(err, shares.ErrFailed) {
				t.Fatalf("after a failed sync there was %v", err)
			}
		}
		return
	case poisoned:
		t.Fatalf("the store failed without need: %v", sc.errs)
	case len(sc.errs) == 0 && op != "read":
		t.Fatalf("no error was told")
	}
	if fault == syscall.ENOSPC && strings.Contains("create write wrote sync rename", op) {
		if !errors.Is(sc.errs[0], shares.ErrFull) {
			t.Fatalf("error is %v, want full", sc.errs[0])
		}
	}
	for name, n := range m.live { // nothing is left that the store doesn't answer for
		if op != "remove" && op != "close" && !n.dir && strings.HasPrefix(name, incomingDir+"/") {
			id, ok := parseName(strings.TrimSuffix(name[len(incomingDir)+1:], treeSuffix))
			if in, err := s.Create(ctx, sc.set(id).Header(int(id.Number))); !ok || err != nil || in.Offset() == 0 {
				t.Fatalf("%s is left: %v", name, err)
			} else if err := in.Suspend(); err != nil {
				t.Fatalf("%v", err)
			}
		}
	}
}

func (sc *script) set(id potluck.ShareID) *storetest.Set {
	if id.Index == sc.sets[0].ID(0).Index {
		return sc.sets[0]
	}
	return sc.sets[1]
}

// fatal puts a name before what goes wrong.
type fatal struct {
	t    testing.TB
	name string
}

func (f fatal) Fatalf(format string, args ...any) {
	f.t.Helper()
	f.t.Fatalf(f.name+": "+format, args...)
}

var errCut = errors.New("power cut")

// TestEveryPowerCut cuts the power before each operation of the script, and
// keeps of what wasn't synced whatever rapid draws.
func TestEveryPowerCut(t *testing.T) {
	total := count(t)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, total).Draw(t, "operation")
		m, n := newModel(), 0
		m.fail = func(string) error {
			if n++; n > at {
				return errCut
			}
			return nil
		}
		sc := newScript(noTB{t: t})
		sc.run(newStore(m, often))
		pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "survivor") }
		s := newStore(m.crash(pick), often)
		sc.check(t, s)
		sc.again(t, s)
	})
}

// noTB lets rapid's T make a script.
type noTB struct {
	testing.TB
	t *rapid.T
}

func (n noTB) Helper()           {}
func (n noTB) Fatal(args ...any) { n.t.Fatal(args...) }

// TestTreesVouchForSyncedBytes cuts the power while a long share comes, and goes
// on: whatever of the unsynced bytes is wrong then, no wrong share is committed.
func TestTreesVouchForSyncedBytes(t *testing.T) {
	l, err := shares.NewLayout(1, 1, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	set := storetest.NewSet(t, l, 1)
	rapid.Check(t, func(t *rapid.T) {
		m := newModel()
		m.fail = func(string) error { return nil }
		resume := func(m *model, pieces int) shares.Incoming {
			in, err := newStore(m, often).Create(ctx, set.Header(0))
			for ; err == nil && pieces > 0 && in.Offset() < potluck.Size(len(set.Data[0])); pieces-- {
				at := int(in.Offset())
				_, err = in.Write(set.Data[0][at:min(at+25_000, len(set.Data[0]))])
			}
			if err != nil {
				t.Fatalf("%d pieces: %v", pieces, err)
			}
			return in
		}
		if err := resume(m, 1).Suspend(); err != nil { // its header is there
			t.Fatal(err)
		}
		resume(m, rapid.IntRange(1, 7).Draw(t, "pieces"))
		after := m.crash(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "survivor") })
		after.fail = m.fail
		if tree := m.live[treeName(set.ID(0))]; tree != nil { // the worst that can happen: all of it is there
			after.live[treeName(set.ID(0))] = &node{live: tree.live, synced: bytes.Clone(tree.live)}
		}
		data := after.live[incomingName(set.ID(0))] // and the file ends where a tree may end
		data.live = data.live[:shares.HeaderLen+(len(data.live)-shares.HeaderLen)/(16<<10)*(16<<10)]
		_, err := resume(after, 100).Commit(ctx, set.Manifest, set.Crosscheck)
		if errors.Is(err, shares.ErrMismatch) {
			return // it's sent once more
		}
		sh, missing := newStore(after, often).Open(ctx, set.ID(0))
		if err = errors.Join(err, missing); err == nil {
			err = sh.Verify(ctx)
		}
		if err != nil {
			t.Fatalf("what was committed: %v", err)
		}
	})
}
