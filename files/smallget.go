package files

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/shares"
)

// smallRead is up to how many bytes a read of a part of a file asks for the units
// of 16 KiB that they lie in, rather than for whole blocks of k shares.
const smallRead = 64 * potluck.KiB

// maxMorsels bounds the slivers of one small read.
const maxMorsels = 4

// morsel is a part of a small read that lies in one block and in one sliver.
type morsel struct {
	number   potluck.ShareNumber // of the data share
	from, to potluck.Size        // of that share's data
	at       potluck.Size        // where it lies in the file
}

// morsels cuts a read into slivers, or gives nil for one that is better read by
// blocks: it is long, or has a whole stripe, which can then be checked against the
// crosscheck; or shares are so small that slices are no longer than slivers.
func (g *get) morsels() []morsel {
	l := g.layout
	if g.to-g.from > smallRead || shares.DataLen(l) <= shares.Unit {
		return nil
	}
	var list []morsel
	for at := g.from; at < g.to; {
		i := g.stripeAt(at)
		start, block := stripeStart(l, i), potluck.Size(shares.BlockLen(l, i))
		if g.from <= start && g.to >= start+potluck.Size(shares.StripeLen(l, i)) || len(list) == maxMorsels {
			return nil
		}
		j, in := (at-start)/block, (at-start)%block
		from := potluck.Size(i)*potluck.Size(l.Block) + in
		n := min(g.to-at, block-in, (from/shares.Unit+shares.MaxUnits)*shares.Unit-from, start+potluck.Size(shares.StripeLen(l, i))-at)
		list = append(list, morsel{number: potluck.ShareNumber(j), from: from, to: from + n, at: at})
		at += n
	}
	return list
}

// slice is what a morsel needs of a share: its own, or another to decode it from.
func (g *get) slice(m morsel, h holding) Slice {
	first := m.from / shares.Unit * shares.Unit
	end := min((m.to+shares.Unit-1)/shares.Unit*shares.Unit, shares.DataLen(g.layout))
	return Slice{Host: h.host, Share: potluck.ShareID{Index: g.file.Index, Number: h.Number}, Layout: g.layout, Offset: first, Length: end - first}
}

// nibble reads morsels, while it asks for the manifest that verifies them, and
// writes them. few tells that these slivers can't be had: blocks may still.
func (g *get) nibble(ctx context.Context, dst io.Writer) (written potluck.Size, few bool, err error) {
	list := g.small
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	known := make(chan struct{}) // closed when the manifest is there
	parts, errs := make([][]byte, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i, m := range list {
		all.Go(func() { parts[i], errs[i] = g.morsel(ctx, m, known) })
	}
	if err = g.knowManifest(ctx); err != nil {
		cancel(err)
	} else {
		close(known)
	}
	all.Wait()
	if err != nil {
		return 0, false, err
	}
	cipher := caps.NewCipher(g.key)
	for i, m := range list {
		if errs[i] != nil {
			return written, context.Cause(ctx) == nil, errs[i]
		}
		cipher.XOR(parts[i], parts[i], int64(m.at))
		n, err := dst.Write(parts[i])
		written += potluck.Size(n)
		g.report.add(potluck.Size(n))
		if err != nil {
			return written, false, fmt.Errorf("write the file: %w", err)
		}
	}
	return written, false, nil
}

// morsel gives the ciphertext of a morsel: from its own share, or when that can't
// be had soon from any k others. What comes first is taken.
func (g *get) morsel(ctx context.Context, m morsel, known <-chan struct{}) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		units []byte
		err   error
	}
	found := make(chan outcome, 2) // neither sender waits, each ends with ctx
	try := func(f func(context.Context, morsel, <-chan struct{}) ([]byte, error)) {
		units, err := f(ctx, m, known)
		found <- outcome{units, err}
	}
	go try(g.straight)
	late := time.NewTimer(patience)
	defer late.Stop()
	for open, decoding := 1, false; ; {
		var o outcome
		select {
		case o = <-found:
			open--
		case <-late.C:
			o.err = errSlow
		}
		if o.err == nil {
			skip := m.from % shares.Unit
			return o.units[skip : skip+m.to-m.from], nil
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !decoding:
			decoding, open = true, open+1
			go try(g.roundabout)
		case open == 0:
			return nil, o.err
		}
	}
}

// straight gives the units of a morsel from a holder of its own share.
func (g *get) straight(ctx context.Context, m morsel, known <-chan struct{}) ([]byte, error) {
	err := g.pool.notEnough(int(g.layout.K))
	for _, h := range g.pool.list() {
		if h.Number != m.number {
			continue
		}
		var units []byte
		if units, err = g.units(ctx, m, h, known); err == nil {
			return units, nil
		}
	}
	return nil, err
}

// roundabout gives the units of a morsel from those of k other shares. That these
// are of one codeword only their writer knows: a read of whole stripes proves it.
func (g *get) roundabout(ctx context.Context, m morsel, known <-chan struct{}) ([]byte, error) {
	code, err := shares.NewCode(g.layout)
	if err != nil {
		return nil, err
	}
	list := g.pool.list()
	queue := make(chan holding, len(list))
	for _, h := range list {
		if h.Number != m.number {
			queue <- h
		}
	}
	close(queue)
	var mu sync.Mutex
	blocks, asked := make([][]byte, g.layout.N), make([]bool, g.layout.N)
	var k errgroup.Group // each brings one share, from whoever has it
	for range g.layout.K {
		k.Go(func() error {
			for h := range queue {
				mu.Lock()
				taken := asked[h.Number]
				asked[h.Number] = true
				mu.Unlock()
				if taken {
					continue
				}
				units, err := g.units(ctx, m, h, known)
				mu.Lock()
				blocks[h.Number], asked[h.Number] = units, err == nil
				mu.Unlock()
				if err == nil {
					return nil
				}
			}
			return g.pool.notEnough(int(g.layout.K))
		})
	}
	if err := k.Wait(); err != nil {
		return nil, err
	}
	if err := code.Reconstruct(blocks); err != nil {
		return nil, fmt.Errorf("decode units from byte %d of share %d: %w", m.from, m.number, err)
	}
	return blocks[m.number], nil
}

// units has one holder give what a morsel needs of its share.
func (g *get) units(ctx context.Context, m morsel, h holding, known <-chan struct{}) ([]byte, error) {
	s := g.slice(m, h)
	sliver, err := g.client.sliver(ctx, s)
	if err == nil {
		select {
		case <-known:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		s.Root = g.manifest.Roots[h.Number]
		var units []byte
		if units, err = s.open(sliver); err == nil {
			g.pool.brought(h.host, potluck.Size(len(units)))
			return units, nil
		}
	}
	if Missing(err) {
		g.pool.drop(h, err)
	}
	return nil, err
}

// reach tells whether each morsel has a holder of its own share.
func (s *sources) reach(list []morsel) bool {
	for _, m := range list {
		if !slices.ContainsFunc(s.list(), func(h holding) bool { return h.Number == m.number }) {
			return false
		}
	}
	return true
}

// brought notes bytes that came from a host outside of any lane.
func (s *sources) brought(host peer.ID, n potluck.Size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes[host] += n
}
