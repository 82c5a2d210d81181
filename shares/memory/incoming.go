package memory

import (
	"context"
	"fmt"

	"potluck"
	"potluck/shares"
)

// incoming is a share that is being written or was suspended.
type incoming struct {
	store  *Store
	header shares.Header
	hasher *shares.Hasher
	data   []byte
	ended  bool
}

// size is what the share takes of the capacity so far.
func (in *incoming) size() potluck.Size { return shares.HeaderLen + potluck.Size(len(in.data)) }

func (in *incoming) Offset() potluck.Size { return potluck.Size(len(in.data)) }

func (in *incoming) Write(p []byte) (int, error) {
	s := in.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ended || s.closed {
		return 0, shares.ErrClosed
	}
	if want := shares.DataLen(in.header.Layout); potluck.Size(len(p)) > want-in.Offset() {
		return 0, fmt.Errorf("write %d bytes after %d of %d: %w", len(p), len(in.data), want, shares.ErrTooLong)
	}
	if err := s.reserve(potluck.Size(len(p))); err != nil {
		in.drop()
		return 0, fmt.Errorf("write share %v: %w", in.header.ID, err)
	}
	_, _ = in.hasher.Write(p) // can't fail: no more than DataLen
	in.data = append(in.data, p...)
	return len(p), nil
}

func (in *incoming) Commit(ctx context.Context, manifest, crosscheck []byte) (shares.Header, error) {
	s := in.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ended || s.closed {
		return shares.Header{}, shares.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return shares.Header{}, fmt.Errorf("commit share %v: %w", in.header.ID, err)
	}
	h, err := in.commit(manifest, crosscheck)
	in.drop()
	if err != nil {
		return shares.Header{}, fmt.Errorf("commit share %v: %w", in.header.ID, err)
	}
	s.used += shares.StoredLen(h.Layout)
	return h, nil
}

func (in *incoming) commit(manifest, crosscheck []byte) (shares.Header, error) {
	l := in.header.Layout
	if want := shares.DataLen(l); in.Offset() != want {
		return shares.Header{}, fmt.Errorf("%w: %d of %d bytes of data came", shares.ErrMismatch, len(in.data), want)
	}
	h, err := shares.Seal(in.header, in.hasher.Sum(), manifest, crosscheck)
	if err != nil {
		return shares.Header{}, err
	}
	if rest := shares.StoredLen(l) - in.size(); rest > in.store.capacity-in.store.used {
		return shares.Header{}, fmt.Errorf("%w: %v more wanted", shares.ErrFull, rest)
	}
	in.store.order = nil
	in.store.complete[h.ID] = &share{
		header:     h,
		data:       in.data,
		manifest:   append([]byte(nil), manifest...),
		crosscheck: append([]byte(nil), crosscheck...),
		tree:       in.hasher.Outboard(),
	}
	return h, nil
}

func (in *incoming) Suspend() error {
	s := in.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ended || s.closed {
		return shares.ErrClosed
	}
	s.partial[in.header.ID] = &incoming{header: in.header, hasher: in.hasher, data: in.data}
	in.ended = true
	delete(s.taken, in.header.ID)
	return nil
}

func (in *incoming) Abort() error {
	in.store.mu.Lock()
	defer in.store.mu.Unlock()
	if !in.ended {
		in.drop()
	}
	return nil
}

// drop ends the share and gives back what it took. The caller holds the store's mu.
func (in *incoming) drop() {
	in.ended = true
	in.store.used -= in.size()
	delete(in.store.taken, in.header.ID)
}
