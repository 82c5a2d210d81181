package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"potluck"
	"potluck/gateway/api"
)

// Local says what a net in this process is like.
type Local struct {
	Dir    string        // each node gets a folder in it
	Nodes  []string      // their names, in order
	Offer  potluck.Size  // what each offers; 0: the node's default
	Terms  *api.Terms    // what each grants the others; nil: the default terms
	Coming time.Duration // how long an upload may take; 0: the node's default
	// Clock gives a node's clock; nil: the real one for all.
	Clock func(name string) func() time.Time
	Alone bool // the nodes aren't made friends
}

// Net is a net in this process, while its story is told.
type Net struct {
	all     []*Member
	unknown map[string]bool
}

// Run starts the nodes, makes them friends, tells the story, and then holds
// the nodes that run against the invariants of Check. It stops all nodes before
// it returns the story's error, or what is wrong.
func Run(ctx context.Context, c Local, story func(context.Context, *Net) error) (err error) {
	net := &Net{unknown: map[string]bool{}}
	defer func() { err = errors.Join(err, net.stop()) }()
	for _, name := range c.Nodes {
		port, err := freePort()
		if err != nil {
			return err
		}
		m := &Member{name: name, dir: filepath.Join(c.Dir, name), port: port, local: c}
		if c.Clock != nil {
			m.clock = c.Clock(name)
		}
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			return err
		}
		if err := m.Start(ctx); err != nil {
			return err
		}
		net.all = append(net.all, m)
	}
	if !c.Alone {
		if err := Mesh(ctx, c.Terms, net.all...); err != nil {
			return err
		}
	}
	if err := story(ctx, net); err != nil {
		return fmt.Errorf("story: %w", err)
	}
	return net.Check(ctx)
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
	return each(len(n.all), func(i int) error { return n.all[i].Stop() })
}
