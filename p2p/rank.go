package p2p

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Transports, as transportOf names them.
const (
	transportTCP    = "tcp"
	transportQUIC   = "quic"
	transportMemory = "memory"
)

// spoken tells whether a node can use an address: on the machine's network, or
// in a fabric.
func spoken(a ma.Multiaddr, fabric bool) bool {
	switch transportOf(a) {
	case transportTCP:
		return !fabric
	case transportQUIC:
		return true
	case transportMemory:
		return fabric
	}
	return false
}

// transportOf names the transport of an address: plain TCP, or QUIC version 1,
// over IP or a DNS name, or memory, in a Fabric. It is empty for all others:
// relayed, WebSocket, WebTransport, WebRTC and so on.
func transportOf(a ma.Multiaddr) string {
	codes := make([]int, 0, 4)
	for _, c := range a {
		if c.Protocol().Code != ma.P_P2P {
			codes = append(codes, c.Protocol().Code)
		}
	}
	if len(codes) > 0 && codes[0] == ma.P_IP6ZONE {
		codes = codes[1:]
	}
	if slices.Equal(codes, []int{ma.P_MEMORY}) {
		return transportMemory
	}
	hosts := []int{ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6}
	if len(codes) < 2 || !slices.Contains(hosts, codes[0]) {
		return ""
	}
	switch {
	case slices.Equal(codes[1:], []int{ma.P_TCP}):
		return transportTCP
	case slices.Equal(codes[1:], []int{ma.P_UDP, ma.P_QUIC_V1}):
		return transportQUIC
	}
	return ""
}

// Head starts between dials, for addresses in private networks and others.
const (
	privateStep = 50 * time.Millisecond
	publicStep  = 250 * time.Millisecond
)

// rankDials puts TCP before QUIC: with TLS it moves three times as many bytes
// for the same work. Private and public addresses are tried side by side; in
// each group the first TCP address starts at once, the first of the other IP
// version one step later, the other TCP addresses after two steps, and QUIC one
// step after the last TCP start.
func rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	var private, public []ma.Multiaddr
	for _, a := range addrs {
		if manet.IsPrivateAddr(a) {
			private = append(private, a)
		} else {
			public = append(public, a)
		}
	}
	return append(rankGroup(private, privateStep), rankGroup(public, publicStep)...)
}

func rankGroup(addrs []ma.Multiaddr, step time.Duration) []network.AddrDelay {
	var streams, quic []ma.Multiaddr
	for _, a := range addrs {
		if transportOf(a) == transportQUIC {
			quic = append(quic, a)
		} else {
			streams = append(streams, a)
		}
	}
	ranked := rankTransport(streams, step, 0)
	var start time.Duration
	if len(ranked) > 0 {
		start = ranked[len(ranked)-1].Delay + step
	}
	return append(ranked, rankTransport(quic, step, start)...)
}

// rankTransport ranks addresses of one transport, the first of each IP version
// at the front.
func rankTransport(addrs []ma.Multiaddr, step, start time.Duration) []network.AddrDelay {
	other := slices.IndexFunc(addrs, func(a ma.Multiaddr) bool { return isIP6(a) != isIP6(addrs[0]) })
	if other > 1 {
		second := addrs[other]
		copy(addrs[2:other+1], addrs[1:other])
		addrs[1] = second
	}
	ranked := make([]network.AddrDelay, len(addrs))
	for i, a := range addrs {
		ranked[i] = network.AddrDelay{Addr: a, Delay: start + time.Duration(min(i, 2))*step}
	}
	return ranked
}

func isIP6(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_IP6)
	return err == nil
}
