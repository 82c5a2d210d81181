//go:build linux || darwin

package disk_test

import (
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"

	"potluck"
)

// BenchmarkNames lists the names of 50,000 shares. What it takes of memory is one
// directory's part of them, however many there are.
func BenchmarkNames(b *testing.B) {
	const count = 50_000
	dir := b.TempDir()
	store := open(b, dir)
	defer store.Close()
	for i := range uint64(count) {
		var id potluck.ShareID
		binary.BigEndian.PutUint64(id.Index[:], i*0x9e3779b97f4a7c15)
		write(b, filepath.Join(dir, hex.EncodeToString(id.Index[:1]), id.Index.String()+".0"), nil)
	}
	b.ReportAllocs()
	for b.Loop() {
		seen := 0
		err := store.Names(b.Context(), potluck.ShareID{}, func(potluck.ShareID) error { seen++; return nil })
		if err != nil || seen != count {
			b.Fatalf("%d names, %v", seen, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/count, "µs/name")
}
