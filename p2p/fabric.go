package p2p

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Fabric is a network other than the machine's own, as testnets have: streams
// between /memory/N addresses, and datagrams between IP addresses that exist in
// it alone. What runs on top is what runs on the machine's: the same handshakes,
// the same gate, the same limits. It must be safe for concurrent use.
type Fabric interface {
	// Dial connects to a /memory address. It waits while the way there is cut.
	Dial(ctx context.Context, to ma.Multiaddr) (manet.Conn, error)
	// Listen takes connections at a /memory address, until it is closed.
	Listen(at ma.Multiaddr) (manet.Listener, error)
	// ListenPacket opens a UDP socket for QUIC. Closing it frees the address.
	ListenPacket(at *net.UDPAddr) (net.PacketConn, error)
}

// memoryTransport carries streams of a Fabric. The upgrader adds to them what it
// adds to TCP.
type memoryTransport struct {
	fabric    Fabric
	up        transport.Upgrader
	resources network.ResourceManager
}

var _ transport.Transport = (*memoryTransport)(nil)

// Dial implements transport.Transport.
func (t *memoryTransport) Dial(ctx context.Context, to ma.Multiaddr, p peer.ID) (transport.CapableConn, error) {
	scope, err := t.resources.OpenConnection(network.DirOutbound, false, to)
	if err != nil {
		return nil, err
	}
	c, err := t.dial(ctx, to, p, scope)
	if err != nil {
		scope.Done()
		return nil, err
	}
	return c, nil
}

func (t *memoryTransport) dial(ctx context.Context, to ma.Multiaddr, p peer.ID, scope network.ConnManagementScope) (transport.CapableConn, error) {
	if err := scope.SetPeer(p); err != nil {
		return nil, err
	}
	c, err := t.fabric.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	// The upgrader closes the connection when it fails.
	return t.up.Upgrade(ctx, t, c, network.DirOutbound, p, scope)
}

// CanDial implements transport.Transport.
func (t *memoryTransport) CanDial(a ma.Multiaddr) bool { return transportOf(a) == transportMemory }

// Listen implements transport.Transport.
func (t *memoryTransport) Listen(at ma.Multiaddr) (transport.Listener, error) {
	l, err := t.fabric.Listen(at)
	if err != nil {
		return nil, err
	}
	return t.up.UpgradeGatedMaListener(t, t.up.GateMaListener(l)), nil
}

// Protocols implements transport.Transport.
func (t *memoryTransport) Protocols() []int { return []int{ma.P_MEMORY} }

// Proxy implements transport.Transport.
func (t *memoryTransport) Proxy() bool { return false }

// String names the transport in libp2p's messages.
func (t *memoryTransport) String() string { return "memory" }

// quicOver gives the options by which QUIC's sockets are those of a Fabric.
func quicOver(f Fabric) []quicreuse.Option {
	from := &source{}
	return []quicreuse.Option{
		quicreuse.OverrideListenUDP(func(_ string, at *net.UDPAddr) (net.PacketConn, error) {
			c, err := f.ListenPacket(at)
			if err == nil {
				from.ip.Store(&at.IP)
			}
			return c, err
		}),
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return from, nil }),
	}
}

// source has QUIC dial from the address on which the node listens, in place of
// asking the machine for a route: the addresses of a fabric aren't the machine's.
type source struct{ ip atomic.Pointer[net.IP] }

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (s *source) PreferredSourceIPForDestination(to *net.UDPAddr) (net.IP, error) {
	if ip := s.ip.Load(); ip != nil {
		return *ip, nil
	}
	return nil, fmt.Errorf("no socket in this fabric leads to %v", to)
}
