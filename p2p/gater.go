package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
)

// gater stands at the door: the admitted come in; strangers come in while the node
// invites, few at once and for a short time (see conns); the node itself may
// go out to one that is not admitted yet, when it was told to.
type gater struct {
	gate   Gate
	conns  *conns
	speaks func(ma.Multiaddr) bool

	mu     sync.Mutex
	wanted map[peer.ID]int // peers being dialled by Connect; no zeros
}

func newGater(g Gate, c *conns, speaks func(ma.Multiaddr) bool) *gater {
	return &gater{gate: g, conns: c, speaks: speaks, wanted: make(map[peer.ID]int)}
}

// want lets the node dial p until done is called.
func (g *gater) want(p peer.ID) (done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted[p]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.wanted[p]--; g.wanted[p] == 0 {
			delete(g.wanted, p)
		}
	}
}

func (g *gater) isWanted(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wanted[p] > 0
}

// mayUse tells whether p may open a stream of a protocol just now.
func (g *gater) mayUse(p peer.ID, id protocol.ID) bool {
	return g.gate.Admits(p) || id == ProtocolJoin && g.gate.Inviting()
}

// InterceptPeerDial implements connmgr.ConnectionGater.
func (g *gater) InterceptPeerDial(p peer.ID) bool { return g.gate.Admits(p) || g.isWanted(p) }

// InterceptAddrDial lets only TCP and QUIC addresses be dialled, or those of the
// fabric that takes their place.
func (g *gater) InterceptAddrDial(_ peer.ID, a ma.Multiaddr) bool { return g.speaks(a) }

// InterceptAccept lets every address knock: who it is shows the handshake. How
// many may knock at once is bounded by the resource manager.
func (g *gater) InterceptAccept(network.ConnMultiaddrs) bool { return true }

// InterceptSecured decides as soon as the peer is known.
func (g *gater) InterceptSecured(d network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	switch {
	case g.gate.Admits(p):
		return true
	case d == network.DirOutbound:
		return g.isWanted(p)
	}
	return g.gate.Inviting() && g.conns.roomForStranger()
}

// InterceptUpgraded counts the connection in, or refuses it.
func (g *gater) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	return g.conns.add(c, g.gate.Admits(c.RemotePeer())), 0
}
