package p2p

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"

	ic "github.com/libp2p/go-libp2p/core/crypto"
)

// records is a security transport that cuts writes into records of 1000 bytes
// and secures nothing.
type records struct{}

func (records) ID() protocol.ID { return "/records" }

func (records) SecureInbound(_ context.Context, c net.Conn, _ peer.ID) (sec.SecureConn, error) {
	return recordConn{c}, nil
}

func (records) SecureOutbound(_ context.Context, c net.Conn, _ peer.ID) (sec.SecureConn, error) {
	return recordConn{c}, nil
}

type recordConn struct{ net.Conn }

func (recordConn) LocalPeer() peer.ID                 { return "" }
func (recordConn) RemotePeer() peer.ID                { return "" }
func (recordConn) RemotePublicKey() ic.PubKey         { return nil }
func (recordConn) ConnState() network.ConnectionState { return network.ConnectionState{} }
func (c recordConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		var m int
		m, err = c.Conn.Write(p[:min(1000, len(p))])
		n, p = n+m, p[m:]
	}
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
