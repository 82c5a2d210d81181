package p2p

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"

	ic "github.com/libp2p/go-libp2p/core/crypto"
)

// records is a security transport that cuts writes into records of 1000 bytes,
// with headers as TLS has them, and secures nothing.
type records struct{}

func (records) ID() protocol.ID { return "/records" }

func (records) SecureInbound(_ context.Context, c net.Conn, _ peer.ID) (sec.SecureConn, error) {
	return &recordConn{Conn: c}, nil
}

func (records) SecureOutbound(_ context.Context, c net.Conn, _ peer.ID) (sec.SecureConn, error) {
	return &recordConn{Conn: c}, nil
}

type recordConn struct {
	net.Conn
	left int // bytes of the record that haven't been read
}

func (*recordConn) LocalPeer() peer.ID                 { return "" }
func (*recordConn) RemotePeer() peer.ID                { return "" }
func (*recordConn) RemotePublicKey() ic.PubKey         { return nil }
func (*recordConn) ConnState() network.ConnectionState { return network.ConnectionState{} }
func (c *recordConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		part := p[:min(1000, len(p))]
		header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(part)))
		_, err = c.Conn.Write(append(header, part...))
		n, p = n+len(part), p[len(part):]
	}
	return n, err
}

// Read gives the rest of a record.
func (c *recordConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		var header [recordHeader]byte
		if _, err := io.ReadFull(c.Conn, header[:]); err != nil {
			return 0, err
		}
		c.left = int(binary.BigEndian.Uint16(header[3:]))
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// counting is a socket that counts its writes.
type counting struct {
	net.Conn
	writes int
	err    error
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes++
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Write(p)
}

func TestGathering(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	socket := &counting{Conn: here}
	out, err := gathering{records{}}.SecureOutbound(t.Context(), socket, "")
	if err != nil {
		t.Fatal(err)
	}
	in, err := gathering{records{}}.SecureInbound(t.Context(), there, "")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	sizes := []int{1, gatherFrom, gatherFrom + 1, 64<<10 + 12, 3, 200_000}
	for i, size := range sizes {
		want.Write(bytes.Repeat([]byte{byte(i + 1)}, size))
	}
	got := make(chan []byte)
	go func() { // ends when all has come
		b := make([]byte, want.Len())
		_, err := io.ReadFull(in, b)
		if err != nil {
			t.Error(err)
		}
		got <- b
	}()
	rest := want.Bytes()
	for _, size := range sizes {
		before := socket.writes
		if n, err := out.Write(rest[:size]); n != size || err != nil {
			t.Fatalf("write %d bytes: %d, %v", size, n, err)
		}
		rest = rest[size:]
		if made := socket.writes - before; size > gatherFrom && made != 1 {
			t.Errorf("%d bytes took %d writes, want 1", size, made)
		}
	}
	if b := <-got; !bytes.Equal(b, want.Bytes()) {
		t.Error("other bytes came than were written")
	}
	socket.err = errors.New("broken")
	if n, err := out.Write(make([]byte, 50_000)); n != 0 || err == nil || !errors.Is(err, socket.err) {
		t.Errorf("a broken socket took %d bytes: %v", n, err)
	}
}

// TestBulkOverASocket reads messages of all lengths whose pieces arrive late.
func TestBulkOverASocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan net.Conn)
	go func() { // ends with the connection
		c, err := listener.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	there := <-accepted
	defer there.Close()
	in, err := gathering{records{}}.SecureInbound(t.Context(), there, "")
	if err != nil {
		t.Fatal(err)
	}
	out := &recordConn{Conn: raw}
	for round, size := range []int{1, 100_000, 5, gatherFrom, gatherFrom + 1, bulkStride, 1} {
		body := bytes.Repeat([]byte{byte(round + 1)}, size)
		sent := make(chan error)
		go func() { // ends with the message
			for rest := body; len(rest) > 0; {
				part := rest[:min(len(rest), 30_000)]
				if _, err := out.Write(part); err != nil {
					sent <- err
					return
				}
				rest = rest[len(part):]
				time.Sleep(time.Millisecond) // the reader waits in mid-message
			}
			close(sent)
		}()
		got := make([]byte, size)
		if _, err := io.ReadFull(in, got); err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes came wrong: %v", size, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullSocketIsWaitedFor writes more at once than a socket holds, and then to
// one whose other end is gone.
func TestAFullSocketIsWaitedFor(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan []byte)
	go func() { // ends by itself
		c, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		time.Sleep(20 * time.Millisecond) // the socket is full by then
		b := make([]byte, 16<<20)
		if _, err := io.ReadFull(c, b); err != nil {
			t.Error(err)
		}
		c.Close()
		got <- b
	}()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	want := make([]byte, 16<<20)
	for i := range want {
		want[i] = byte(i >> 8)
	}
	s := newSocket(raw)
	if n, err := s.writeAll(want); n != len(want) || err != nil {
		t.Fatalf("wrote %d bytes: %v", n, err)
	}
	if !bytes.Equal(<-got, want) {
		t.Error("other bytes came than were written")
	}
	for range 100 { // the first ones may be taken before the end is known
		if _, err = s.writeAll(want); err != nil {
			return
		}
	}
	t.Error("a socket without another end takes bytes for ever")
}

// TestTheEndWakesAReaderOfBulk: who waits for many bytes learns at once that the
// connection has ended.
func TestTheEndWakesAReaderOfBulk(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() { // ends by itself
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = (&recordConn{Conn: c}).Write(make([]byte, 50_000)) // what the reader gets tells
		time.Sleep(50 * time.Millisecond)
		c.Close()
	}()
	c, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in, err := gathering{records{}}.SecureInbound(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.ReadFull(in, make([]byte, bulkStride))
	if n != 50_000 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes: %v; want 50000 and an early end", n, err)
	}
}
