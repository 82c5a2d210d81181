// Package disk is a store of shares.
package disk

import (
	"context"
	"errors"

	"potluck"
	"potluck/shares"
)

// Store keeps shares.
type Store struct{}

var errNot = errors.New("not there")

func (s *Store) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	return nil, errNot
}
func (s *Store) Open(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	return nil, errNot
}
func (s *Store) Delete(ctx context.Context, id potluck.ShareID) error { return errNot }
func (s *Store) List(ctx context.Context, after potluck.ShareID, visit func(shares.Info) error) error {
	return errNot
}
func (s *Store) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	return shares.Info{}, errNot
}
func (s *Store) Room(ctx context.Context) (potluck.Size, error) { return 0, errNot }
func (s *Store) Close() error                                   { return nil }

var _ shares.Store = (*Store)(nil)

// Options of a store; the zero value is the default.
type Options struct{}

// New opens the store in dir, which it makes if there is none.
func New(dir string, o Options) (*Store, error) { return nil, errNot }
