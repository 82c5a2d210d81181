package files

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"potluck"
)

// Source is what a put reads. It is read twice, in any order and by several
// goroutines, so it must not change; Check tells whether it did.
type Source interface {
	io.ReaderAt
	io.Closer
	// Size is the length in bytes when the source was opened.
	Size() potluck.Size
	// Check returns a *ChangedError if the source isn't what it was when opened.
	Check() error
	// Name is the base name for the owner's list; it may be empty.
	Name() string
}

type fileSource struct {
	*os.File
	size potluck.Size
	mod  time.Time
}

// OpenFile opens a regular file as a source.
func OpenFile(path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &UsageError{fmt.Sprintf("%s is not a regular file; pipe it to \"put -\", or pack a folder first", path)}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &fileSource{File: f, size: potluck.Size(st.Size()), mod: st.ModTime()}, nil
}

func (s *fileSource) Size() potluck.Size { return s.size }

func (s *fileSource) Name() string { return filepath.Base(s.File.Name()) }

func (s *fileSource) Check() error {
	st, err := s.Stat()
	if err != nil {
		return fmt.Errorf("look at the source again: %w", err)
	}
	if potluck.Size(st.Size()) != s.size || !st.ModTime().Equal(s.mod) {
		return &ChangedError{Name: s.Name()}
	}
	return nil
}

type byteSource struct {
	*bytes.Reader
	name string
}

// FromBytes makes a source of data, which must not be changed while it is used.
func FromBytes(name string, data []byte) Source {
	return byteSource{bytes.NewReader(data), name}
}

func (s byteSource) Size() potluck.Size { return potluck.Size(s.Reader.Size()) }
func (s byteSource) Name() string       { return s.name }
func (s byteSource) Check() error       { return nil }
func (s byteSource) Close() error       { return nil }
