package files_test

import (
	"io"
	"math/rand/v2"
	"testing"

	"potluck"
	"potluck/caps"
	"potluck/files"
)

// hollow is a file of zeros that takes no memory.
type hollow struct{ size potluck.Size }

func (h hollow) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), int64(h.size)-off))
	clear(p[:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
func (h hollow) Size() potluck.Size { return h.size }
func (hollow) Check() error         { return nil }
func (hollow) Name() string         { return "hollow" }
func (hollow) Close() error         { return nil }

// BenchmarkSmallGet reads a few bytes at a random place of a file of 1 GiB, 3 of
// 5, over loopback; and one byte more than what units are asked for, which goes by
// blocks, as all reads would without slivers.
func BenchmarkSmallGet(b *testing.B) {
	const size = potluck.GiB
	c := newCircle(b, 5)
	r, err := c.files.Put(b.Context(), hollow{size}, files.PutOptions{K: 3, N: 5}, nil)
	if err != nil {
		b.Fatal(err)
	}
	cp := mustParse(b, r.Cap).(caps.Read)
	in := func() (n int64) {
		for _, t := range c.owner.net.Traffic() {
			n += t.In
		}
		return n
	}
	for name, n := range map[string]potluck.Size{"4KiB": 4 << 10, "64KiB": 64 << 10, "by-blocks": 64<<10 + 1} {
		b.Run(name, func(b *testing.B) {
			before := in()
			b.ReportAllocs()
			for b.Loop() {
				at := potluck.Size(rand.Int64N(int64(size-n)/4096)) * 4096
				if _, err := c.files.Get(b.Context(), cp, io.Discard, files.GetOptions{Offset: at, Length: n}, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(in()-before)/float64(b.N), "B-moved/op")
		})
	}
}
