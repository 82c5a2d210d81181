package p2p

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/quic-go/quic-go"
)

// The host is put together from its parts rather than by libp2p.New, which would
// link WebRTC, WebTransport and WebSocket, and a container for dependencies.

// addStreams gives the swarm TCP, or the streams of a fabric, with TLS 1.3, then
// Noise, and yamux on top.
func addStreams(s *swarm.Swarm, f Fabric, key crypto.PrivKey, r network.ResourceManager, g *gater, l Limits) error {
	muxer := *yamux.DefaultTransport
	muxer.MaxStreamWindowSize = uint32(l.Window)
	muxer.MaxMessageSize = gatherMessage
	muxer.KeepAliveInterval, muxer.MeasureRTTInterval = l.KeepAlive, l.KeepAlive
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: &muxer}}
	viaTLS, err := libp2ptls.New(libp2ptls.ID, key, muxers)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	viaNoise, err := noise.New(noise.ID, key, muxers)
	if err != nil {
		return fmt.Errorf("noise: %w", err)
	}
	up, err := upgrader.New([]sec.SecureTransport{gathering{viaTLS}, viaNoise}, muxers, nil, r, g, upgrader.WithAcceptTimeout(l.Dial))
	if err != nil {
		return fmt.Errorf("upgrader: %w", err)
	}
	if f != nil {
		return s.AddTransport(&memoryTransport{fabric: f, up: up, resources: r})
	}
	// Without reuse of ports a second node on the same port is told so.
	t, err := tcp.NewTCPTransport(up, r, nil, tcp.DisableReuseport(), tcp.WithConnectionTimeout(l.Dial))
	if err != nil {
		return fmt.Errorf("tcp: %w", err)
	}
	return s.AddTransport(t)
}

// addQUIC gives the swarm QUIC version 1. The returned manager holds the
// sockets and must be closed after the swarm. more are further options for them.
func addQUIC(s *swarm.Swarm, key crypto.PrivKey, r network.ResourceManager, g *gater, more ...quicreuse.Option) (*quicreuse.ConnManager, error) {
	reset, err := deriveKey(key, "potluck quic 1: stateless reset key")
	if err != nil {
		return nil, err
	}
	token, err := deriveKey(key, "potluck quic 1: token generator key")
	if err != nil {
		return nil, err
	}
	manager, err := quicreuse.NewConnManager(reset, token, append(more,
		quicreuse.ConnContext(countKnock(r)),
		quicreuse.VerifySourceAddress(func(addr net.Addr) bool { return r.VerifySourceAddress(addr) }))...)
	if err != nil {
		return nil, fmt.Errorf("quic sockets: %w", err)
	}
	t, err := libp2pquic.NewTransport(key, manager, nil, g, r)
	if err == nil {
		err = s.AddTransport(t)
	}
	if err != nil {
		_ = manager.Close()
		return nil, fmt.Errorf("quic: %w", err)
	}
	return manager, nil
}

// countKnock counts a QUIC connection with the resource manager before its handshake.
func countKnock(r network.ResourceManager) func(context.Context, *quic.ClientInfo) (context.Context, error) {
	return func(ctx context.Context, from *quic.ClientInfo) (context.Context, error) {
		addr, err := quicreuse.ToQuicMultiaddr(from.RemoteAddr, quic.Version1)
		if err != nil {
			addr = nil // the resource manager decides what to do with it
		}
		scope, err := r.OpenConnection(network.DirInbound, false, addr)
		if err != nil {
			return ctx, err
		}
		ctx = network.WithConnManagementScope(ctx, scope)
		context.AfterFunc(ctx, scope.Done)
		return ctx, nil
	}
}

// deriveKey derives a key for one use from the node key.
func deriveKey(key crypto.PrivKey, use string) (out [32]byte, err error) {
	raw, err := key.Raw()
	if err != nil {
		return out, fmt.Errorf("node key: %w", err)
	}
	b, err := hkdf.Key(sha256.New, raw, nil, use, len(out))
	copy(out[:], b)
	return out, err
}
