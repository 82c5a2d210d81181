package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"potluck"
	"potluck/gateway/api"
)

// Bounds that the project sets itself, in MiB.
const (
	ownerBound = 150
	hostBound  = 120
)

// putGet puts a file of random bytes and gets it back, each run with another
// file, and prints the medians.
func (b *bench) putGet(ctx context.Context) (err error) {
	c, err := b.measured(ctx)
	if err != nil {
		return err
	}
	crowd, err := b.newCrowd(ctx, b.Hosts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.Close()) }()
	var puts, gets []usage
	for i := range b.Runs {
		put, get, err := b.round(ctx, crowd, byte(i+1))
		if err != nil {
			return err
		}
		puts, gets = append(puts, put), append(gets, get)
	}
	pl := putLimit(c, float64(b.Size), b.K, b.N, b.cores)
	gl := getLimit(c, float64(b.Size), b.cores)
	what := fmt.Sprintf("%v, %d-of-%d, %d hosts", potluck.Size(b.Size), b.K, b.N, b.Hosts)
	if err := b.out.arithmetic("limit of put: "+what, pl); err != nil {
		return err
	}
	if err := b.out.arithmetic("limit of get: "+what, gl); err != nil {
		return err
	}
	rows := append(pathRows("put", puts, pl), pathRows("get", gets, gl)...)
	b.addPeers(rows)
	return b.out.rows(rows...)
}

// pathRows gives the rows of one direction.
func pathRows(name string, runs []usage, l limit) []row {
	of := func(pick func(usage) float64) float64 {
		var all []float64
		for _, u := range runs {
			all = append(all, pick(u))
		}
		return median(all)
	}
	return []row{
		{Name: name, Value: of(func(u usage) float64 { return u.seconds }), Unit: "s", Limit: l.Seconds()},
		{Name: name + "/cpu", Value: of(func(u usage) float64 { return u.cpu }), Unit: "CPU s", Limit: l.CPU},
		{Name: name + "/owner-peak", Value: of(func(u usage) float64 { return u.ownerPeak }), Unit: "MiB", Limit: ownerBound, Note: "resident; limit: our own bound"},
		{Name: name + "/host-peak", Value: of(func(u usage) float64 { return u.hostPeak }), Unit: "MiB", Limit: hostBound, Note: "resident, the largest; limit: our own bound"},
	}
}

// round puts one file, gets it, compares and removes it.
func (b *bench) round(ctx context.Context, c *crowd, seed byte) (put, get usage, err error) {
	in, out := filepath.Join(b.dir, "in"), filepath.Join(b.dir, "out")
	if err := writeRandom(in, int64(b.Size), seed); err != nil {
		return put, get, err
	}
	m, err := startMeter(c)
	if err != nil {
		return put, get, err
	}
	start := time.Now()
	result, err := c.owner.API().Put(ctx, api.PutRequest{Path: in, K: b.K, N: b.N, Happy: min(b.N, b.Hosts)}, nil, nil)
	if err != nil {
		return put, get, fmt.Errorf("put: %w", err)
	}
	if put, err = m.read(time.Since(start).Seconds()); err != nil {
		return put, get, err
	}
	if len(result.Placed) != b.N || result.Reused != 0 {
		return put, get, fmt.Errorf("put placed %d of %d shares, %d of them reused", len(result.Placed), b.N, result.Reused)
	}
	if m, err = startMeter(c); err != nil {
		return put, get, err
	}
	start = time.Now()
	if _, err = c.owner.API().Get(ctx, api.GetRequest{Cap: result.Cap, Path: out}, nil, nil); err != nil {
		return put, get, fmt.Errorf("get: %w", err)
	}
	if get, err = m.read(time.Since(start).Seconds()); err != nil {
		return put, get, err
	}
	if err := sameFiles(in, out); err != nil {
		return put, get, err
	}
	if _, err := c.owner.API().Remove(ctx, result.Cap); err != nil {
		return put, get, fmt.Errorf("remove: %w", err)
	}
	return put, get, errors.Join(os.Remove(in), os.Remove(out))
}

// writeRandom makes a file of pseudo-random bytes. It is durable on return, so
// that its writing back doesn't disturb what is measured next.
func writeRandom(path string, bytes int64, seed byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{seed}), bytes); err != nil {
		return err
	}
	return f.Sync()
}

// sameFiles compares two files byte by byte.
func sameFiles(a, b string) error {
	fa, err := os.Open(a)
	if err != nil {
		return err
	}
	defer fa.Close()
	fb, err := os.Open(b)
	if err != nil {
		return err
	}
	defer fb.Close()
	ra, rb := bufio.NewReaderSize(fa, 1<<20), bufio.NewReaderSize(fb, 1<<20)
	ba, bb := make([]byte, 1<<20), make([]byte, 1<<20)
	for at := int64(0); ; {
		na, ea := io.ReadFull(ra, ba)
		nb, eb := io.ReadFull(rb, bb)
		if !bytes.Equal(ba[:na], bb[:nb]) || ea != eb {
			return fmt.Errorf("what came back differs from what was put, within 1 MiB from byte %d", at)
		}
		at += int64(na)
		if errors.Is(ea, io.EOF) || errors.Is(ea, io.ErrUnexpectedEOF) {
			return nil
		}
		if ea != nil {
			return ea
		}
	}
}
