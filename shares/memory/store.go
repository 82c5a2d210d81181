// Package memory is a store of shares in memory, for tests and simulations. Its
// shares end with the process; otherwise it keeps the contract of shares.Store.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"potluck"
	"potluck/shares"
)

// Store keeps shares in memory.
type Store struct {
	capacity potluck.Size

	mu       sync.Mutex
	closed   bool
	used     potluck.Size // bytes of all complete, suspended and coming shares
	complete map[potluck.ShareID]*share
	partial  map[potluck.ShareID]*incoming // suspended
	taken    map[potluck.ShareID]bool      // being written
	order    []potluck.ShareID             // the complete shares, ascending; nil: to be made anew. Never changed in place
}

var _ shares.Store = (*Store)(nil)

// New makes an empty store for capacity bytes.
func New(capacity potluck.Size) *Store {
	return &Store{
		capacity: capacity,
		complete: map[potluck.ShareID]*share{},
		partial:  map[potluck.ShareID]*incoming{},
		taken:    map[potluck.ShareID]bool{},
	}
}

// ready tells whether anything may be done. The caller holds mu.
func (s *Store) ready(ctx context.Context) error {
	if s.closed {
		return shares.ErrClosed
	}
	return ctx.Err()
}

// reserve takes n bytes of the capacity, or gives them back where n is
// negative. The caller holds mu.
func (s *Store) reserve(n potluck.Size) error {
	if n > s.capacity-s.used {
		return fmt.Errorf("%w: %v wanted, %v free", shares.ErrFull, n, s.capacity-s.used)
	}
	s.used += n
	return nil
}

// Create opens a share for writing.
func (s *Store) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	h = h.Coming()
	s.mu.Lock()
	defer s.mu.Unlock()
	in, err := s.create(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("create share %v: %w", h.ID, err)
	}
	return in, nil
}

func (s *Store) create(ctx context.Context, h shares.Header) (*incoming, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if s.complete[h.ID] != nil {
		return nil, shares.ErrExists
	}
	if s.taken[h.ID] {
		return nil, shares.ErrBusy
	}
	in := s.partial[h.ID]
	if in != nil {
		s.dropPartial(h.ID)
	}
	if in == nil || in.header.Layout != h.Layout || in.header.Owner != h.Owner {
		in = &incoming{header: h, hasher: shares.NewHasher(shares.DataLen(h.Layout))}
	}
	in = &incoming{store: s, header: in.header, hasher: in.hasher, data: in.data}
	if err := s.reserve(in.size()); err != nil {
		return nil, err
	}
	s.taken[h.ID] = true
	return in, nil
}

// dropPartial forgets a suspended share. The caller holds mu.
func (s *Store) dropPartial(id potluck.ShareID) {
	if in := s.partial[id]; in != nil {
		s.used -= in.size()
		delete(s.partial, id)
	}
}

// Open opens a complete share for reading.
func (s *Store) Open(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	sh, err := s.find(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open share %v: %w", id, err)
	}
	return sh, nil
}

func (s *Store) find(ctx context.Context, id potluck.ShareID) (*share, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if sh := s.complete[id]; sh != nil {
		return sh, nil
	}
	return nil, shares.ErrNotFound
}

// Delete removes a share.
func (s *Store) Delete(ctx context.Context, id potluck.ShareID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ready(ctx)
	if err == nil && s.taken[id] {
		err = shares.ErrBusy
	}
	if err != nil {
		return fmt.Errorf("delete share %v: %w", id, err)
	}
	s.dropComplete(id)
	s.dropPartial(id)
	return nil
}

// dropComplete forgets a complete share. The caller holds mu.
func (s *Store) dropComplete(id potluck.ShareID) {
	if sh := s.complete[id]; sh != nil {
		s.used -= shares.StoredLen(sh.header.Layout)
		delete(s.complete, id)
		s.order = nil
	}
}

// SetAside removes a complete share: there is no place beside the others here.
func (s *Store) SetAside(ctx context.Context, id potluck.ShareID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.ready(ctx)
	if err == nil && s.taken[id] {
		err = shares.ErrBusy
	}
	if err != nil {
		return fmt.Errorf("set aside share %v: %w", id, err)
	}
	s.dropComplete(id)
	return nil
}

// List visits the complete shares in order of ID.
func (s *Store) List(ctx context.Context, after potluck.ShareID, visit func(shares.Info) error) error {
	return s.Names(ctx, after, func(id potluck.ShareID) error {
		info, err := s.Stat(ctx, id)
		if err != nil {
			return nil // deleted meanwhile
		}
		return visit(info)
	})
}

// Names visits the names of the complete shares in order of ID.
func (s *Store) Names(ctx context.Context, after potluck.ShareID, visit func(potluck.ShareID) error) error {
	ids, err := s.ordered(ctx)
	if err != nil {
		return fmt.Errorf("list shares: %w", err)
	}
	if after != (potluck.ShareID{}) {
		at, found := slices.BinarySearchFunc(ids, after, potluck.ShareID.Compare)
		if found {
			at++
		}
		ids = ids[at:]
	}
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("list shares: %w", err)
		}
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}

// ordered gives the complete shares as they are now, ascending.
func (s *Store) ordered(ctx context.Context) ([]potluck.ShareID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.order == nil {
		s.order = slices.SortedFunc(maps.Keys(s.complete), potluck.ShareID.Compare)
	}
	return s.order, s.ready(ctx)
}

// Stat tells of a complete share.
func (s *Store) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	sh, err := s.find(ctx, id)
	if err != nil {
		return shares.Info{}, fmt.Errorf("stat share %v: %w", id, err)
	}
	return shares.Info{ID: id, Header: sh.header, Stored: shares.StoredLen(sh.header.Layout)}, nil
}

// Room is what is left of the capacity.
func (s *Store) Room(ctx context.Context) (potluck.Size, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capacity - s.used, s.ready(ctx)
}

// Close ends the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
