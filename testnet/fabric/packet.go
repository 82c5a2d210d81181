package fabric

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/marcopolo/simnet"

	"potluck"
)

// udpPort is where nodes listen for QUIC.
const udpPort = 4242

// unlimited is the speed of a line without a limit, for simnet.
const unlimited = 10 * potluck.GiB

// socket is a UDP socket of one node.
type socket struct {
	*simnet.SimConn
	port *Port
}

// ip is the address of a node: a public one, by its number.
func (p *Port) ip() net.IP { return simnet.IntToPublicIPv4(p.number) }

// PacketAddr is the node's own address for QUIC, as a multiaddr.
func (p *Port) PacketAddr() string { return fmt.Sprintf("/ip4/%v/udp/%d/quic-v1", p.ip(), udpPort) }

// ListenPacket opens a socket at the node's own IP address.
func (p *Port) ListenPacket(at *net.UDPAddr) (net.PacketConn, error) {
	if !at.IP.Equal(p.ip()) || at.Port == 0 {
		return nil, fmt.Errorf("listen on %v: this node's address is %v, with a port: %w", at, p.ip(), syscall.EADDRNOTAVAIL)
	}
	speed := unlimited
	if p.link.Bandwidth > 0 {
		speed = p.link.Bandwidth
	}
	line := simnet.LinkSettings{BitsPerSecond: int(min(speed, unlimited)) * 8}
	p.fabric.mu.Lock()
	defer p.fabric.mu.Unlock()
	if p.fabric.packets == nil {
		p.fabric.packets = &simnet.Simnet{LatencyFunc: p.fabric.packetLatency, Logger: slog.New(slog.DiscardHandler)}
		p.fabric.packets.Start()
	}
	// An endpoint takes the place of a closed one at the same address.
	c := p.fabric.packets.NewEndpoint(at, simnet.NodeBiDiLinkSettings{Downlink: line, Uplink: line})
	return &socket{c, p}, nil
}

// WriteTo implements net.PacketConn. What is lost, or can't get there, is gone
// without a word.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	there := s.port.fabric.at(to)
	if there == nil {
		return len(b), nil
	}
	open, _ := s.port.fabric.open(s.port, there)
	if !open || s.port.fabric.drops(s.port, there) {
		return len(b), nil
	}
	return s.SimConn.WriteTo(b, to)
}

// at gives the node at a UDP address; nil: none.
func (f *Fabric) at(a net.Addr) *Port {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byIP[key(u.IP)]
}

// key is an IP address as a map's key.
func key(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// drops draws whether a packet is lost.
func (f *Fabric) drops(from, to *Port) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draw.Float64() < (from.link.Loss+to.link.Loss)/2
}

func (f *Fabric) packetLatency(p *simnet.Packet) time.Duration {
	from, to := f.at(p.From), f.at(p.To)
	if from == nil || to == nil {
		return 0
	}
	return latency(from, to)
}
