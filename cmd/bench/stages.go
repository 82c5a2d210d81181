package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/reedsolomon"
	"github.com/zeebo/blake3"
	"golang.org/x/crypto/salsa20"
	"golang.org/x/sys/unix"
)

// The stages are measured on the bare libraries, not on this project's use of
// them: the limit is what the machine could do, so that our own overhead shows.

// stageTime is how long each stage is measured.
const stageTime = 300 * time.Millisecond

// busyCPU runs work on every core at once for about stageTime, and gives the CPU
// seconds per byte: what the stage costs when all cores are busy, as they are on
// the whole path. newWork makes one core's work, which tells how many bytes it
// handled.
func busyCPU(newWork func() (func() int, error)) (float64, error) {
	works := make([]func() int, runtime.NumCPU())
	for i := range works {
		work, err := newWork()
		if err != nil {
			return 0, err
		}
		work() // warms caches and tables up
		works[i] = work
	}
	before, err := cpuTime()
	if err != nil {
		return 0, err
	}
	var bytes atomic.Int64
	var wg sync.WaitGroup
	for _, work := range works {
		wg.Go(func() {
			for start := time.Now(); time.Since(start) < stageTime; {
				bytes.Add(int64(work()))
			}
		})
	}
	wg.Wait()
	after, err := cpuTime()
	return (after - before).Seconds() / float64(bytes.Load()), err
}

// cpuTime gives user and system time of this process so far.
func cpuTime() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read own CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// randomBytes fills a new slice from a fixed seed, so that runs are alike.
func randomBytes(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// cipherCost is XSalsa20 xor AES-256-CTR in segments of 64 KiB, each with its
// own nonce and counter.
func cipherCost() (float64, error) {
	const segment = 64 << 10
	return busyCPU(func() (func() int, error) {
		buf := randomBytes(1<<20, 1)
		key := [32]byte(randomBytes(32, 2))
		block, err := aes.NewCipher(randomBytes(32, 3))
		var index uint64
		return func() int {
			for at := 0; at < len(buf); at += segment {
				var nonce [24]byte
				var counter [16]byte
				binary.BigEndian.PutUint64(nonce[16:], index)
				binary.BigEndian.PutUint64(counter[:8], index)
				index++
				piece := buf[at : at+segment]
				salsa20.XORKeyStream(piece, piece, nonce[:], &key)
				cipher.NewCTR(block, counter[:]).XORKeyStream(piece, piece)
			}
			return len(buf)
		}, err
	})
}

// codeCost is encoding k blocks into n, per byte of data.
func codeCost(k, n, block int) (float64, error) {
	if n == k {
		return 0, nil
	}
	return busyCPU(func() (func() int, error) {
		code, blocks, err := newCode(k, n, block)
		return func() int {
			if code.Encode(blocks) != nil {
				return 0 // an infinite cost is noticed
			}
			return k * block
		}, err
	})
}

// decodeCost is rebuilding as many data blocks as there are parity blocks for,
// per byte of data.
func decodeCost(k, n, block int) (float64, error) {
	lost := min(k, n-k)
	if lost == 0 {
		return 0, nil
	}
	return busyCPU(func() (func() int, error) {
		code, blocks, err := newCode(k, n, block)
		if err == nil {
			err = code.Encode(blocks)
		}
		for i := k + lost; i < n; i++ {
			blocks[i] = blocks[i][:0]
		}
		return func() int {
			for i := range lost {
				blocks[i] = blocks[i][:0]
			}
			if code.ReconstructData(blocks) != nil {
				return 0 // an infinite cost is noticed
			}
			return k * block
		}, err
	})
}

func newCode(k, n, block int) (reedsolomon.Encoder, [][]byte, error) {
	code, err := reedsolomon.New(k, n-k, reedsolomon.WithMaxGoroutines(1))
	blocks := make([][]byte, n)
	for i := range blocks {
		blocks[i] = randomBytes(block, byte(i))
	}
	return code, blocks, err
}

// hashCost is BLAKE3 of a stream that comes in pieces of 256 KiB.
func hashCost() (float64, error) {
	return busyCPU(func() (func() int, error) {
		buf := randomBytes(256<<10, 4)
		h := blake3.New()
		return func() int {
			n, _ := h.Write(buf) // a hash never fails
			return n
		}, nil
	})
}
