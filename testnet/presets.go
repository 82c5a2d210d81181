package testnet

import (
	"time"

	"potluck"
	"potluck/testnet/fabric"
	"potluck/testnet/sim"
)

// Preset is a net that is like those of many people.
type Preset struct {
	Network  Network
	Link     fabric.Link
	Topology sim.Topology
}

// Presets are nets by name. Their lines are those of Memory and Simulated.
func Presets() map[string]Preset {
	return map[string]Preset{
		// One house: everybody knows everybody, and nothing is lost.
		"house": {Memory, fabric.Link{Latency: 500 * time.Microsecond, Bandwidth: 100 * potluck.MiB}, sim.Topology{Kind: "complete"}},
		// Friends in one country, at home lines: each knows six, most of them near.
		"homes": {Memory, fabric.Link{Latency: 20 * time.Millisecond, Bandwidth: 4 * potluck.MiB, Loss: 0.001}, sim.Topology{Kind: "watts-strogatz", Degree: 6, Rewire: 0.1}},
		// The same over packets: for what depends on them.
		"packets": {Simulated, fabric.Link{Latency: 20 * time.Millisecond, Bandwidth: 4 * potluck.MiB, Loss: 0.001}, sim.Topology{Kind: "watts-strogatz", Degree: 6, Rewire: 0.1}},
		// Friends on two continents, by mobile lines.
		"far": {Simulated, fabric.Link{Latency: 150 * time.Millisecond, Bandwidth: potluck.MiB, Loss: 0.01}, sim.Topology{Kind: "erdos-renyi", Degree: 6}},
	}
}

// Of gives the net in a folder, with so many nodes.
func (p Preset) Of(dir string, nodes ...string) Local {
	return Local{Dir: dir, Nodes: nodes, Network: p.Network, Link: p.Link, Topology: p.Topology, Small: true}
}
