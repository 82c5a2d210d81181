package main

import (
	"context"

	"potluck"
	"potluck/shares"
)

// measured gives the costs, which are measured when they are first asked for.
func (b *bench) measured(ctx context.Context) (costs, error) {
	if b.costs != nil {
		return *b.costs, nil
	}
	layout, err := shares.NewLayout(b.K, b.N, potluck.Size(b.Size))
	if err != nil {
		return costs{}, err
	}
	var c costs
	block := int(layout.Block)
	for _, m := range []struct {
		to   *float64
		cost func() (float64, error)
	}{
		{&c.Cipher, cipherCost},
		{&c.Code, func() (float64, error) { return codeCost(b.K, b.N, block) }},
		{&c.Decode, func() (float64, error) { return decodeCost(b.K, b.N, block) }},
		{&c.Hash, hashCost},
	} {
		if *m.to, err = middle(3, m.cost); err != nil {
			return c, err
		}
	}
	if err := b.measureStreams(ctx, &c); err != nil {
		return c, err
	}
	if err := b.measureDisk(&c); err != nil {
		return c, err
	}
	b.costs = &c
	return c, nil
}

func (b *bench) measureStreams(ctx context.Context, c *costs) (err error) {
	var requests []float64
	c.Stream, err = middle(3, func() (float64, error) {
		perByte, perRequest, err := streamCosts(ctx)
		requests = append(requests, perRequest)
		return perByte, err
	})
	if err == nil {
		c.Request = median(requests)
	}
	return err
}

func (b *bench) measureDisk(c *costs) (err error) {
	spread := int64(b.Size) * int64(b.N) / int64(b.K)
	for _, m := range []struct {
		wall, cpu *float64
		bytes     int64
		files     int
	}{{&c.DiskPut, &c.DiskPutCPU, spread, b.Hosts}, {&c.DiskGet, &c.DiskGetCPU, int64(b.Size), 1}} {
		var cpus []float64
		*m.wall, err = middle(b.Runs, func() (float64, error) {
			wall, cpu, err := diskWrite(b.dir, m.bytes, m.files)
			cpus = append(cpus, cpu)
			return wall, err
		})
		if err != nil {
			return err
		}
		*m.cpu = median(cpus)
	}
	c.Sync, err = middle(3, func() (float64, error) { return syncWait(b.dir, b.Hosts) })
	return err
}

// middle measures several times and gives the median.
func middle(times int, measure func() (float64, error)) (float64, error) {
	var all []float64
	for range times {
		v, err := measure()
		if err != nil {
			return 0, err
		}
		all = append(all, v)
	}
	return median(all), nil
}

// limits prints what the machine can do.
func (b *bench) limits(ctx context.Context) error {
	c, err := b.measured(ctx)
	if err != nil {
		return err
	}
	rate := func(name string, perByte float64, note string) row {
		r := row{Name: "limits/" + name, Unit: "MB/s a core", More: true, Note: note}
		if perByte > 0 {
			r.Value = 1 / perByte / 1e6
		}
		return r
	}
	spread := float64(b.Size) * float64(b.N) / float64(b.K)
	return b.out.rows(
		rate("cipher", c.Cipher, "XSalsa20 xor AES-256-CTR"),
		rate("encode", c.Code, "Reed-Solomon, bytes of the file"),
		rate("decode", c.Decode, "Reed-Solomon, as many data blocks missing as can be"),
		rate("blake3", c.Hash, ""),
		rate("stream", c.Stream, "libp2p over TCP and TLS, CPU of both ends"),
		row{Name: "limits/request", Value: c.Request * 1e6, Unit: "us CPU", Note: "libp2p request on a new stream, both ends"},
		row{Name: "limits/disk-put", Value: spread / c.DiskPut / 1e6, Unit: "MB/s", More: true, Note: "all shares, one file a host, with fsync"},
		row{Name: "limits/disk-get", Value: float64(b.Size) / c.DiskGet / 1e6, Unit: "MB/s", More: true, Note: "one file, with fsync"},
		row{Name: "limits/sync", Value: c.Sync * 1e3, Unit: "ms", Note: "append of 4 KiB with fsync, all hosts at once"},
	)
}
