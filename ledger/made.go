package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"potluck/internal/durable"
)

// headName is the head file's name in the books' directory.
const headName = "head"

// Made tells whether there are books in a directory, whole or not. There are none
// where nothing is, or only what Open makes before it writes the first row.
func Made(dir string) (bool, error) {
	if _, err := os.Stat(manifestPath(filepath.Join(dir, badgerDir))); err == nil || !errors.Is(err, os.ErrNotExist) {
		return true, err
	}
	files, err := filepath.Glob(filepath.Join(dir, badgerDir, "*.*")) // logs and tables
	if err != nil || len(files) > 0 {
		return true, err
	}
	_, found, err := readHead(filepath.Join(dir, headName))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return found, err
}

// checkHead holds the head file against the database before that is opened. It is
// made before the first database (makeHead): one without the other is damage.
func checkHead(dir string, acceptCut bool) error {
	kept, found, err := readHead(filepath.Join(dir, headName))
	missing := errors.Is(err, os.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	_, err = os.Stat(manifestPath(filepath.Join(dir, badgerDir)))
	there := err == nil
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	case found && !there:
		return fmt.Errorf("the database is gone (%s is missing), and the head file knows of event %d: %w", badger.ManifestFilename, kept.seq, ErrDamaged)
	case missing && there && !acceptCut:
		return fmt.Errorf("the head file is missing, so a cut tail can't be excluded: %w", ErrCut)
	}
	return nil
}

// makeHead makes the head file of books that are about to be made.
func makeHead(dir string) error { return durable.WriteFile(filepath.Join(dir, headName), nil, 0o600) }

// readHead gives the newest whole record of a head file, and changes nothing.
func readHead(path string) (newest headState, found bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return newest, false, err
	}
	defer f.Close()
	return newestHead(f)
}
