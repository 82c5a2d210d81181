package testnet

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// killTries is how often Kill looks for a moment at which nothing is written.
const killTries = 100

// errBusy says that something is written all the time.
var errBusy = errors.New("it writes all the time")

// Kill ends the node as SIGKILL would, as far as one process can do that to a
// part of itself: its network is cut in the middle of whatever goes on, its folder
// is kept as it is at one moment, and what the node writes from then on, its
// orderly stop above all, is thrown away. Friends see its connections break. A
// moment between two writes that belong together is found by processes alone:
// see Process.Kill.
func (m *Member) Kill() error {
	if m.end == nil {
		return fmt.Errorf("kill %s: it doesn't run", m.name)
	}
	if m.port != nil {
		m.port.Cut(true)
	}
	image := m.dir + ".killed"
	err := copyMoment(m.dir, image)
	_ = m.Stop() // whatever it couldn't do doesn't count
	if err == nil {
		err = errors.Join(os.RemoveAll(m.dir), os.Rename(image, m.dir))
	}
	if m.port != nil {
		m.port.Reset()
		m.port.Cut(false)
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", m.name, errors.Join(err, os.RemoveAll(image)))
	}
	return nil
}

// copyMoment copies a folder that is written to: what is copied is what the
// folder was at one moment, because it is the same before and after.
func copyMoment(from, to string) error {
	for range killTries {
		if err := os.RemoveAll(to); err != nil {
			return err
		}
		copied, err := copyTree(from, to)
		if err == nil {
			var now map[string]digest
			now, err = sums(from)
			if err == nil && maps.Equal(copied, now) {
				return nil
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a file came or went
			return err
		}
	}
	return fmt.Errorf("copy %s: %w", from, errBusy)
}

type digest = [sha256.Size]byte

// copyTree copies folders and regular files, and gives the sums of the files.
func copyTree(from, to string) (map[string]digest, error) {
	return walk(from, func(path, name string, d fs.DirEntry) (digest, error) {
		at := filepath.Join(to, name)
		if d.IsDir() {
			return digest{}, os.MkdirAll(at, 0o700)
		}
		out, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
		if err != nil {
			return digest{}, err
		}
		sum, err := sumOf(path, sparse{out})
		return sum, errors.Join(err, out.Close())
	})
}

// sums gives the sums of all regular files.
func sums(from string) (map[string]digest, error) {
	return walk(from, func(path, _ string, d fs.DirEntry) (digest, error) {
		if d.IsDir() {
			return digest{}, nil
		}
		return sumOf(path, nil)
	})
}

func walk(root string, visit func(path, name string, d fs.DirEntry) (digest, error)) (map[string]digest, error) {
	found := map[string]digest{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator))
		found[name], err = visit(path, name, d)
		return err
	})
	return found, err
}

// sumOf hashes a file, and copies it to a writer unless that is nil.
func sumOf(path string, to io.Writer) (sum digest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	w := io.Writer(h)
	if to != nil {
		w = io.MultiWriter(h, to)
	}
	if _, err = io.CopyBuffer(w, struct{ io.Reader }{f}, make([]byte, 64<<10)); err == nil {
		h.Sum(sum[:0])
		if s, ok := to.(sparse); ok {
			err = s.end()
		}
	}
	return sum, err
}

// sparse writes a file with holes where it is nothing but zeros: logs of the
// books are long, and mostly empty.
type sparse struct{ *os.File }

// Write implements io.Writer.
func (s sparse) Write(b []byte) (int, error) {
	if bytes.Count(b, []byte{0}) < len(b) {
		return s.File.Write(b)
	}
	_, err := s.Seek(int64(len(b)), io.SeekCurrent)
	return len(b), err
}

// end gives the file its length.
func (s sparse) end() error {
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	return s.Truncate(at)
}
