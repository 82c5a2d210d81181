package files

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/shares"
)

// encoder turns stripes of a source into blocks. Its methods are safe for
// concurrent use on different stripes.
type encoder struct {
	src    Source
	layout potluck.Layout
	conv   *caps.Converger
	cipher *caps.Cipher
	code   *shares.Code
	// plain holds the fingerprint of each stripe's plaintext, under a seed that
	// nobody knows: made by hash, and compared before a stripe is enciphered, so
	// that a key never meets another plaintext than the one it was derived from,
	// whatever happens to the source meanwhile.
	plain []uint64
	seed  maphash.Seed
	// cross collects the digests of the ciphertext stripes.
	cross []potluck.Digest
}

func newEncoder(src Source, l potluck.Layout, secret caps.Secret) (*encoder, error) {
	code, err := shares.NewCode(l)
	if err != nil {
		return nil, fmt.Errorf("make the code: %w", err)
	}
	stripes := shares.Stripes(l)
	return &encoder{
		src: src, layout: l, code: code,
		conv:  caps.NewConverger(secret, l),
		plain: make([]uint64, stripes),
		seed:  maphash.MakeSeed(),
		cross: make([]potluck.Digest, stripes),
	}, nil
}

// hash reads the source once and returns its convergent key.
func (e *encoder) hash(ctx context.Context, workers int, r *reporter) (caps.Key, error) {
	pieces := make([]potluck.Digest, len(e.plain))
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan int64)
	g.Go(func() error {
		defer close(next)
		for i := range e.plain {
			select {
			case next <- int64(i):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range min(workers, len(e.plain)) {
		g.Go(func() error {
			buf := make([]byte, stripeBytes(e.layout, 0))
			for i := range next {
				piece := buf[:stripeBytes(e.layout, i)]
				if err := e.read(piece, i); err != nil {
					return err
				}
				pieces[i] = e.conv.Digest(piece)
				e.plain[i] = maphash.Bytes(e.seed, piece)
				r.add(potluck.Size(len(piece)))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return caps.Key{}, err
	}
	return e.conv.Key(pieces), nil
}

// use sets the key that fill enciphers with; it is called once, before fill.
func (e *encoder) use(k caps.Key) { e.cipher = caps.NewCipher(k) }

// fill reads, enciphers and encodes one stripe.
func (e *encoder) fill(s *stripe) error {
	data := s.backing[:s.bytes]
	if err := e.read(data, s.index); err != nil {
		return err
	}
	if maphash.Bytes(e.seed, data) != e.plain[s.index] {
		return &ChangedError{Name: e.src.Name()}
	}
	e.cipher.XOR(data, data, int64(stripeStart(e.layout, s.index)))
	clear(s.backing[s.bytes : len(s.blocks[0])*int(e.layout.K)])
	e.cross[s.index] = shares.Sum(data)
	if err := e.code.Encode(s.blocks); err != nil {
		return fmt.Errorf("encode stripe %d: %w", s.index, err)
	}
	close(s.ready)
	return nil
}

func (e *encoder) read(p []byte, index int64) error {
	n, err := e.src.ReadAt(p, int64(stripeStart(e.layout, index)))
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return &ChangedError{Name: e.src.Name()}
	}
	return fmt.Errorf("read the source: %w", err)
}

// crosscheck is the list of ciphertext stripe digests, as shares carry it.
func (e *encoder) crosscheck() []byte {
	list := make([]byte, 0, len(e.cross)*len(potluck.Digest{}))
	for i := range e.cross {
		list = append(list, e.cross[i][:]...)
	}
	return list
}
