//go:build linux || darwin

package disk_test

import (
	"syscall"
	"testing"
	"time"

	"potluck"
	"potluck/shares"
	"potluck/shares/storetest"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPut creates and commits shares, durably, one after the other: small
// ones as a 4 KiB file at 3-of-10 has them, and large ones.
func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name string
		k    int
		size potluck.Size
	}{{"1.4KiB", 3, 4 * potluck.KiB}, {"64MiB", 1, 64 * potluck.MiB}} {
		b.Run(c.name, func(b *testing.B) {
			store := open(b, b.TempDir())
			l, err := shares.NewLayout(c.k, c.k+1, c.size)
			if err != nil {
				b.Fatal(err)
			}
			s := storetest.NewSet(b, l, 1)
			b.SetBytes(int64(shares.DataLen(l)))
			b.ReportAllocs()
			before := cpu(b)
			b.ResetTimer()
			for i := range b.N {
				put(b, store, s, i)
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// put puts share 0 of s under the i-th index.
func put(b *testing.B, store shares.Store, s *storetest.Set, i int) {
	h := s.Header(0)
	h.ID.Index = potluck.StorageIndex{byte(i), byte(i >> 8), byte(i >> 16), 1}
	m, err := shares.ParseManifest(s.Manifest)
	if err != nil {
		b.Fatal(err)
	}
	m.Index = h.ID.Index
	in, err := store.Create(ctx, h)
	if err != nil {
		b.Fatal(err)
	}
	for data := s.Data[0]; len(data) > 0; {
		n := min(len(data), 256<<10)
		if _, err := in.Write(data[:n]); err != nil {
			b.Fatal(err)
		}
		data = data[n:]
	}
	if _, err := in.Commit(ctx, m.Marshal(), s.Crosscheck); err != nil {
		b.Fatal(err)
	}
}
