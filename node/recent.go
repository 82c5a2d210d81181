package node

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"potluck"
	"potluck/ledger"
	"potluck/node/keepsake"
)

// recents are the files that were put since the backup of the books. Their caps
// go into the keepsake itself, which is small and may change every minute, until a
// backup has them: a lost machine costs no name and no cap of what was put before
// the last minute.
type recents struct {
	mu     sync.Mutex
	known  bool                           // what was put in earlier lives is in put
	put    map[potluck.StorageIndex]int64 // when, as these books' clock said
	listed []keepsake.Recent              // what the keepsake says, newest first
	looked time.Time                      // when that was listed
	fresh  bool                           // something was put since
	woke   bool                           // and that alone woke the loop
}

// recentEvery is the least time between two keepsakes that differ in such files
// alone: what is put together goes together.
const recentEvery = time.Minute

// add notes a put.
func (r *recents) add(index potluck.StorageIndex, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.put == nil {
		r.put = make(map[potluck.StorageIndex]int64)
	}
	r.put[index], r.fresh = now, true
}

// wake has the keepsake follow a put.
func (s *souvenirs) wake(index potluck.StorageIndex, now int64) {
	r := &s.n.recents
	r.add(index, now)
	r.mu.Lock()
	r.woke = true
	r.mu.Unlock()
	s.cycle.Trigger()
}

// woken tells whether a put alone woke the loop, and that it knows it now.
func (r *recents) woken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	woke := r.woke
	r.woke = false
	return woke
}

// list gives what the keepsake is to say.
func (r *recents) list() []keepsake.Recent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listed
}

// wait is how long it is until the list has to be made anew; below 0: nothing was
// put since.
func (r *recents) wait() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.fresh {
		return -1
	}
	return max(recentEvery-time.Since(r.looked), 0)
}

// waiting tells how many files no backup has, and since when the oldest of them
// is there; 0: there are none.
func (r *recents) waiting() (files int, oldest int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, put := range r.put {
		if oldest == 0 || put < oldest {
			oldest = put
		}
	}
	return len(r.put), oldest
}

// lookRecent makes the list anew if it is time, or now.
func (n *Node) lookRecent(ctx context.Context, now bool) error {
	r := &n.recents
	if err := n.learnRecent(ctx); err != nil {
		return err
	}
	if wait := r.wait(); !now && wait != 0 {
		return nil
	}
	r.mu.Lock()
	indexes := slices.Collect(maps.Keys(r.put))
	r.fresh, r.looked = false, time.Now() // what is put from here on is looked at again
	r.mu.Unlock()
	last, _, err := n.backupRow(ctx, cursorBackup)
	if err != nil {
		return err
	}
	skip, err := n.backups(ctx)
	if err != nil {
		return err
	}
	var done []potluck.StorageIndex
	var list []keepsake.Recent
	for _, index := range indexes {
		f, err := n.book.File(ctx, index)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return n.checked(err)
		}
		c, ok := readCap(f.Cap)
		if err != nil || !ok || skip[index] || f.Put < last.Time {
			done = append(done, index)
			continue
		}
		list = append(list, keepsake.Recent{Manifest: f.Manifest, Layout: f.Layout, Name: f.Name, Put: f.Put, Wanted: f.Wanted, Key: c.Key[:]})
	}
	slices.SortFunc(list, func(a, b keepsake.Recent) int {
		return cmp.Or(cmp.Compare(b.Put, a.Put), slices.Compare(a.Manifest[:], b.Manifest[:]))
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, index := range done {
		delete(r.put, index)
	}
	r.listed = list[:min(len(list), keepsake.MaxRecent)]
	return nil
}

// learnRecent finds, once in a life, what was put in earlier ones after the backup.
func (n *Node) learnRecent(ctx context.Context) error {
	n.recents.mu.Lock()
	known := n.recents.known
	n.recents.mu.Unlock()
	if known {
		return nil
	}
	last, _, err := n.backupRow(ctx, cursorBackup)
	if err != nil {
		return err
	}
	err = n.book.Files(ctx, func(f ledger.File) error {
		if f.Put >= last.Time && f.Cap != "" {
			n.recents.add(f.Index, f.Put)
		}
		return nil
	})
	n.recents.mu.Lock()
	defer n.recents.mu.Unlock()
	n.recents.known = err == nil
	return n.checked(err)
}
