package files

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/p2p"
	"potluck/shares"
)

// maxCrosscheck bounds the crosscheck list that is kept in memory: 4 MiB serve
// 96 GiB at 3-of-n. A whole read of a longer file checks the list at its end.
const maxCrosscheck = 4 * potluck.MiB

// buffers gives out block buffers. Safe for concurrent use.
type buffers struct {
	pool sync.Pool
	size int
}

func newBuffers(size int) *buffers { return &buffers{size: size} }

func (b *buffers) get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, b.size)
}

func (b *buffers) put(p []byte) {
	p = p[:cap(p)]
	b.pool.Put(&p)
}

// piece is one stripe on its way in.
type piece struct {
	index  int64
	blocks [][]byte // n; those that came are filled
	digest potluck.Digest
	ready  chan struct{}
}

// stream runs the lanes and writes the range to dst.
//
//	k lanes → assembler → workers (decode, check, decipher) → writer
//
// Every goroutine ends with the last stripe, with the first error, or with ctx.
func (g *get) stream(ctx context.Context, dst io.Writer) (potluck.Size, error) {
	cross, err := g.crosscheck(ctx)
	if err != nil {
		return 0, err
	}
	code, err := shares.NewCode(g.layout)
	if err != nil {
		return 0, fmt.Errorf("make the code: %w", err)
	}
	g.buffers = newBuffers(shares.BlockLen(g.layout, 0))
	workers := g.client.c.Workers
	group, ctx := errgroup.WithContext(ctx)
	lanes := make([]*lane, g.layout.K)
	for i := range lanes {
		lanes[i] = &lane{get: g, out: make(chan block, laneDepth)}
		group.Go(func() error { return lanes[i].run(ctx) })
	}
	jobs, order := make(chan *piece), make(chan *piece, workers+4)
	group.Go(func() error { return g.assemble(ctx, lanes, jobs, order) })
	cipher := caps.NewCipher(g.key)
	for range workers {
		group.Go(func() error {
			checker := shares.NewCrosscheck(g.layout)
			for p := range jobs {
				if err := g.decode(p, code, checker, cross); err != nil {
					return err
				}
				g.decipher(p, cipher)
				close(p.ready)
			}
			return nil
		})
	}
	var written potluck.Size
	group.Go(func() (err error) {
		written, err = g.write(ctx, dst, order, cross == nil)
		return err
	})
	err = group.Wait()
	return written, err
}

// assemble joins the lanes' blocks to stripes.
func (g *get) assemble(ctx context.Context, lanes []*lane, jobs, order chan<- *piece) error {
	defer close(jobs)
	defer close(order)
	for i := g.first; i <= g.last; i++ {
		p := &piece{index: i, blocks: make([][]byte, g.layout.N), ready: make(chan struct{})}
		for _, l := range lanes {
			select {
			case b, ok := <-l.out:
				if !ok {
					return nil // the lane's own error tells why
				}
				p.blocks[b.number] = b.data
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		for _, to := range []chan<- *piece{order, jobs} {
			select {
			case to <- p:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// decode makes the data blocks of a stripe, and compares them with the
// crosscheck where it is at hand.
func (g *get) decode(p *piece, code *shares.Code, checker *shares.Crosscheck, cross []byte) error {
	missing := false
	for i := range int(g.layout.K) {
		if p.blocks[i] == nil {
			missing = true
			p.blocks[i] = g.buffers.get()[:0]
		}
	}
	if missing {
		if err := code.Reconstruct(p.blocks); err != nil {
			return fmt.Errorf("decode stripe %d: %w", p.index, err)
		}
	}
	digest, err := checker.Stripe(p.index, p.blocks)
	if err != nil {
		return fmt.Errorf("check stripe %d: %w", p.index, err)
	}
	p.digest = digest
	if cross != nil && string(cross[p.index*32:(p.index+1)*32]) != string(digest[:]) {
		return &DamageError{fmt.Sprintf("its shares don't make one file (stripe %d)", p.index)}
	}
	for i := int(g.layout.K); i < len(p.blocks); i++ {
		if p.blocks[i] != nil {
			g.buffers.put(p.blocks[i])
			p.blocks[i] = nil
		}
	}
	return nil
}

func (g *get) decipher(p *piece, cipher *caps.Cipher) {
	offset := int64(stripeStart(g.layout, p.index))
	for _, b := range p.blocks[:g.layout.K] {
		cipher.XOR(b, b, offset)
		offset += int64(len(b))
	}
}

// write writes the stripes in order, cut to the range. With checkList it
// compares the digests of all stripes, which then are the whole file's, with the
// manifest before it writes the last one.
func (g *get) write(ctx context.Context, dst io.Writer, order <-chan *piece, checkList bool) (potluck.Size, error) {
	var written potluck.Size
	list := shares.NewRootHasher(shares.CrosscheckLen(g.layout))
	for p := range order {
		select {
		case <-p.ready:
		case <-ctx.Done():
			return written, context.Cause(ctx)
		}
		if checkList {
			list.Write(p.digest[:])
			if p.index == g.last && list.Sum() != g.manifest.Crosscheck {
				return written, &DamageError{"its shares don't make one file"}
			}
		}
		start := stripeStart(g.layout, p.index)
		for _, b := range p.blocks[:g.layout.K] {
			end := min(start+potluck.Size(len(b)), g.to)
			if from := max(start, g.from); from < end {
				n, err := dst.Write(b[from-start : end-start])
				written += potluck.Size(n)
				g.report.add(potluck.Size(n))
				if err != nil {
					return written, fmt.Errorf("write the file: %w", err)
				}
			}
			start += potluck.Size(len(b))
			g.buffers.put(b)
		}
	}
	return written, nil
}

// crosscheck fetches the list of stripe hashes. It is nil where the read covers
// the whole file, and the list is short enough to be made anew (one stripe) or
// too long to be kept: write checks it then.
func (g *get) crosscheck(ctx context.Context) ([]byte, error) {
	whole := g.first == 0 && g.last == shares.Stripes(g.layout)-1
	size := shares.CrosscheckLen(g.layout)
	if whole && (g.last == 0 || size > maxCrosscheck) {
		return nil, nil
	}
	for _, h := range g.pool.list() {
		list, err := g.client.fetch(ctx, h.host, p2p.ReadRequest{Index: g.file.Index, Number: h.Number, Part: p2p.PartCrosscheck}, size)
		if err == nil && shares.Sum(list) != g.manifest.Crosscheck {
			err = &wrongError{"sent another crosscheck than the manifest names"}
		}
		if err == nil {
			return list, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		g.pool.drop(h, err)
	}
	return nil, g.pool.notEnough(int(g.layout.K))
}
