package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
)

func manifestPath(dir string) string { return filepath.Join(dir, badger.ManifestFilename) }

// checkManifest reads Badger's list of its tables before Badger does. Badger
// deletes the tables that aren't in it, and takes a record that is longer than
// what is left of the file for one that a crash cut off: a single bit of a length
// would lose tables for good, and silently.
func checkManifest(dir string) error {
	b, err := os.ReadFile(manifestPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
		if err == nil && len(tables) > 0 {
			err = fmt.Errorf("%s is missing beside %d tables: %w", badger.ManifestFilename, len(tables), ErrDamaged)
		}
		return err
	}
	if err != nil {
		return err
	}
	if err := parseManifest(b); err != nil {
		return fmt.Errorf("%s: %w", badger.ManifestFilename, err)
	}
	return nil
}

// parseManifest refuses a manifest that Badger would take for shorter than it is:
// 8 bytes of magic, then records of 4 bytes length, 4 bytes CRC-32C and so many
// bytes. The last one may be cut off.
func parseManifest(b []byte) error {
	const head = 8
	if len(b) < head {
		return fmt.Errorf("%d bytes: %w", len(b), ErrDamaged)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	for at := head; len(b)-at >= head; {
		length := int64(binary.BigEndian.Uint32(b[at:]))
		sum, rest := binary.BigEndian.Uint32(b[at+4:]), b[at+head:]
		if length > int64(len(rest)) {
			return cutOff(at, length, sum, rest, table)
		}
		if crc32.Checksum(rest[:length], table) != sum {
			return fmt.Errorf("the record at %d has another checksum: %w", at, ErrDamaged)
		}
		at += head + int(length)
	}
	return nil
}

// cutOff tells whether the last record is really cut off: if it isn't, but its
// length is damaged, its checksum is that of some of the bytes that are there.
func cutOff(at int, length int64, sum uint32, rest []byte, table *crc32.Table) error {
	if len(bytes.Trim(rest, "\x00")) == 0 {
		return nil
	}
	var have uint32 // of the bytes before i
	for i := range len(rest) + 1 {
		if have == sum {
			return fmt.Errorf("the record at %d says that it has %d bytes, and has %d: %w", at, length, i, ErrDamaged)
		}
		if i < len(rest) {
			have = crc32.Update(have, table, rest[i:i+1])
		}
	}
	return nil
}
