package testnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/gateway/api"
	"potluck/node"
	"potluck/testnet/fabric"
)

// Member is one node of a net in this process.
type Member struct {
	// Immutable.
	name   string
	dir    string
	listen string       // its address
	port   *fabric.Port // nil on Loopback
	local  Local
	clock  func() time.Time

	// Owned by whoever starts and stops it: one goroutine at a time.
	peer   peer.ID
	client *api.Client
	end    context.CancelFunc // nil while it's stopped
	ended  chan error         // what running gave
}

// Label gives the node's own name.
func (m *Member) Label() string { return m.name }

// Dir is the node's data directory.
func (m *Member) Dir() string { return m.dir }

// Peer is the node's peer ID.
func (m *Member) Peer() peer.ID { return m.peer }

// API is the node's local API: over its unix socket, or on networks other than
// Loopback within this process.
func (m *Member) API() *api.Client { return m.client }

// Start opens the node and waits until its API answers.
func (m *Member) Start(ctx context.Context) error {
	if m.end != nil {
		return fmt.Errorf("start %s: it runs already", m.name)
	}
	log := slog.New(slog.NewTextHandler(logWriter{m}, &slog.HandlerOptions{Level: slog.LevelInfo}))
	n, err := node.New(ctx, node.Config{
		Data: m.dir, Name: m.name, Offer: m.local.Offer, Coming: m.local.Coming, Floor: 1 * potluck.MiB,
		Listen: []string{m.listen}, Log: log, Clock: m.clock, Fabric: m.network(), Small: m.local.Small,
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", m.name, err)
	}
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	m.end, m.ended = end, make(chan error, 1)
	var door *door // nil: a unix socket
	if m.port != nil {
		door = newDoor()
	}
	go func() { m.ended <- m.run(running, n, door, log) }() // ends with end
	err = Poll(ctx, func() (bool, error) {
		select {
		case err := <-m.ended:
			m.ended <- err
			return false, errors.Join(errors.New("it ended before it answered"), err)
		default:
		}
		return m.dial(ctx, door) == nil, nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", m.name, err), m.Stop())
	}
	return nil
}

func (m *Member) dial(ctx context.Context, d *door) error {
	c, err := d.dial(ctx, m.dir)
	if err != nil {
		return err
	}
	s, err := c.Status(ctx)
	if err != nil {
		c.Close()
		return err
	}
	m.client, m.peer = c, s.Peer
	return nil
}

// run runs a node, its API and its page until the context ends, and closes them.
func (m *Member) run(ctx context.Context, n *node.Node, d *door, log *slog.Logger) error {
	doors := []func(context.Context) error{func(ctx context.Context) error { return d.serve(ctx, n, log) }}
	if m.local.Page != nil {
		page, err := api.Page{Listen: "127.0.0.1:0", Static: m.local.Page}.Open(n, log)
		if err != nil {
			return errors.Join(err, n.Close())
		}
		doors = append(doors, page.Serve)
	}
	ctx, end := context.WithCancel(ctx)
	served := make(chan error, len(doors))
	for _, serve := range doors {
		go func() { // ends with ctx
			served <- serve(ctx)
			end()
		}()
	}
	err := n.Run(ctx)
	end()
	for range doors {
		err = errors.Join(err, <-served)
	}
	return errors.Join(err, n.Close())
}

// Stop closes the node as SIGTERM would. A stopped node stays stopped.
func (m *Member) Stop() error {
	if m.end == nil {
		return nil
	}
	m.end()
	m.end = nil
	err := <-m.ended
	if m.client != nil {
		m.client.Close()
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", m.name, err)
	}
	return nil
}

// logWriter appends to the node's log, beside its data directory.
type logWriter struct{ m *Member }

func (w logWriter) Write(line []byte) (int, error) {
	f, err := os.OpenFile(w.m.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Write(line)
}
