package disk

import (
	"errors"
	"io"
	"io/fs"

	"potluck"
	"potluck/shares"
)

// A long share that is being written has what was hashed of it saved beside it,
// so that who resumes it needn't wait until all of it was read again.

const (
	// defaultSave is how many bytes of data are hashed again at most.
	defaultSave = potluck.GiB
	// worthSaving is from how many bytes on a share that is suspended is saved.
	worthSaving = 64 * potluck.MiB
)

// save makes what came durable, and then saves the tree of it: one that covered
// bytes that a power cut took would vouch for what isn't there.
func (in *incoming) save() error {
	if err := in.sync(); err != nil {
		return err
	}
	return in.saveTree()
}

// saveTree saves the tree of bytes that are durable.
func (in *incoming) saveTree() error {
	if in.tree == nil {
		f, err := in.store.dir.create(treeName(in.header.ID))
		if err != nil {
			return err
		}
		in.tree, in.treeEnd = f, 0
	}
	covered, n, err := in.hasher.Save(io.NewOffsetWriter(in.tree, in.treeEnd))
	in.saved, in.treeEnd = covered, in.treeEnd+n
	return err
}

// loadTree takes up what was saved, if it fits the file of so many bytes of data.
func (in *incoming) loadTree(have potluck.Size) error {
	name := treeName(in.header.ID)
	f, err := in.store.dir.open(name, true)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, errIrregular):
		return in.store.remove(name)
	case err != nil:
		return err
	}
	size, err := f.size()
	if err == nil {
		hasher, covered, used := shares.LoadHasher(in.dataLen, io.NewSectionReader(f, 0, int64(size)))
		if covered > 0 && covered <= have {
			in.hasher, in.offset, in.saved = hasher, covered, covered
			in.tree, in.treeEnd = f, used
			return nil
		}
	}
	return errors.Join(err, f.Close(), in.store.remove(name))
}

// dropTree removes what was saved, durably: it must never meet other bytes of the
// share.
func (in *incoming) dropTree() error {
	if in.tree == nil {
		return nil
	}
	return errors.Join(in.closeTree(), in.store.remove(treeName(in.header.ID)))
}

func (in *incoming) closeTree() error {
	if in.tree == nil {
		return nil
	}
	f := in.tree
	in.tree = nil
	return f.Close()
}
