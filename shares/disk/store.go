// Package disk is a store of shares in a directory: one file for each share.
//
//	DIR/incoming/INDEX.NUMBER    a share that is being written, or was cut off
//	DIR/incoming/INDEX.NUMBER.tree  what was hashed of it, when it is long
//	DIR/XX/INDEX.NUMBER          a complete share; XX is the first byte of the index
//	DIR/damaged/INDEX.NUMBER     what lay there and was no share, set aside for people
//
// INDEX is the text of the storage index. Directories have mode 0700, files
// 0600. The bytes of a file are in docs/spec/share.md. Everything is opened
// beneath DIR, and only regular files are: a symbolic link, a device or a
// directory in the place of a share is damage.
//
// A share is complete when it is in DIR/XX: it is renamed there after its bytes
// have been synced, and acknowledged after the directory has been. So whatever
// the moment of a crash, a file in DIR/XX is whole, and one in incoming was never
// acknowledged.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	"potluck"
	"potluck/shares"
)

// Options of a store; the zero value is the default.
type Options struct {
	// Save is after how many bytes of data of a long share what was hashed of it is
	// saved, so that who resumes it needn't wait for more to be read again; 0: 1 GiB.
	Save potluck.Size
}

// Store keeps shares in a directory. One process at a time may have a
// directory open; the caller sees to that.
type Store struct {
	dir  directory
	save potluck.Size // Options.Save

	mu     sync.Mutex
	closed bool
	failed error                    // first error of a sync, or nil
	taken  map[potluck.ShareID]bool // being written or deleted
}

var _ shares.Store = (*Store)(nil)

// New opens the store in dir, which it makes if there is none.
func New(dir string, o Options) (*Store, error) {
	d, err := openDirectory(dir)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return newStore(d, o), nil
}

func newStore(d directory, o Options) *Store {
	if o.Save <= 0 {
		o.Save = defaultSave
	}
	return &Store{dir: d, save: o.Save, taken: map[potluck.ShareID]bool{}}
}

// Close ends the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.dir.close()
}

// Room is what the file system has free for this process.
func (s *Store) Room(ctx context.Context) (potluck.Size, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	n, err := s.dir.room()
	if err != nil {
		return 0, fmt.Errorf("room of store: %w", err)
	}
	return n, nil
}

// ready tells whether anything may be done, even reading.
func (s *Store) ready(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return shares.ErrClosed
	}
	return ctx.Err()
}

// writable tells whether anything may be changed.
func (s *Store) writable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return shares.ErrClosed
	case s.failed != nil:
		return fmt.Errorf("%w: %w", shares.ErrFailed, s.failed)
	}
	return nil
}

// take makes the caller the only one to change a share, until release.
func (s *Store) take(ctx context.Context, id potluck.ShareID) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.writable(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[id] {
		return shares.ErrBusy
	}
	s.taken[id] = true
	return nil
}

func (s *Store) release(id potluck.ShareID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, id)
}

// fail remembers the error of a sync. From then on the kernel may have dropped
// what it couldn't write, so nothing can be promised any more.
func (s *Store) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
	return fmt.Errorf("%w: %w", shares.ErrFailed, err)
}

// Delete removes a share.
func (s *Store) Delete(ctx context.Context, id potluck.ShareID) error {
	if err := s.take(ctx, id); err != nil {
		return fmt.Errorf("delete share %v: %w", id, err)
	}
	defer s.release(id)
	for _, name := range []string{completeName(id), treeName(id), incomingName(id)} {
		if err := s.remove(name); err != nil {
			return fmt.Errorf("delete share %v: %w", id, err)
		}
	}
	return nil
}

// SetAside moves what lies in the place of a complete share to the directory of
// damaged ones. If a crash comes between the two syncs it is in one of the two
// places, or in both.
func (s *Store) SetAside(ctx context.Context, id potluck.ShareID) error {
	if err := s.take(ctx, id); err != nil {
		return fmt.Errorf("set aside share %v: %w", id, err)
	}
	defer s.release(id)
	if err := s.setAside(id); err != nil {
		return fmt.Errorf("set aside share %v: %w", id, full(err))
	}
	return nil
}

func (s *Store) setAside(id potluck.ShareID) error {
	if there, err := s.dir.exists(completeName(id)); err != nil || !there {
		return err
	}
	if err := s.dir.remove(damagedName(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.dir.rename(completeName(id), damagedName(id)); err != nil {
		return err
	}
	for _, dir := range []string{damagedDir, parent(completeName(id))} {
		if err := s.dir.syncDir(dir); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// remove removes a name, durably. None is as good.
func (s *Store) remove(name string) error {
	err := s.dir.remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.dir.syncDir(parent(name)); err != nil {
		return s.fail(err)
	}
	return nil
}

// full turns the errors of a disk, a quota or a file size limit that leaves no
// room into shares.ErrFull.
func full(err error) error {
	if errors.Is(err, shares.ErrFailed) {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", shares.ErrFull, err)
	}
	return err
}
