// Package node is the roof: one process of a friendnet. It opens the books, the
// store and the network, joins them, and keeps them until it is closed.
package node

import "context"

// Node is one running node.
type Node struct{}

// New opens everything in the data directory of c, making it if there is none.
func New(ctx context.Context, c Config) (*Node, error) { panic("not yet") }

// Run serves until ctx ends or something fails for good; then everything is
// stopped. It returns nil when ctx ended.
func (n *Node) Run(ctx context.Context) error { panic("not yet") }

// Close stops all of it. It may be called more than once.
func (n *Node) Close() error { panic("not yet") }
