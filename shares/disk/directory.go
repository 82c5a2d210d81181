package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"potluck"
	"potluck/internal/durable"
)

// directory is what the store needs of a file system. All names lie beneath one
// directory and have slashes. The error of a missing name is fs.ErrNotExist.
type directory interface {
	// create makes a new file for reading and writing, 0600; fs.ErrExist.
	create(name string) (file, error)
	// open opens a regular file; anything else is errIrregular.
	open(name string, write bool) (file, error)
	exists(name string) (bool, error)
	rename(from, to string) error
	remove(name string) error
	// list gives the names of what isn't a directory in a directory, in any order.
	list(name string) ([]string, error)
	syncDir(name string) error
	room() (potluck.Size, error)
	close() error
}

// file is an open file.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	size() (potluck.Size, error)
	truncate(size potluck.Size) error
	// wrote says that all bytes before end are written, so that they can flow to
	// the disk while more come. It promises nothing.
	wrote(end potluck.Size) error
	// passing is the file for a long read in order, of bytes that nobody is about
	// to read again. It is closed before the file.
	passing() passage
	// sync makes bytes and length durable.
	sync() error
}

// passage is a file that is read once, in order.
type passage interface {
	io.ReaderAt
	io.Closer
}

var errIrregular = errors.New("not a regular file")

// beneath is the directory of the operating system. The directory of incoming
// shares is kept open, because most operations are in it.
type beneath struct {
	root, incoming *os.Root
	path           string
}

func openDirectory(path string) (*beneath, error) {
	if err := durable.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	if err := makeDirectories(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	incoming, err := root.OpenRoot(incomingDir)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &beneath{root: root, incoming: incoming, path: path}, nil
}

// makeDirectories makes the directories that are missing, durably: all at once,
// because later each would cost a put a sync.
func makeDirectories(root *os.Root) error {
	names := []string{incomingDir, damagedDir}
	for first := range 256 {
		names = append(names, shard(byte(first)))
	}
	for _, name := range names {
		if err := root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return durable.SyncDirIn(root, ".")
}

// at gives the open directory nearest to a name, and the name beneath it.
func (d *beneath) at(name string) (*os.Root, string) {
	if base, ok := strings.CutPrefix(name, incomingDir+"/"); ok {
		return d.incoming, base
	}
	return d.root, name
}

func (d *beneath) create(name string) (file, error) {
	root, name := d.at(name)
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return newOSFile(f), nil
}

func (d *beneath) open(name string, write bool) (file, error) {
	root, name := d.at(name)
	before, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	// Opening a pipe would wait for its other end, so look first.
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("open %s: %w but %v", name, errIrregular, before.Mode())
	}
	mode := os.O_RDONLY
	if write {
		mode = os.O_RDWR
	}
	f, err := root.OpenFile(name, mode, 0)
	if err != nil {
		return nil, err
	}
	// A link that was put there meanwhile would have been followed.
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		return nil, errors.Join(fmt.Errorf("open %s: %w: it changed", name, errIrregular), err, f.Close())
	}
	return newOSFile(f), nil
}

func (d *beneath) exists(name string) (bool, error) {
	root, name := d.at(name)
	_, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *beneath) list(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d *beneath) syncDir(name string) error {
	if name == incomingDir {
		return durable.SyncDirIn(d.incoming, ".")
	}
	return durable.SyncDirIn(d.root, name)
}

func (d *beneath) remove(name string) error {
	root, name := d.at(name)
	return root.Remove(name)
}

func (d *beneath) rename(from, to string) error { return d.root.Rename(from, to) }
func (d *beneath) room() (potluck.Size, error)  { return room(d.path) }
func (d *beneath) close() error                 { return errors.Join(d.incoming.Close(), d.root.Close()) }

type osFile struct {
	*os.File
	flow *durable.Flow
}

func newOSFile(f *os.File) osFile { return osFile{f, durable.NewFlow(f, 0)} }

func (f osFile) size() (potluck.Size, error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return potluck.Size(fi.Size()), nil
}

func (f osFile) truncate(size potluck.Size) error { return f.Truncate(int64(size)) }
func (f osFile) wrote(end potluck.Size) error     { return f.flow.Wrote(int64(end)) }
func (f osFile) passing() passage                 { return durable.NewFlowReader(f.File) }
func (f osFile) sync() error                      { return f.Sync() }
