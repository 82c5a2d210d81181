package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"potluck"
	"potluck/shares"
)

// share is a complete share. Nothing in it changes.
type share struct {
	header                           shares.Header
	data, manifest, crosscheck, tree []byte
}

func (s *share) Header() shares.Header { return s.header }
func (s *share) Manifest() []byte      { return s.manifest }

func (s *share) Crosscheck(ctx context.Context) ([]byte, error) {
	return bytes.Clone(s.crosscheck), ctx.Err()
}

func (s *share) Slice(ctx context.Context, dst io.Writer, off, n potluck.Size) error {
	err := shares.Slice(contextWriter{ctx, dst}, bytes.NewReader(s.data), bytes.NewReader(s.tree),
		potluck.Size(len(s.data)), off, n)
	if err != nil {
		return fmt.Errorf("slice of share %v: %w", s.header.ID, err)
	}
	return nil
}

func (s *share) Verify(ctx context.Context) error {
	if shares.Sum(s.data) != s.header.Root {
		return fmt.Errorf("verify share %v: %w", s.header.ID, shares.ErrDamaged)
	}
	return ctx.Err()
}

func (s *share) Close() error { return nil }

// contextWriter stops writing when its context ends.
type contextWriter struct {
	ctx context.Context
	dst io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.dst.Write(p)
}
