package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"potluck"
)

// Figures of the guard, in bytes.
const (
	ballastSize = 32 << 20 // one WAL file, one table and a compaction
	tightBelow  = 24 << 20 // free: nothing that grows is taken below it
	fullBelow   = 8 << 20  // free: nothing at all is written below it; a flushed memtable needs as much
	// logReserve is how much of a new log is written below fullBelow all the same:
	// it has its blocks, and is far from full, so that no table follows. One
	// batch that overlapped its making, and one that is in the making, still fit.
	logReserve = memTableSize * 3 / 8
	rowCost    = 160 // bytes that a row takes in a memtable beside key and value, at most
	// newNeeds is what must be free where books are made: the first log, Badger's own
	// files and the ballast take 43 MiB; below tightBelow they would take nothing in.
	newNeeds = 2*memTableSize + 2*vlogFileSize + 1<<20 + ballastSize + tightBelow + 5<<20
)

// space is the guard's word on the disk.
type space uint8

const (
	spaceOK    space = iota
	spaceTight       // only what frees bytes is taken
	spaceFull        // nothing is written
)

// guard keeps Badger from dying. Badger writes to mapped sparse files, and a
// write to a page for which the disk has no block kills the process. So WAL
// files get their blocks as soon as they are seen; a ballast file keeps space
// for tables and for the next WAL file, and is given up when the disk runs
// full; and below a last mark nothing is written but what frees bytes, as long as
// the newest WAL file has room for it, and then nothing any more.
//
// The batcher's goroutine owns it after open.
type guard struct {
	dir     string // the books' directory
	badger  string // Badger's
	free    func(dir string) (int64, error)
	nextMem int   // number of the WAL file that Badger makes next
	ballast bool  // the file is there
	logged  int64 // bytes that the newest WAL file and its memtable have, at most
	sparse  bool  // of small books: no blocks are given, and there is no ballast
}

func newGuard(dir, badger string, free func(string) (int64, error)) *guard {
	return &guard{dir: dir, badger: badger, free: free}
}

func (g *guard) ballastPath() string { return filepath.Join(g.dir, "ballast") }

// beforeOpen gives up the ballast when Badger, which makes a WAL file at every
// open, would hardly have room for it.
func (g *guard) beforeOpen() error {
	_, err := os.Stat(g.ballastPath())
	g.ballast = err == nil
	return g.ensure("open")
}

// afterOpen gives blocks to the files that Badger has made.
func (g *guard) afterOpen() error {
	entries, err := os.ReadDir(g.badger)
	if err != nil {
		return err
	}
	g.nextMem = 1
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, ".vlog") {
			if err := g.fill(name, 2*vlogFileSize); err != nil {
				return err
			}
		}
		number, isMem := strings.CutSuffix(name, ".mem")
		if n, err := strconv.Atoi(number); isMem && err == nil && n >= g.nextMem {
			g.nextMem = n + 1
		}
	}
	// Older WAL files are only read. The newest is the one that is written.
	return g.fill(g.memName(g.nextMem-1), 2*memTableSize)
}

func (g *guard) memName(n int) string { return fmt.Sprintf("%05d.mem", n) }

// beforeClose makes room for the table that Badger writes when it closes. With
// ErrFull it must not be closed: it would die, and the WAL has everything.
func (g *guard) beforeClose() error { return g.ensure("close") }

// ensure gives up the ballast when the disk is tight, and fails when it is full.
func (g *guard) ensure(what string) error {
	free, err := g.free(g.dir)
	if err != nil {
		return err
	}
	if free < tightBelow {
		if err := g.drop(); err != nil {
			return err
		}
		if free, err = g.free(g.dir); err != nil {
			return err
		}
	}
	if free < fullBelow {
		return noRoom(g.dir, free, fullBelow, what)
	}
	return nil
}

// noRoom says how much is free on the disk of dir, how much is needed for what, and
// what helps.
func noRoom(dir string, free, need int64, what string) error {
	return fmt.Errorf("%w: %s is on a disk with %v free, and %v must be free to %s; cure: make %v free there", ErrFull, dir,
		potluck.Size(free), potluck.Size(need), what, potluck.Size(need-free))
}

// tight says why nothing that grows is written.
func (g *guard) tight() error {
	free, err := g.free(g.dir)
	if err != nil {
		return errors.Join(ErrFull, err)
	}
	return noRoom(g.dir, min(free, tightBelow+ballastSize-1), tightBelow+ballastSize, "write anything new (what frees bytes is done)")
}

// RoomForNew tells whether books can be made in a directory, which may not be there
// yet: nil, or ErrFull with the figures. It writes nothing.
func RoomForNew(dir string) error { return roomForNew(dir, freeBytes) }

func roomForNew(dir string, freeOf func(string) (int64, error)) error {
	at, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	free, err := freeOf(at)
	for errors.Is(err, os.ErrNotExist) && at != filepath.Dir(at) {
		at = filepath.Dir(at)
		free, err = freeOf(at)
	}
	if err != nil {
		return err
	}
	if free < newNeeds {
		return fmt.Errorf("%w, or name a directory on a larger disk with --data", noRoom(dir, free, newNeeds, "make books"))
	}
	return nil
}

// check is called before every commit.
func (g *guard) check() (space, error) {
	for {
		if _, err := os.Lstat(filepath.Join(g.badger, g.memName(g.nextMem))); err != nil {
			break
		}
		err := g.fill(g.memName(g.nextMem), 2*memTableSize)
		if err != nil && g.ballast {
			if err := g.drop(); err != nil {
				return spaceFull, err
			}
			err = g.fill(g.memName(g.nextMem), 2*memTableSize)
		}
		if err != nil {
			return spaceFull, nil // tried again before the next commit
		}
		g.nextMem++
		g.logged = 0
	}
	free, err := g.free(g.dir)
	if err != nil {
		return spaceFull, err
	}
	switch {
	case free >= tightBelow && (g.ballast || g.sparse):
		return spaceOK, nil
	case free >= tightBelow+ballastSize:
		return spaceOK, g.take()
	case g.ballast:
		return spaceTight, g.drop()
	case free >= fullBelow || g.logged < logReserve && !g.sparse:
		return spaceTight, nil
	}
	return spaceFull, nil
}

// wrote counts a batch that is about to be written.
func (g *guard) wrote(rows int, bytes int64) { g.logged += int64(rows)*rowCost + bytes }

// fill preallocates one of Badger's files. A file that is gone was flushed.
func (g *guard) fill(name string, size int64) error {
	if g.sparse {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(g.badger, name), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(preallocate(f, size), f.Close())
}

func (g *guard) drop() error {
	if err := os.Remove(g.ballastPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	g.ballast = false
	return nil
}

// take makes the ballast file. Its bytes are never read; only its blocks count.
func (g *guard) take() error {
	f, err := os.OpenFile(g.ballastPath(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(preallocate(f, ballastSize), f.Close()); err != nil {
		return g.drop()
	}
	g.ballast = true
	return nil
}
