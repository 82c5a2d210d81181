package disk

import (
	"context"
	"fmt"
	"io"

	"potluck/shares"
)

// Commit completes the share. The order is: the rest of the bytes, the header
// with root and manifest digest, sync of the file (a crash up to here leaves an
// incoming file), rename, sync of the directory. Expected system calls:
//
//	pwrite64(file) ..., fsync(file)
//	where a tree was saved: unlinkat(incoming/NAME.tree), fsync(incoming)
//	renameat(incoming/NAME, XX/NAME)
//	openat(XX), fsync(XX), close(XX)
//	close(file)
func (in *incoming) Commit(ctx context.Context, manifest, crosscheck []byte) (shares.Header, error) {
	if in.ended {
		return shares.Header{}, shares.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return shares.Header{}, fmt.Errorf("commit share %v: %w", in.header.ID, err)
	}
	h, err := in.commit(manifest, crosscheck)
	if err != nil {
		return shares.Header{}, in.lost("commit", err)
	}
	if err := in.publish(); err != nil {
		return shares.Header{}, in.lost("commit", err)
	}
	err = in.file.Close()
	in.end()
	if err != nil {
		return shares.Header{}, fmt.Errorf("commit share %v: %w", h.ID, err)
	}
	return h, nil
}

// commit checks and writes all that is missing, and syncs the file.
func (in *incoming) commit(manifest, crosscheck []byte) (shares.Header, error) {
	if in.offset != in.dataLen {
		return shares.Header{}, fmt.Errorf("%w: %d of %d bytes of data came", shares.ErrMismatch, in.offset, in.dataLen)
	}
	h, err := shares.Seal(in.header, in.hasher.Sum(), manifest, crosscheck)
	if err != nil {
		return shares.Header{}, err
	}
	if err := in.store.writable(); err != nil {
		return shares.Header{}, err
	}
	head := h.Marshal()
	if in.file == nil {
		copy(in.small, head[:])
		in.small = append(append(in.small, manifest...), crosscheck...)
		in.small = append(in.small, in.hasher.Outboard()...)
		err = in.spill()
	} else {
		err = in.append(manifest, crosscheck)
		if err == nil {
			_, err = in.file.WriteAt(head[:], 0)
		}
	}
	if err == nil {
		err = in.sync()
	}
	return h, err
}

func (in *incoming) append(manifest, crosscheck []byte) error {
	w := io.NewOffsetWriter(in.file, int64(shares.HeaderLen+in.dataLen))
	if _, err := w.Write(manifest); err != nil {
		return err
	}
	if _, err := w.Write(crosscheck); err != nil {
		return err
	}
	return in.hasher.WriteOutboard(w)
}

// publish gives the synced file its place among the complete ones, durably.
func (in *incoming) publish() error {
	dir, id := in.store.dir, in.header.ID
	if err := in.dropTree(); err != nil {
		return err
	}
	if err := dir.rename(incomingName(id), completeName(id)); err != nil {
		return err
	}
	if err := dir.syncDir(parent(completeName(id))); err != nil {
		return in.store.fail(err)
	}
	return nil
}
