package caps

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"
	"time"

	"golang.org/x/crypto/salsa20"

	"potluck"
)

// bare is the limit: both library calls over the whole buffer, no segments.
func bare(dst, src []byte, key *[32]byte, block cipher.Block) {
	var nonce [24]byte
	var counter [16]byte
	salsa20.XORKeyStream(dst, src, nonce[:], key)
	cipher.NewCTR(block, counter[:]).XORKeyStream(dst, dst)
}

func BenchmarkXOR(b *testing.B) {
	for _, v := range []struct {
		name   string
		size   int
		offset int64
	}{{"1KiB", 1 << 10, 0}, {"64KiB", 64 << 10, 0}, {"1MiB", 1 << 20, 0}, {"8MiB", 8 << 20, 0}, {"1MiB-unaligned", 1 << 20, 1000}} {
		b.Run(v.name, func(b *testing.B) {
			c, src, dst := NewCipher(Key{}), make([]byte, v.size), make([]byte, v.size)
			b.SetBytes(int64(v.size))
			b.ReportAllocs()
			for b.Loop() {
				c.XOR(dst, src, v.offset)
			}
		})
	}
}

func BenchmarkBareTwoPass(b *testing.B) {
	for _, size := range []int{1 << 20, 8 << 20} {
		b.Run(fmt.Sprintf("%dMiB", size>>20), func(b *testing.B) {
			var key [32]byte
			block, _ := aes.NewCipher(key[:])
			src, dst := make([]byte, size), make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				bare(dst, src, &key, block)
			}
		})
	}
}

// BenchmarkRatio takes turns between XOR and the bare passes, so that whatever
// else the machine does slows both, and reports XOR's speed as a part of theirs.
func BenchmarkRatio(b *testing.B) {
	const size = 1 << 20
	var key [32]byte
	block, _ := aes.NewCipher(key[:])
	c, src, dst := NewCipher(Key{}), make([]byte, size), make([]byte, size)
	var limit, ours time.Duration
	for b.Loop() {
		t := time.Now()
		bare(dst, src, &key, block)
		limit += time.Since(t)
		t = time.Now()
		c.XOR(dst, src, 0)
		ours += time.Since(t)
	}
	b.ReportMetric(float64(limit)/float64(ours), "ratio")
	b.ReportMetric(float64(b.N)*size/1e6/ours.Seconds(), "XOR-MB/s")
	b.ReportMetric(float64(b.N)*size/1e6/limit.Seconds(), "bare-MB/s")
}

func BenchmarkConvergerDigest(b *testing.B) {
	for _, l := range []potluck.Layout{
		{Suite: 1, K: 1, N: 3, Block: 1 << 10},
		{Suite: 1, K: 3, N: 10, Block: 64 << 10},
		{Suite: 1, K: 3, N: 10, Block: 256 << 10},
	} {
		l.Size = potluck.Size(l.K) * potluck.Size(l.Block)
		b.Run(fmt.Sprintf("%dx%dKiB", l.K, l.Block>>10), func(b *testing.B) {
			c, piece := NewConverger(Secret{}, l), make([]byte, l.Size)
			b.SetBytes(int64(l.Size))
			b.ReportAllocs()
			for b.Loop() {
				c.Digest(piece)
			}
		})
	}
}

func BenchmarkNewCipher(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewCipher(Key{1})
	}
}

func BenchmarkParse(b *testing.B) {
	text := Read{Layout: potluck.Layout{Suite: 1, K: 3, N: 10, Block: 1 << 18, Size: 1 << 30}}.Text()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
