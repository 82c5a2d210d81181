package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

// checkFiles reads Badger's files before Badger does, which passes over some damage,
// panics at some, and tells of the rest in words alone.
func checkFiles(dir string, o badger.Options) error {
	if err := checkManifest(dir); err != nil {
		return err
	}
	if err := checkPlain(dir); err != nil {
		return err
	}
	return checkTables(dir, o)
}

// keyIDLen is what a log of Badger begins with: the number of the key that it is
// encrypted with. These books have no keys.
const keyIDLen = 8

// A registry of keys without keys is a random start and this text.
const (
	registryStart = 16
	registryText  = "Hello Badger"
)

// checkPlain reads what stands in Badger's files about encryption before Badger
// does: what is changed there it tells as a wrong key.
func checkPlain(dir string) error {
	path := filepath.Join(dir, badger.KeyRegistryFileName)
	registry, err := readStart(path, registryStart+len(registryText)+1)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err == nil && (len(registry) != registryStart+len(registryText) || string(registry[registryStart:]) != registryText) {
		return fmt.Errorf("%s isn't the registry of no keys: %w", path, ErrDamaged)
	}
	for _, form := range []string{"*.mem", "*.vlog"} {
		logs, err := filepath.Glob(filepath.Join(dir, form))
		if err != nil {
			return err
		}
		for _, path := range logs {
			start, err := readStart(path, keyIDLen)
			if err != nil {
				return err
			}
			if len(bytes.Trim(start, "\x00")) > 0 {
				return fmt.Errorf("the log %s begins with %x, want zeros: %w", path, start, ErrDamaged)
			}
		}
	}
	return nil
}

// readStart gives at most the first so many bytes of a file.
func readStart(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(most)))
}
