package testnet

import (
	"errors"
	"fmt"

	"potluck/p2p"
	"potluck/testnet/fabric"
)

// Network is what connects the nodes of a net in one process.
type Network string

// The networks. Handshakes, gates, limits and everything above are the same on
// all of them.
const (
	// Loopback is TCP of this machine: as real as it gets here. Lines are what the
	// machine gives, can't be cut, and don't run in virtual time.
	Loopback Network = ""
	// Memory is streams in memory between /memory/N addresses. It takes the least,
	// and runs in virtual time.
	Memory Network = "memory"
	// Simulated is QUIC over simulated packets: what is lost is lost as in a real
	// network, and sent again. It runs in virtual time, and takes several times as
	// much as Memory.
	Simulated Network = "simulated"
)

// errLoopback says what a story can't have.
var errLoopback = errors.New("the machine's loopback has no lines to cut; cure: Network: testnet.Memory")

// wire gives a node its place in the network; on Loopback it takes the port if
// none is said.
func (m *Member) wire(f *fabric.Fabric, port int) (err error) {
	if m.local.Network == Loopback {
		if said, ok := m.local.Ports[m.name]; ok {
			port = said
		}
		m.listen = fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port)
		return nil
	}
	link, own := m.local.Links[m.name]
	if !own {
		link = m.local.Link
	}
	if m.port, err = f.Join(link); err != nil {
		return fmt.Errorf("connect %s: %w", m.name, err)
	}
	switch m.local.Network {
	case Memory:
		m.listen = m.port.Addr()
	case Simulated:
		m.listen = m.port.PacketAddr()
	default:
		return fmt.Errorf("connect %s: there is no network %q; want %q, %q or none for loopback", m.name, m.local.Network, Memory, Simulated)
	}
	return nil
}

// network is what the node is told of it.
func (m *Member) network() p2p.Fabric {
	if m.port == nil {
		return nil
	}
	return m.port
}

// Partition cuts the net into parts that can't reach each other, until the next
// call. Nodes that no part names are one part together. Without parts all reach
// each other again.
func (n *Net) Partition(parts ...[]string) error {
	if n.fabric == nil {
		return errLoopback
	}
	ports := make([][]*fabric.Port, len(parts))
	for i, part := range parts {
		for _, name := range part {
			ports[i] = append(ports[i], n.Node(name).port)
		}
	}
	n.fabric.Partition(ports...)
	return nil
}

// Offline pulls the node's plug: it runs, and nothing reaches it or leaves it.
func (m *Member) Offline() error { return m.cut(true) }

// Online puts the plug back in.
func (m *Member) Online() error { return m.cut(false) }

func (m *Member) cut(off bool) error {
	if m.port == nil {
		return fmt.Errorf("unplug %s: %w", m.name, errLoopback)
	}
	m.port.Cut(off)
	return nil
}
