package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"potluck"
	"potluck/shares"
)

// share is a complete share, open for reading. Nothing in it changes.
type share struct {
	file     file
	header   shares.Header
	manifest []byte
	checksum potluck.Digest // of the crosscheck, from the manifest
	// Where the parts begin in the file.
	manifestAt, crosscheckAt, treeAt potluck.Size
}

// Open opens a complete share for reading. It checks everything but the data
// and the crosscheck.
func (s *Store) Open(ctx context.Context, id potluck.ShareID) (shares.Share, error) {
	f, h, err := s.openShare(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open share %v: %w", id, err)
	}
	sh := &share{file: f, header: h, manifestAt: shares.HeaderLen + shares.DataLen(h.Layout)}
	sh.crosscheckAt = sh.manifestAt + potluck.Size(shares.ManifestLen(h.Layout))
	sh.treeAt = sh.crosscheckAt + shares.CrosscheckLen(h.Layout)
	if err := sh.readManifest(); err != nil {
		return nil, fmt.Errorf("open share %v: %w", id, errors.Join(err, f.Close()))
	}
	return sh, nil
}

// openShare opens a share's file and checks its header and length.
func (s *Store) openShare(ctx context.Context, id potluck.ShareID) (file, shares.Header, error) {
	if err := s.ready(ctx); err != nil {
		return nil, shares.Header{}, err
	}
	f, err := s.dir.open(completeName(id), false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, shares.Header{}, shares.ErrNotFound
	case errors.Is(err, errIrregular):
		return nil, shares.Header{}, damaged(err)
	case err != nil:
		return nil, shares.Header{}, err
	}
	h, err := checkFile(f, id)
	if err != nil {
		return nil, h, errors.Join(err, f.Close())
	}
	return f, h, nil
}

func checkFile(f file, id potluck.ShareID) (shares.Header, error) {
	var b [shares.HeaderLen]byte
	if err := readFull(f, b[:], 0); err != nil {
		return shares.Header{}, damaged(fmt.Errorf("read header: %w", err))
	}
	h, err := shares.ParseHeader(b[:])
	if err != nil {
		return h, damaged(err)
	}
	size, err := f.size()
	switch {
	case err != nil:
		return h, err
	case h.ID != id:
		return h, damaged(fmt.Errorf("header is of share %v", h.ID))
	case !h.Complete():
		return h, damaged(fmt.Errorf("header is of an incomplete share"))
	case size != shares.StoredLen(h.Layout):
		return h, damaged(fmt.Errorf("file has %d bytes, want %d", size, shares.StoredLen(h.Layout)))
	}
	return h, nil
}

func (s *share) readManifest() error {
	s.manifest = make([]byte, shares.ManifestLen(s.header.Layout))
	if err := readFull(s.file, s.manifest, s.manifestAt); err != nil {
		return damaged(fmt.Errorf("read manifest: %w", err))
	}
	if shares.Sum(s.manifest) != s.header.Manifest {
		return damaged(fmt.Errorf("manifest has another hash than %v", s.header.Manifest))
	}
	m, err := shares.ParseManifest(s.manifest)
	if err != nil {
		return damaged(err)
	}
	if m.Layout != s.header.Layout || m.Index != s.header.ID.Index || m.Roots[s.header.ID.Number] != s.header.Root {
		return damaged(fmt.Errorf("manifest is of another share"))
	}
	s.checksum = m.Crosscheck
	return nil
}

func (s *share) Header() shares.Header { return s.header }
func (s *share) Manifest() []byte      { return s.manifest }

func (s *share) Crosscheck(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b := make([]byte, shares.CrosscheckLen(s.header.Layout))
	if err := readFull(s.file, b, s.crosscheckAt); err != nil {
		return nil, damaged(fmt.Errorf("read crosscheck: %w", err))
	}
	if shares.Sum(b) != s.checksum {
		return nil, damaged(fmt.Errorf("crosscheck has another hash than %v", s.checksum))
	}
	return b, nil
}

// longRead is from how many bytes on a read of data doesn't stay in the page
// cache: what friends keep is read seldom, and then as a whole.
const longRead = 8 * potluck.MiB

// withData reads n bytes of the share's data.
func (s *share) withData(n potluck.Size, read func(*io.SectionReader) error) error {
	var src io.ReaderAt = s.file
	end := func() error { return nil }
	if n >= longRead {
		p := s.file.passing()
		src, end = p, p.Close
	}
	return errors.Join(read(io.NewSectionReader(src, shares.HeaderLen, int64(shares.DataLen(s.header.Layout)))), end())
}

func (s *share) tree() *io.SectionReader {
	return io.NewSectionReader(s.file, int64(s.treeAt), int64(shares.TreeLen(s.header.Layout)))
}

func (s *share) Slice(ctx context.Context, dst io.Writer, off, n potluck.Size) error {
	err := s.withData(n, func(data *io.SectionReader) error {
		return shares.Slice(contextWriter{ctx, dst}, data, s.tree(), shares.DataLen(s.header.Layout), off, n)
	})
	if err != nil {
		return fmt.Errorf("slice of share %v: %w", s.header.ID, err)
	}
	return nil
}

// Verify reads everything.
func (s *share) Verify(ctx context.Context) error {
	if err := s.verify(ctx); err != nil {
		return fmt.Errorf("verify share %v: %w", s.header.ID, err)
	}
	return nil
}

func (s *share) verify(ctx context.Context) error {
	var head [shares.HeaderLen]byte
	if err := readFull(s.file, head[:], 0); err != nil {
		return damaged(fmt.Errorf("read header: %w", err))
	}
	if head != s.header.Marshal() {
		return damaged(fmt.Errorf("header has changed"))
	}
	if _, err := s.Crosscheck(ctx); err != nil {
		return err
	}
	h := shares.NewHasher(shares.DataLen(s.header.Layout))
	err := s.withData(shares.DataLen(s.header.Layout), func(data *io.SectionReader) error {
		_, err := io.CopyBuffer(contextWriter{ctx, h}, onlyReader{data}, make([]byte, 256<<10))
		return err
	})
	if err != nil {
		return readError(ctx, err)
	}
	if h.Sum() != s.header.Root {
		return damaged(fmt.Errorf("data has root %v, want %v", h.Sum(), s.header.Root))
	}
	if err := h.WriteOutboard(contextWriter{ctx, &comparer{with: s.tree()}}); err != nil {
		return readError(ctx, err)
	}
	again := &share{file: s.file, header: s.header, manifestAt: s.manifestAt}
	return again.readManifest()
}

func (s *share) Close() error { return s.file.Close() }

// Stat tells of a complete share.
func (s *Store) Stat(ctx context.Context, id potluck.ShareID) (shares.Info, error) {
	f, h, err := s.openShare(ctx, id)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return shares.Info{}, fmt.Errorf("stat share %v: %w", id, err)
	}
	return shares.Info{ID: id, Header: h, Stored: shares.StoredLen(h.Layout)}, nil
}

func damaged(err error) error { return fmt.Errorf("%w: %w", shares.ErrDamaged, err) }

// readError is damage unless the context ended the reading.
func readError(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, shares.ErrDamaged) {
		return err
	}
	return damaged(err)
}

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

// onlyReader hides WriteTo, so that io.CopyBuffer uses its buffer.
type onlyReader struct{ io.Reader }

// comparer refuses bytes that differ from those of with.
type comparer struct {
	with io.Reader
	buf  []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	if _, err := io.ReadFull(c.with, c.buf[:len(p)]); err != nil {
		return 0, fmt.Errorf("read tree: %w", err)
	}
	if !bytes.Equal(p, c.buf[:len(p)]) {
		return 0, damaged(fmt.Errorf("tree differs from the data's"))
	}
	return len(p), nil
}
