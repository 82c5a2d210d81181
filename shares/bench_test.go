package shares

import (
	"bytes"
	"io"
	"testing"

	zeebo "github.com/zeebo/blake3"
	"lukechampine.com/blake3"
	"lukechampine.com/blake3/bao"

	"potluck"
)

// BenchmarkHash compares hashers of 1 MiB pieces: ours, and the libraries' flat
// hashes as the limit. Run with -cpu 1: one library starts goroutines.
func BenchmarkHash(b *testing.B) {
	piece := random(1 << 20)
	for _, c := range []struct {
		name string
		make func(int) io.Writer
	}{
		{"tree", func(n int) io.Writer { return NewHasher(potluck.Size(n) << 20) }},
		{"root", func(n int) io.Writer { return NewRootHasher(potluck.Size(n) << 20) }},
		{"limit-zeebo", func(int) io.Writer { return zeebo.New() }},
		{"limit-lukechampine", func(int) io.Writer { return blake3.New(32, nil) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(1 << 20)
			b.ReportAllocs()
			h := c.make(b.N)
			for range b.N {
				if _, err := h.Write(piece); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSum1400(b *testing.B) {
	piece := random(1400)
	b.SetBytes(1400)
	b.ReportAllocs()
	for b.Loop() {
		Sum(piece)
	}
}

func BenchmarkSlice(b *testing.B) {
	const size = 64 * potluck.MiB
	data := random(int(size))
	h := hashed(NewHasher(size), data, 1<<20)
	outboard := bytes.NewReader(h.Outboard())
	encoded := slice(b, data, 0, size)
	run := func(name string, do func() bool) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if !do() {
					b.Fatal("refused")
				}
			}
		})
	}
	run("make", func() bool {
		return Slice(io.Discard, bytes.NewReader(data), outboard, size, 0, size) == nil
	})
	run("verify", func() bool {
		return VerifySlice(io.Discard, bytes.NewReader(encoded), size, 0, size, h.Sum()) == nil
	})
	run("library-verify", func() bool {
		ok, err := bao.DecodeSlice(io.Discard, bytes.NewReader(encoded), GroupLog, 0, uint64(size), h.Sum())
		return ok && err == nil
	})
}

func BenchmarkCode(b *testing.B) {
	for _, c := range []struct {
		name string
		k, n int
	}{{"3-of-10", 3, 10}, {"7-of-10", 7, 10}, {"2-of-3", 2, 3}, {"25-of-100", 25, 100}} {
		l, err := NewLayout(c.k, c.n, potluck.GiB)
		if err != nil {
			b.Fatal(err)
		}
		code, err := NewCode(l)
		if err != nil {
			b.Fatal(err)
		}
		blocks := stripe(b, l, int(l.Block), 0)
		b.Run(c.name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(c.k) * int64(l.Block))
			b.ReportAllocs()
			for b.Loop() {
				if err := code.Encode(blocks); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/reconstruct", func(b *testing.B) {
			b.SetBytes(int64(c.k) * int64(l.Block))
			b.ReportAllocs()
			for b.Loop() {
				for i := range min(c.k, c.n-c.k) {
					blocks[i] = blocks[i][:0]
				}
				if err := code.Reconstruct(blocks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
