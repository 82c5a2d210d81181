package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/table"
)

// maxSumLen bounds the checksum at the end of a table: a byte of tag and a varint.
const maxSumLen = 1 + binary.MaxVarintLen64

// checkTables reads Badger's tables before Badger does. In a table that was cut or
// changed, Badger believes whatever lengths it finds, and panics in a goroutine of its
// own. A table that isn't in the manifest may be cut: a crash left it, and Badger
// removes it.
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
			return err
		}
	}
	return nil
}

// checkTable reads a whole table.
func checkTable(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the table %s: %w: %w", path, ErrDamaged, err)
	} else if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = parseTable(f, info.Size())
	}
	if err != nil {
		return fmt.Errorf("the table %s: %w", path, err)
	}
	return nil
}

// parseTable proves a table: its blocks; the index of them, 4 bytes length of
// that, a checksum as protobuf (algorithm 0, CRC-32C, left out; field 2 the sum), 4
// bytes length of that.
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
	index := make([]byte, indexLen)
	if _, err := r.ReadAt(index, end-indexLen); err != nil {
		return err
	}
	if castagnoli(index) != want {
		return fmt.Errorf("its index of %d bytes has another checksum: %w", indexLen, ErrDamaged)
	}
	return parseBlocks(r, end-indexLen, index)
}

// parseBlocks proves the blocks that an index names. Each ends with a checksum and
// 4 bytes length of that, as the table does. Of some damage in them Badger panics in
// a goroutine of its own, and what it says of the rest has lost its kind.
func parseBlocks(r io.ReaderAt, size int64, index []byte) (err error) {
	at := int64(0)
	defer func() {
		if recover() != nil { // the index has its checksum, and isn't what it should be
			err = fmt.Errorf("its index of %d bytes can't be read: %w", len(index), ErrDamaged)
		}
	}()
	blocks := fb.GetRootAsTableIndex(index, 0)
	var block []byte
	for i := range blocks.OffsetsLength() {
		var b fb.BlockOffset
		blocks.Offsets(&b, i)
		if int64(b.Offset()) != at || int64(b.Len()) > size-at {
			return fmt.Errorf("its index has block %d of %d bytes at byte %d, where block %d begins at byte %d: %w", i, b.Len(), b.Offset(), i, at, ErrDamaged)
		}
		block = slices.Grow(block[:0], int(b.Len()))[:b.Len()]
		if _, err := r.ReadAt(block, at); err != nil {
			return err
		}
		if !wholeBlock(block) {
			return fmt.Errorf("the %d bytes at byte %d have another checksum: %w", len(block), at, ErrDamaged)
		}
		at += int64(len(block))
	}
	if at != size {
		return fmt.Errorf("its blocks end at byte %d, and its index begins at byte %d: %w", at, size, ErrDamaged)
	}
	return nil
}

func wholeBlock(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	end := int64(len(b) - 4)
	sumLen := int64(binary.BigEndian.Uint32(b[end:]))
	if sumLen > end {
		return false
	}
	want, ok := parseSum(b[end-sumLen : end])
	return ok && castagnoli(b[:end-sumLen]) == want
}

func castagnoli(b []byte) uint64 {
	return uint64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
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
