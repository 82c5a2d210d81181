// Package api is the door for the command line: JSON over HTTP on a unix
// socket in the node's data directory (docs/spec/api.md), and its Go client.
package api

import (
	"context"
	"log/slog"

	"potluck/node"
)

// Server answers the API of one node.
type Server struct {
	node *node.Node
	log  *slog.Logger
}

// Serve listens on the node's socket and answers until ctx ends, then lets
// running requests end for at most 10 s. The caller's node must hold the lock
// of its data directory, as node.New gives it.
func Serve(ctx context.Context, n *node.Node, log *slog.Logger) error { panic("not yet") }
