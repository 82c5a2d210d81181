package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"potluck"
	"potluck/shares"
)

// List visits the complete shares in order of ID. One directory's names are in
// memory at a time: about one in 256 of all.
func (s *Store) List(ctx context.Context, after potluck.ShareID, visit func(shares.Info) error) error {
	return s.Names(ctx, after, func(id potluck.ShareID) error {
		info, err := s.Stat(ctx, id)
		if errors.Is(err, shares.ErrNotFound) || errors.Is(err, shares.ErrDamaged) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list shares: %w", err)
		}
		return visit(info)
	})
}

// Names visits the names of complete shares in order of ID, with as much in
// memory as List. Directories aren't among them.
func (s *Store) Names(ctx context.Context, after potluck.ShareID, visit func(potluck.ShareID) error) error {
	for first := int(after.Index[0]); first < 256; first++ {
		if err := s.ready(ctx); err != nil {
			return fmt.Errorf("list shares: %w", err)
		}
		ids, err := s.ids(byte(first))
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
			if err := visit(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// ids gives the shares in one directory, in order.
func (s *Store) ids(first byte) ([]potluck.ShareID, error) {
	names, err := s.dir.list(shard(first))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := make([]potluck.ShareID, 0, len(names))
	for _, name := range names {
		if id, ok := parseName(name); ok && id.Index[0] == first {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, potluck.ShareID.Compare)
	return ids, nil
}

// Sweep removes, durably, the incoming shares that keep doesn't want and nobody
// writes, and what else lies in their directory. Run at the start it frees what
// crashes have left that the books know nothing of.
func (s *Store) Sweep(ctx context.Context, keep func(potluck.ShareID) bool) (removed int, err error) {
	names, err := s.dir.list(incomingDir)
	if err != nil {
		return 0, fmt.Errorf("sweep incoming shares: %w", err)
	}
	for _, name := range names {
		gone, err := s.sweep(ctx, name, keep)
		if err != nil {
			return removed, fmt.Errorf("sweep incoming share %s: %w", name, err)
		}
		if gone {
			removed++
		}
	}
	return removed, nil
}

func (s *Store) sweep(ctx context.Context, name string, keep func(potluck.ShareID) bool) (bool, error) {
	id, ok := parseName(strings.TrimSuffix(name, treeSuffix))
	if ok && keep(id) {
		return false, nil
	}
	// A name that is no share's is nobody's; the zero ID stands for it.
	switch err := s.take(ctx, id); {
	case errors.Is(err, shares.ErrBusy):
		return false, nil
	case err != nil:
		return false, err
	}
	defer s.release(id)
	return true, s.remove(incomingDir + "/" + name)
}
