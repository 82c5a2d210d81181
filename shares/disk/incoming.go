package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"potluck"
	"potluck/shares"
)

const (
	// smallShare is the stored length up to which a share stays in memory until
	// it is committed, and is then written at once.
	smallShare = 64 * potluck.KiB
)

// incoming is a share that is being written. Its bytes are in small as long as
// file is nil.
type incoming struct {
	store   *Store
	header  shares.Header
	hasher  *shares.Hasher
	dataLen potluck.Size
	offset  potluck.Size // bytes of data taken
	small   []byte       // header and data
	file    file
	tree    file         // holds what was saved of the tree; nil: nothing was
	treeEnd int64        // bytes of it that count
	saved   potluck.Size // bytes of data that it covers
	ended   bool
}

// Create opens a share for writing.
func (s *Store) Create(ctx context.Context, h shares.Header) (shares.Incoming, error) {
	h = h.Coming()
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("create share %v: %w", h.ID, err)
	}
	if err := s.take(ctx, h.ID); err != nil {
		return nil, fmt.Errorf("create share %v: %w", h.ID, err)
	}
	in, err := s.create(ctx, h)
	if err != nil {
		s.release(h.ID)
		return nil, fmt.Errorf("create share %v: %w", h.ID, full(err))
	}
	return in, nil
}

func (s *Store) create(ctx context.Context, h shares.Header) (*incoming, error) {
	if there, err := s.dir.exists(completeName(h.ID)); err != nil {
		return nil, err
	} else if there {
		return nil, shares.ErrExists
	}
	n := shares.DataLen(h.Layout)
	in := &incoming{store: s, header: h, dataLen: n, hasher: shares.NewHasher(n)}
	resumed, left, err := in.resume(ctx)
	if err != nil || resumed {
		return in, err
	}
	if err := s.removeIncoming(h.ID, left, n >= s.save); err != nil {
		return nil, err
	}
	head := h.Marshal()
	in.small = append(make([]byte, 0, min(shares.StoredLen(h.Layout), smallShare)), head[:]...)
	if shares.StoredLen(h.Layout) > smallShare {
		if err := in.spill(); err != nil {
			return nil, errors.Join(err, in.drop())
		}
	}
	return in, nil
}

// resume takes up what an earlier Incoming of the share has left, if it has the
// same layout and owner; what is left of another, left, must be removed.
// Whatever data the file holds is taken: after a power cut part of it may be
// wrong, and then Commit finds another root and the share is sent again. It is
// synced, so that what Offset tells is durable.
func (in *incoming) resume(ctx context.Context) (resumed, left bool, err error) {
	f, err := in.store.dir.open(incomingName(in.header.ID), true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false, nil
	case errors.Is(err, errIrregular):
		return false, true, nil
	case err != nil:
		return false, false, err
	}
	old, ok := readHeader(f)
	if h := in.header; !ok || old.ID != h.ID || old.Layout != h.Layout || old.Owner != h.Owner {
		return false, true, f.Close()
	}
	in.header, in.file = old.Coming(), f
	if err = in.rehash(ctx); err == nil {
		err = in.sync()
	}
	if err != nil {
		return false, true, errors.Join(err, f.Close(), in.closeTree())
	}
	return true, false, nil
}

// removeIncoming removes what is left of an incoming share: its data, and what
// was saved beside it.
func (s *Store) removeIncoming(id potluck.ShareID, data, tree bool) error {
	if tree {
		if err := s.remove(treeName(id)); err != nil {
			return err
		}
	}
	if data {
		return s.remove(incomingName(id))
	}
	return nil
}

// rehash brings the hasher to the end of the file's data, from where it was
// saved, and cuts off what follows it.
func (in *incoming) rehash(ctx context.Context) error {
	size, err := in.file.size()
	if err != nil {
		return err
	}
	have := min(size-shares.HeaderLen, in.dataLen)
	if in.dataLen >= in.store.save {
		if err := in.loadTree(have); err != nil {
			return err
		}
	}
	buf := make([]byte, min(have, 256*potluck.KiB))
	for in.offset < have {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buf[:min(potluck.Size(len(buf)), have-in.offset)]
		if readFull(in.file, part, shares.HeaderLen+in.offset) != nil {
			break // what can't be read is sent again
		}
		_, _ = in.hasher.Write(part) // can't fail: no more than dataLen
		in.offset += potluck.Size(len(part))
		if in.offset-in.saved >= in.store.save {
			if err := in.save(); err != nil {
				return err
			}
		}
	}
	return in.file.truncate(shares.HeaderLen + in.offset)
}

// spill moves the share from memory to a file.
func (in *incoming) spill() error {
	f, err := in.store.dir.create(incomingName(in.header.ID))
	if err != nil {
		return err
	}
	in.file = f
	_, err = f.WriteAt(in.small, 0)
	in.small = nil
	return err
}

// Offset is the bytes of data that are here.
func (in *incoming) Offset() potluck.Size { return in.offset }

// Write appends data.
func (in *incoming) Write(p []byte) (int, error) {
	if in.ended {
		return 0, shares.ErrClosed
	}
	if potluck.Size(len(p)) > in.dataLen-in.offset {
		return 0, fmt.Errorf("write %d bytes after %d of %d: %w", len(p), in.offset, in.dataLen, shares.ErrTooLong)
	}
	if err := in.write(p); err != nil {
		return 0, in.lost("write", err)
	}
	return len(p), nil
}

func (in *incoming) write(p []byte) error {
	if err := in.store.writable(); err != nil {
		return err
	}
	if in.file == nil {
		in.small = append(in.small, p...)
	} else if _, err := in.file.WriteAt(p, int64(shares.HeaderLen+in.offset)); err != nil {
		return err
	}
	_, _ = in.hasher.Write(p) // can't fail: no more than dataLen
	in.offset += potluck.Size(len(p))
	if in.file == nil {
		return nil
	}
	if in.offset-in.saved >= in.store.save {
		return in.save()
	}
	return in.file.wrote(shares.HeaderLen + in.offset)
}

// sync makes the file durable. Without room the kernel may only find out now;
// that concerns this file alone. Any other error is the store's end.
func (in *incoming) sync() error {
	err := in.file.sync()
	if err == nil || errors.Is(full(err), shares.ErrFull) {
		return err
	}
	return in.store.fail(err)
}

// Suspend keeps what is here.
func (in *incoming) Suspend() error {
	if in.ended {
		return shares.ErrClosed
	}
	if err := in.suspend(); err != nil {
		return in.lost("suspend", err)
	}
	err := errors.Join(in.file.Close(), in.closeTree())
	in.end()
	if err != nil {
		return fmt.Errorf("suspend share %v: %w", in.header.ID, err)
	}
	return nil
}

func (in *incoming) suspend() error {
	if err := in.store.writable(); err != nil {
		return err
	}
	if in.file == nil {
		if err := in.spill(); err != nil {
			return err
		}
	}
	if err := in.sync(); err != nil {
		return err
	}
	if in.dataLen >= in.store.save && in.offset-in.saved >= min(worthSaving, in.store.save) {
		if err := in.saveTree(); err != nil {
			return err
		}
	}
	if err := in.store.dir.syncDir(incomingDir); err != nil {
		return in.store.fail(err)
	}
	return nil
}

// Abort drops what is here.
func (in *incoming) Abort() error {
	if in.ended {
		return nil
	}
	err := in.drop()
	in.end()
	if err != nil {
		return fmt.Errorf("abort share %v: %w", in.header.ID, err)
	}
	return nil
}

// lost drops the share because of an error, and gives that error.
func (in *incoming) lost(what string, err error) error {
	err = errors.Join(full(err), in.drop())
	in.end()
	return fmt.Errorf("%s share %v: %w", what, in.header.ID, err)
}

// drop closes and removes the file. It isn't synced: if a crash brings the file
// back it is as if the share had been cut off.
func (in *incoming) drop() error {
	if in.file == nil {
		return nil
	}
	err := errors.Join(in.dropTree(), in.file.Close())
	if e := in.store.dir.remove(incomingName(in.header.ID)); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	return err
}

func (in *incoming) end() {
	in.ended, in.small, in.hasher = true, nil, nil
	in.store.release(in.header.ID)
}

// readFull fills p or returns an error, io.ErrUnexpectedEOF where the file ends.
func readFull(f io.ReaderAt, p []byte, off potluck.Size) error {
	n, err := f.ReadAt(p, int64(off))
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readHeader reads the header of a file; not ok if there is none.
func readHeader(f io.ReaderAt) (shares.Header, bool) {
	var b [shares.HeaderLen]byte
	if readFull(f, b[:], 0) != nil {
		return shares.Header{}, false
	}
	h, err := shares.ParseHeader(b[:])
	return h, err == nil
}
