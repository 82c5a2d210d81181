package p2p

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	benchBare  = "/bench/bare/1"
	benchBytes = 32 << 20
	benchWrite = 256 << 10
)

func swallow(r io.Reader) (n int64, err error) {
	buf := make([]byte, benchWrite)
	for {
		m, err := r.Read(buf)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

func pour(w io.Writer, n int) error {
	for buf := make([]byte, benchWrite); n > 0; n -= len(buf) {
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// sendBare moves benchBytes over a libp2p stream as it is and waits for one byte back.
func sendBare(b *testing.B, client, server *node) {
	s, err := client.basic.NewStream(b.Context(), server.ID(), benchBare)
	if err != nil {
		b.Fatal(err)
	}
	if err := pour(s, benchBytes); err != nil {
		b.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	_ = s.Close()
}

func sendWrite(b *testing.B, client, server *node) {
	w, err := client.Write(b.Context(), server.ID(), WriteRequest{Layout: layout, Length: benchBytes})
	if err != nil {
		b.Fatal(err)
	}
	if err := pour(w, benchBytes); err != nil {
		b.Fatal(err)
	}
	if _, err := w.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func fetchRead(b *testing.B, client, server *node) {
	_, body, err := client.Read(b.Context(), server.ID(), ReadRequest{Part: PartData, Length: benchBytes})
	if err != nil {
		b.Fatal(err)
	}
	if n, err := swallow(body); n != benchBytes || err != io.EOF {
		b.Fatal(n, err)
	}
	_ = body.Close()
}

// BenchmarkBulk moves the same bytes in turns over a bare stream, by Write and
// by Read, and gives the speed of each and the ratio to the bare stream.
func BenchmarkBulk(b *testing.B) {
	for _, transport := range []string{"tcp", "quic"} {
		for _, window := range []potluck.Size{potluck.MiB, 4 * potluck.MiB, 16 * potluck.MiB} {
			if transport == "quic" && window != 4*potluck.MiB {
				continue // QUIC has its own windows
			}
			b.Run(fmt.Sprintf("%s/window=%dMiB", transport, window>>20), func(b *testing.B) { benchBulk(b, transport, window) })
		}
	}
}

func benchBulk(b *testing.B, transport string, window potluck.Size) {
	client, server := pair(b, transport, Limits{Window: window}, &cupboard{
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			if n, err := swallow(body); n != benchBytes || err != io.EOF {
				return WriteResponse{}, err
			}
			return WriteResponse{}, nil
		},
		read: func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
			return benchBytes, func(_ context.Context, w io.Writer) error { return pour(w, benchBytes) }, nil
		},
	})
	server.basic.SetStreamHandler(benchBare, func(s network.Stream) {
		_, _ = swallow(s)
		_, _ = s.Write([]byte{1})
		_ = s.Close()
	})
	kinds := []func(*testing.B, *node, *node){sendBare, sendWrite, fetchRead}
	for _, kind := range kinds { // grow the windows, fill the pools
		kind(b, client, server)
	}
	var best, cpu [3]time.Duration // the fastest turn; both ends' CPU in all turns
	b.SetBytes(3 * benchBytes)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		for k := range kinds {
			k = (k + i) % len(kinds)
			began, used := time.Now(), cpuTime(b)
			kinds[k](b, client, server)
			cpu[k] += cpuTime(b) - used
			if d := time.Since(began); best[k] == 0 || d < best[k] {
				best[k] = d
			}
		}
	}
	for k, name := range []string{"bare", "write", "read"} {
		b.ReportMetric(benchBytes/1e6/best[k].Seconds(), name+"-MB/s")
		b.ReportMetric(cpu[k].Seconds()/float64(b.N)*(1<<30)/benchBytes, name+"-cpu-s/GiB")
		if k > 0 {
			b.ReportMetric(best[0].Seconds()/best[k].Seconds(), name+"-ratio")
			b.ReportMetric(cpu[0].Seconds()/cpu[k].Seconds(), name+"-cpu-ratio")
		}
	}
}

// cpuTime is what this process used, which stays comparable on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkQuote is one small exchange on a new stream.
func BenchmarkQuote(b *testing.B) {
	for _, transport := range []string{"tcp", "quic"} {
		b.Run(transport, func(b *testing.B) {
			client, server := pair(b, transport, Limits{}, allOpen())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := client.Quote(b.Context(), server.ID(), QuoteRequest{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSmallWrite stores shares of 1.4 KiB, 16 at once.
func BenchmarkSmallWrite(b *testing.B) {
	client, server := pair(b, "tcp", Limits{}, &cupboard{
		write: func(_ context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			_, err := io.Copy(io.Discard, body)
			return WriteResponse{}, err
		},
	})
	data := make([]byte, 1400)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w, err := client.Write(b.Context(), server.ID(), WriteRequest{Layout: layout, Length: potluck.Size(len(data))})
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := w.Write(data); err != nil {
				b.Error(err)
				return
			}
			if _, err := w.Finish(b.Context()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkIdleHost gives what a host with ten connected friends holds on the
// heap, and how many goroutines; the ten friends aren't counted.
func BenchmarkIdleHost(b *testing.B) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	both := []string{transports["tcp"], transports["quic"]}
	for b.Loop() {
		var friends []*node
		for range 10 {
			friends = append(friends, newNode(b, "", Config{Listen: both}))
		}
		before, routines := heap(), runtime.NumGoroutine()
		host := newNode(b, "", Config{Listen: both, Keeper: allOpen()})
		alone := heap()
		for _, f := range friends {
			befriend(b, host, f)
		}
		b.ReportMetric(float64(alone-before)/1024, "host-KiB")
		b.ReportMetric(float64(heap()-alone)/1024, "10-connections-both-ends-KiB")
		b.ReportMetric(float64(runtime.NumGoroutine()-routines), "goroutines-both-ends")
	}
}
