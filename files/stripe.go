package files

import (
	"sync/atomic"

	"potluck"
	"potluck/shares"
)

// stripeMemory bounds the bytes of all stripes of one put that are in memory at
// once. It is what the putting process pays for not waiting on each host.
const stripeMemory = 12 << 20

// stripe is one stripe on its way out: n blocks of equal length, the first k of
// which are ciphertext. It belongs to the encoder until it is handed to the
// senders, which only read it; the last to release it gives it back to the pool.
type stripe struct {
	index   int64
	blocks  [][]byte      // n blocks, views of backing
	bytes   potluck.Size  // bytes of the file in it
	ready   chan struct{} // closed when the blocks are made
	readers atomic.Int32
	backing []byte
	home    chan<- *stripe
	done    func(potluck.Size)
}

// release says that one reader is done with the stripe.
func (s *stripe) release() {
	if s.readers.Add(-1) == 0 {
		s.done(s.bytes)
		s.home <- s
	}
}

// newPool makes the stripes of a put: enough to keep the workers and the
// streams busy, within stripeMemory, and no more than the file has.
func newPool(l potluck.Layout, workers int, done func(potluck.Size)) chan *stripe {
	block := shares.BlockLen(l, 0)
	size := max(1, int(l.N)*block)
	count := min(max(workers+2, stripeMemory/size), 64)
	count = int(min(int64(count), shares.Stripes(l)))
	pool := make(chan *stripe, count)
	for range count {
		pool <- &stripe{
			backing: make([]byte, size),
			blocks:  make([][]byte, l.N),
			home:    pool,
			done:    done,
		}
	}
	return pool
}

// begin makes the stripe ready to be filled as number index of layout l.
func (s *stripe) begin(l potluck.Layout, index int64) {
	s.index = index
	s.bytes = stripeBytes(l, index)
	s.ready = make(chan struct{})
	block := shares.BlockLen(l, index)
	for i := range s.blocks {
		s.blocks[i] = s.backing[i*block : (i+1)*block : (i+1)*block]
	}
}

// stripeStart is the offset in the file of a stripe's first byte.
func stripeStart(l potluck.Layout, index int64) potluck.Size {
	return potluck.Size(index) * potluck.Size(l.K) * potluck.Size(l.Block)
}

// stripeBytes is how many bytes of the file a stripe holds.
func stripeBytes(l potluck.Layout, index int64) potluck.Size {
	return min(potluck.Size(l.K)*potluck.Size(l.Block), l.Size-stripeStart(l, index))
}
