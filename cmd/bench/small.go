package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"potluck/gateway/api"
)

// smallSize is the length of each file that "small" puts.
const smallSize = 4 << 10

// small puts many small files one after the other through the API.
func (b *bench) small(ctx context.Context) (err error) {
	c, err := b.measured(ctx)
	if err != nil {
		return err
	}
	crowd, err := b.newCrowd(ctx, b.Hosts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, crowd.Close()) }()
	var seconds, cpu []float64
	for run := range b.Runs {
		u, err := b.putMany(ctx, crowd, byte(run+1))
		if err != nil {
			return err
		}
		seconds, cpu = append(seconds, u.seconds), append(cpu, u.cpu)
	}
	l := smallLimit(c, b.Hosts, b.cores)
	files := float64(b.Files)
	rows := []row{
		{Name: "small", Value: files / median(seconds), Unit: "files/s", Limit: 1 / l.Seconds(), More: true,
			Note: fmt.Sprintf("%d files of 4 KiB one after the other, %d-of-%d, every byte durable", b.Files, b.K, b.N)},
		{Name: "small/cpu", Value: median(cpu) / files * 1e3, Unit: "CPU ms a file", Limit: l.CPU * 1e3},
	}
	if note, ok := peers[b.work()+"/small"]; ok {
		rows[0].Note += "; " + note
	}
	return b.out.rows(rows...)
}

func (b *bench) putMany(ctx context.Context, c *crowd, seed byte) (usage, error) {
	random := rand.NewChaCha8([32]byte{seed, 1})
	data := make([]byte, smallSize)
	m, err := startMeter(c)
	if err != nil {
		return usage{}, err
	}
	start := time.Now()
	for i := range b.Files {
		random.Read(data) // never fails
		r := api.PutRequest{Name: fmt.Sprintf("file-%d", i), K: b.K, N: b.N, Happy: min(b.N, b.Hosts)}
		result, err := c.owner.API().Put(ctx, r, bytes.NewReader(data), nil)
		if err != nil {
			return usage{}, fmt.Errorf("file %d of %d: %w", i+1, b.Files, err)
		}
		if len(result.Placed) != b.N {
			return usage{}, fmt.Errorf("file %d of %d: %d of %d shares were placed", i+1, b.Files, len(result.Placed), b.N)
		}
	}
	return m.read(time.Since(start).Seconds())
}
