package fabric

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"go.uber.org/goleak"

	"potluck"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair gives two nodes with equal lines, and the ends of a stream between them.
func pair(t *testing.T, l Link) (f *Fabric, a, b *Port, here, there manet.Conn) {
	t.Helper()
	f = New(1)
	a, b = join(t, f, l), join(t, f, l)
	listener, err := b.Listen(ma.StringCast(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	here, err = a.Dial(t.Context(), ma.StringCast(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	if there, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close(); listener.Close(); f.Close() })
	return f, a, b, here, there
}

func join(t *testing.T, f *Fabric, l Link) *Port {
	t.Helper()
	p, err := f.Join(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// send writes bytes at one end and times until the other has read all of them.
func send(t *testing.T, from io.Writer, to io.Reader, n int) time.Duration {
	t.Helper()
	began := time.Now()
	data := bytes.Repeat([]byte("potluck "), n/8+1)[:n]
	done := make(chan error, 1)
	go func() { _, err := from.Write(data); done <- err }()
	got := make([]byte, n)
	if _, err := io.ReadFull(to, got); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes came otherwise: %v", n, err)
	}
	return time.Since(began)
}

// What a line is like is what takes time; virtual time shows it exactly.
func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		link  Link
		bytes int
		least time.Duration
		most  time.Duration
	}{
		"nothing":   {Link{}, 5_000_000, 0, 0},
		"latency":   {Link{Latency: 50 * time.Millisecond}, 1000, 50 * time.Millisecond, 50 * time.Millisecond},
		"bandwidth": {Link{Bandwidth: 1_000_000}, 5_000_000, 5 * time.Second, 5*time.Second + time.Microsecond},
		"both":      {Link{Latency: time.Second, Bandwidth: 10 << 20}, 1 << 20, 1100 * time.Millisecond, 1100 * time.Millisecond},
		"loss":      {Link{Latency: 10 * time.Millisecond, Loss: 0.5}, 1_000_000, 100 * time.Millisecond, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, _, here, there := pair(t, c.link)
				if took := send(t, here, there, c.bytes); took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				if took := send(t, there, here, c.bytes); took < c.least || took > c.most {
					t.Errorf("back it took %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

// What is sent while the way is cut comes when it is mended; a dial waits as long.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a, b, here, there := pair(t, Link{Latency: time.Millisecond})
		for name, cut := range map[string]func(bool){
			"plug": a.Cut,
			"parts": func(off bool) {
				if off {
					f.Partition([]*Port{a}, []*Port{b})
				} else {
					f.Partition()
				}
			},
		} {
			cut(true)
			time.AfterFunc(time.Hour, func() { cut(false) })
			if took := send(t, here, there, 100); took != time.Hour {
				t.Errorf("%s: what was sent while the way was cut took %v, want an hour", name, took)
			}
			cut(true)
			short, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := a.Dial(short, ma.StringCast(b.Addr())); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: dialled while the way was cut: %v", name, err)
			}
			cancel()
			cut(false)
		}
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, here, there := pair(t, Link{Latency: time.Second})
		if _, err := here.Write([]byte("last words")); err != nil {
			t.Fatal(err)
		}
		here.Close()
		got, err := io.ReadAll(there)
		if err != nil || string(got) != "last words" {
			t.Errorf("after the other end closed: %q, %v", got, err)
		}
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read of a closed stream: %v", err)
		}
		if _, err := there.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write to a closed stream: %v", err)
		}
		if _, err := b.Dial(t.Context(), ma.StringCast(a.Addr())); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial where nobody listens: %v", err)
		}
		if _, err := a.Dial(t.Context(), ma.StringCast("/memory/9")); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("dial where nobody is: %v", err)
		}
		if _, err := b.Listen(ma.StringCast(b.Addr())); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second listener: %v", err)
		}
	})
}

func TestResetAndDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, _, here, there := pair(t, Link{})
		began := time.Now()
		if err := there.SetReadDeadline(began.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(30*time.Second, func() { _ = there.SetReadDeadline(began.Add(time.Hour)) })
		_, err := there.Read(make([]byte, 1))
		var n net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &n) || !n.Timeout() || time.Since(began) != time.Hour {
			t.Errorf("a read with a deadline that was moved to an hour ended after %v: %v", time.Since(began), err)
		}
		if err := there.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, a.Reset)
		if _, err := there.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read of a stream whose machine reset it: %v", err)
		}
		if _, err := here.Write(make([]byte, 1)); err == nil {
			t.Error("a stream that was reset is written to")
		}
	})
}

// A writer waits while too much is on its way, and ends with its stream.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, _, here, _ := pair(t, Link{})
		time.AfterFunc(time.Second, func() { here.Close() })
		n, err := here.Write(make([]byte, 2*window))
		if n != window || !errors.Is(err, net.ErrClosed) {
			t.Errorf("wrote %d and %v, want %d and the end", n, err, window)
		}
	})
}

func TestLinksThatCantBe(t *testing.T) {
	for _, l := range []Link{{Latency: -1}, {Bandwidth: -1}, {Loss: -0.1}, {Loss: 1}, {Latency: 2 * time.Hour}, {Bandwidth: 2 * potluck.TiB}} {
		if _, err := New(1).Join(l); err == nil {
			t.Errorf("a line like %+v is taken", l)
		}
	}
}

// Packets take their time, get lost, and don't pass where the way is cut; an
// address is free again when its socket is closed.
func TestPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(1)
		defer f.Close()
		lossy := join(t, f, Link{Latency: 50 * time.Millisecond, Loss: 0.4})
		sure := join(t, f, Link{Latency: 50 * time.Millisecond})
		at := &net.UDPAddr{IP: sure.ip(), Port: 1}
		from, err := lossy.ListenPacket(&net.UDPAddr{IP: lossy.ip(), Port: 1})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			to, err := sure.ListenPacket(at)
			if err != nil {
				t.Fatal(err)
			}
			if got := packets(t, from, to, at, 1000); got < 700 || got > 900 {
				t.Errorf("%d of 1000 packets came, a fifth is lost", got)
			}
			sure.Cut(true)
			if got := packets(t, from, to, at, 10); got != 0 {
				t.Errorf("%d of 10 packets came over a line that is cut", got)
			}
			sure.Cut(false)
			to.Close()
		}
		from.Close()
		if _, err := sure.ListenPacket(&net.UDPAddr{IP: lossy.ip(), Port: 1}); err == nil {
			t.Error("a socket at the address of another node")
		}
	})
}

// packets sends packets and counts those that come.
func packets(t *testing.T, from, to net.PacketConn, at net.Addr, n int) (got int) {
	t.Helper()
	began := time.Now()
	go func() {
		for range n {
			if _, err := from.WriteTo([]byte("x"), at); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for b := make([]byte, 10); ; got++ {
		if err := to.SetReadDeadline(began.Add(time.Duration(n)*time.Millisecond + time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := to.ReadFrom(b); err != nil {
			return got
		}
		if got == 0 && time.Since(began) < 50*time.Millisecond {
			t.Errorf("the first packet took %v", time.Since(began))
		}
	}
}

// A megabyte over a stream without limits, for the price of the copies.
func BenchmarkStream(b *testing.B) {
	f := New(1)
	x, _ := f.Join(Link{})
	y, _ := f.Join(Link{})
	here, there := connect(x, y)
	defer here.Close()
	defer there.Close()
	go func() { _, _ = io.Copy(io.Discard, there) }() // ends with the stream
	data := make([]byte, 1<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := here.Write(data); err != nil {
			b.Fatal(err)
		}
	}
}
