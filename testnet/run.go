package testnet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/gateway/api"
	"potluck/testnet/fabric"
	"potluck/testnet/sim"
)

// Local says what a net in this process is like.
type Local struct {
	Dir    string        // each node gets a folder in it
	Nodes  []string      // their names, in order
	Offer  potluck.Size  // what each offers; 0: the node's default
	Terms  *api.Terms    // what each grants the others; nil: the default terms
	Coming time.Duration // how long an upload may take; 0: the node's default
	// Clock gives a node's clock; nil: that of package time for all, which is a
	// virtual one inside of testing/synctest.
	Clock func(name string) func() time.Time
	Alone bool // the nodes aren't made friends

	Network Network                // what connects the nodes; default: Loopback
	Link    fabric.Link            // each node's line; not on Loopback
	Links   map[string]fabric.Link // lines of some nodes, in place of Link
	// Topology says who are friends; the zero value is everybody with everybody.
	Topology sim.Topology
	Seed     uint64 // what is drawn for the topology and on the lines follows from it
	// Small gives the nodes books that aren't synced, take little memory and do
	// nothing while idle: for many nodes, and for much virtual time.
	Small bool

	Page  http.Handler   // the static part of every node's page, which is served on loopback; nil: there is none
	Ports map[string]int // Loopback: the TCP ports of some nodes; others get a free one
}

// atOnce is how many nodes are started, and made friends, at the same time.
const atOnce = 16

// Net is a net in this process, while its story is told.
type Net struct {
	all     []*Member
	fabric  *fabric.Fabric // nil on Loopback
	unknown map[string]bool
}

// Run starts the nodes, makes them friends, tells the story, and then holds
// the nodes that run against the invariants of Check. It stops all nodes before
// it returns the story's error, or what is wrong.
func Run(ctx context.Context, c Local, story func(context.Context, *Net) error) (err error) {
	net, err := start(ctx, c)
	defer func() { err = errors.Join(err, net.stop()) }()
	if err != nil {
		return err
	}
	if err := story(ctx, net); err != nil {
		return fmt.Errorf("story: %w", err)
	}
	return net.Check(ctx)
}

// start starts the nodes and makes them friends. The net is to be stopped, with
// an error too.
func start(ctx context.Context, c Local) (*Net, error) {
	net := &Net{unknown: map[string]bool{}}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return net, err
	}
	if err := net.wire(c); err != nil {
		return net, err
	}
	if err := limited(len(net.all), func(i int) error { return net.all[i].Start(ctx) }); err != nil {
		return net, err
	}
	if c.Alone {
		return net, nil
	}
	pairs := c.Topology.Pairs(len(net.all), c.Seed)
	return net, limited(len(pairs), func(i int) error {
		return Befriend(ctx, net.all[pairs[i][0]], net.all[pairs[i][1]], c.Terms)
	})
}

// wire makes the nodes, which aren't started, and what connects them.
func (n *Net) wire(c Local) error {
	if c.Network != Loopback {
		n.fabric = fabric.New(c.Seed)
	}
	ports, err := freePorts(len(c.Nodes))
	if err != nil {
		return err
	}
	for i, name := range c.Nodes {
		m := &Member{name: name, dir: filepath.Join(c.Dir, name), local: c}
		if c.Clock != nil {
			m.clock = c.Clock(name)
		}
		if err := m.wire(n.fabric, ports[i]); err != nil {
			return err
		}
		n.all = append(n.all, m)
	}
	return nil
}

// limited runs do for 0 to count-1, some of them at once, and gives the first
// error.
func limited(count int, do func(i int) error) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range count {
		g.Go(func() error { return do(i) })
	}
	return g.Wait()
}

// Node gives a node by its name. A name that isn't there is a mistake in the
// story, and panics.
func (n *Net) Node(name string) *Member {
	for _, m := range n.all {
		if m.name == name {
			return m
		}
	}
	panic(fmt.Sprintf("testnet: no node is called %q", name))
}

// All gives all nodes.
func (n *Net) All() []*Member { return n.all }

// Unknown says that a node's books can't be expected to agree with the
// others': Check leaves it out.
func (n *Net) Unknown(name string) { n.unknown[n.Node(name).name] = true }

// Check holds the nodes that run and aren't unknown against the invariants.
func (n *Net) Check(ctx context.Context) error {
	var known []*Member
	for _, m := range n.all {
		if m.end != nil && !n.unknown[m.name] {
			known = append(known, m)
		}
	}
	return Check(ctx, known...)
}

func (n *Net) stop() error {
	err := each(len(n.all), func(i int) error { return n.all[i].Stop() })
	if n.fabric != nil {
		n.fabric.Close()
	}
	return err
}
