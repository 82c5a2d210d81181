package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"potluck/internal/durable"
)

// The data directory holds: lock, version, node.key, port, config.toml,
// ledger/, shares/, authorities/, audits.json, tmp/ and api.sock.

// dataMarker is the content of the file "version". A directory with another
// content was made by a newer program.
const dataMarker = "potluck data 1\n"

// ErrInUse says that another process has the data directory open.
var ErrInUse = errors.New("data directory is in use")

// ErrNewer says that the data directory was made by a newer version.
var ErrNewer = errors.New("data directory was made by a newer version of potluck")

// dataDir is an open, locked data directory.
type dataDir struct {
	path string
	lock *os.File
}

func (d *dataDir) join(name string) string { return filepath.Join(d.path, name) }

// openDir makes the directory if there is none, locks it and checks its
// version. If we die after any of its steps the next call goes on from there:
// an empty directory is new, a lock dies with its process, and the version is
// written after the key, so that a version without a key means a lost key. check,
// if not nil, looks at what is there before anything is written.
func openDir(path string, check func(keyGone bool) error) (*dataDir, error) {
	if err := durable.MkdirAll(path, 0o700); err != nil {
		return nil, readOnly(err)
	}
	if err := checkOpenness(path); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, readOnly(err))
	}
	d := &dataDir{path: path, lock: lock}
	err = d.whole(check)
	if err == nil {
		err = d.prepare()
	}
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// whole looks whether something is gone.
func (d *dataDir) whole(check func(keyGone bool) error) error {
	_, err := os.Lstat(d.join("node.key"))
	keyGone := errors.Is(err, os.ErrNotExist)
	if err != nil && !keyGone {
		return err
	}
	if _, err := os.Lstat(d.join("version")); keyGone && err == nil {
		return &BooksError{Data: d.path, Err: fmt.Errorf("%w: %s has a version, and no node.key", ErrNoKey, d.path)}
	}
	if check == nil {
		return nil
	}
	return check(keyGone)
}

// close gives the lock back.
func (d *dataDir) close() error { return d.lock.Close() }

// checkOpenness tightens the mode of an empty directory, and refuses one with
// something in it that others can enter.
func checkOpenness(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// What people put there before the first start, and what a start that
		// was refused left, tells no secret.
		if e.Name() != configName && e.Name() != "lock" {
			return fmt.Errorf("data directory %s has mode %04o: others can enter it; cure: chmod 700 %s", path, st.Mode().Perm(), path)
		}
	}
	return os.Chmod(path, 0o700)
}

// prepare checks the version, or writes it into a new directory.
func (d *dataDir) prepare() error {
	text, err := os.ReadFile(d.join("version"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(d.join("node.key")); errors.Is(err, os.ErrNotExist) {
			err = makeKey(d.join("node.key"))
			if err != nil {
				return err
			}
		}
		if err := durable.WriteFile(d.join("version"), []byte(dataMarker), 0o600); err != nil {
			return err
		}
	case err != nil:
		return err
	case string(text) != dataMarker:
		return fmt.Errorf("%w: %s says %q, this program knows %q; cure: start the newer program, or name another directory with --data", ErrNewer, d.join("version"),
			strings.TrimSpace(string(text[:min(len(text), 64)])), strings.TrimSpace(dataMarker))
	}
	return d.emptyTmp()
}

// emptyTmp makes tmp/ and removes what a crash left in it.
func (d *dataDir) emptyTmp() error {
	if err := os.RemoveAll(d.join("tmp")); err != nil {
		return err
	}
	return os.Mkdir(d.join("tmp"), 0o700)
}
