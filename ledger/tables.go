package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"
)

// maxSumLen bounds the checksum at the end of a table: a byte of tag and a varint.
const maxSumLen = 1 + binary.MaxVarintLen64

// checkTables reads the ends of Badger's tables before Badger does. In a table that
// was cut, Badger believes whatever lengths lie at its end, and panics in a goroutine
// of its own. A table that isn't in the manifest may be cut: a crash left it, and
// Badger removes it.
func checkTables(dir string, o badger.Options) error {
	f, err := os.Open(manifestPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	m, _, err := badger.ReplayManifestFile(f, o.ExternalMagicVersion, o)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", badger.ManifestFilename, err, ErrDamaged)
	}
	for id := range m.Tables {
		if err := checkTable(table.NewFilename(id, dir)); err != nil {
			return fmt.Errorf("table %d: %w", id, err)
		}
	}
	return nil
}

func checkTable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("it is missing: %w", ErrDamaged)
	} else if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return parseTable(f, info.Size())
}

// parseTable proves the end of a table: the index of its blocks, 4 bytes length of
// that, a checksum as protobuf (algorithm 0, CRC-32C, left out; field 2 the sum), 4
// bytes length of that. Badger verifies the blocks.
func parseTable(r io.ReaderAt, size int64) error {
	wrong := fmt.Errorf("its end, at byte %d, isn't that of a table: %w", size, ErrDamaged)
	last := make([]byte, min(size, 4+maxSumLen+4))
	if len(last) < 8 {
		return wrong
	}
	if _, err := r.ReadAt(last, size-int64(len(last))); err != nil {
		return err
	}
	sumLen := int64(binary.BigEndian.Uint32(last[len(last)-4:]))
	if sumLen > int64(len(last)-8) {
		return wrong
	}
	sumAt := len(last) - 4 - int(sumLen)
	want, ok := parseSum(last[sumAt : len(last)-4])
	indexLen := int64(binary.BigEndian.Uint32(last[sumAt-4:]))
	end := size - int64(len(last)) + int64(sumAt) - 4
	if !ok || indexLen == 0 || indexLen > end {
		return wrong
	}
	have := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(have, io.NewSectionReader(r, end-indexLen, indexLen)); err != nil {
		return err
	}
	if uint64(have.Sum32()) != want {
		return fmt.Errorf("its index of %d bytes has another checksum: %w", indexLen, ErrDamaged)
	}
	return nil
}

// parseSum reads a checksum; one of 0 is written as nothing.
func parseSum(b []byte) (sum uint64, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	const tag = 2 << 3 // field 2, a varint
	sum, n := binary.Uvarint(b[1:])
	return sum, b[0] == tag && n == len(b)-1
}
