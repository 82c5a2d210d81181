package p2p

import (
	"net/netip"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
)

// Memory that libp2p may reserve for windows. A stream reserves 256 KiB when it
// opens; its window grows only while less than half of a limit is reserved.
const (
	memoryAll     = 256 * potluck.MiB
	memoryPerPeer = 128 * potluck.MiB
)

// newResources bounds what all connections may use together. Handshakes and
// protocol negotiations are bounded by the transient limits, so that strangers
// who knock can't take the room of friends. Loopback has no limits per address;
// other addresses get enough for a household or a test net behind one.
func newResources(l Limits) (network.ResourceManager, error) {
	streams := 4 * l.Streams // served, refused, and our own
	limit := func(conns, streams int, memory potluck.Size) rcmgr.ResourceLimits {
		return rcmgr.BaseLimit{
			Conns: conns, ConnsInbound: conns, ConnsOutbound: conns, FD: conns,
			Streams: streams, StreamsInbound: streams, StreamsOutbound: streams,
			Memory: int64(memory),
		}.ToResourceLimits()
	}
	peer := limit(l.ConnsPerPeer, min(streams, 16*l.StreamsPerPeer), memoryPerPeer)
	conf := rcmgr.PartialLimitConfig{
		System:      limit(l.Conns, streams, memoryAll),
		Transient:   limit(max(64, l.Conns/8), max(256, streams/4), 32*potluck.MiB),
		PeerDefault: peer,
		Conn:        limit(1, streams, memoryPerPeer),
		Stream:      limit(0, 1, 32*potluck.MiB),
	}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(conf.Build(rcmgr.InfiniteLimits)),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: l.Conns / 4}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: l.Conns / 4}, {PrefixLength: 48, ConnCount: l.Conns / 2}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: []rate.PrefixLimit{
				{Prefix: netip.MustParsePrefix("127.0.0.0/8")},
				{Prefix: netip.MustParsePrefix("::1/128")},
			},
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: 2, Burst: 128}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: 2, Burst: 128}}},
				GracePeriod:      time.Minute,
			},
		}),
	)
}
