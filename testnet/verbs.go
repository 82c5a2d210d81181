package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"potluck"
	"potluck/files"
	"potluck/gateway/api"
	"potluck/shares"
)

// What the actors of a story do. Each verb goes the way that a person's would:
// over the node's local API, or with the node's folder in hand.

// Put keeps bytes at the node's friends. Its result has the cap.
func (m *Member) Put(ctx context.Context, data []byte, r api.PutRequest) (files.PutResult, error) {
	result, err := m.client.Put(ctx, r, bytes.NewReader(data), nil)
	if err != nil {
		return result, fmt.Errorf("%s puts %d bytes: %w", m.name, len(data), err)
	}
	return result, nil
}

// Get gets a file by its cap.
func (m *Member) Get(ctx context.Context, capText string) ([]byte, error) {
	var got bytes.Buffer
	if _, err := m.client.Get(ctx, api.GetRequest{Cap: capText}, &got, nil); err != nil {
		return nil, fmt.Errorf("%s gets: %w", m.name, err)
	}
	return got.Bytes(), nil
}

// Remove stops keeping a file.
func (m *Member) Remove(ctx context.Context, capText string) error {
	if _, err := m.client.Remove(ctx, capText); err != nil {
		return fmt.Errorf("%s removes: %w", m.name, err)
	}
	return nil
}

// Befriend makes the two friends by a real invite of this one.
func (m *Member) Befriend(ctx context.Context, other *Member, terms *api.Terms) error {
	return Befriend(ctx, m, other, terms)
}

// Point points credit that this node has at a host to a third one: at most limit
// bytes of it; 0: all of it.
func (m *Member) Point(ctx context.Context, to, host *Member, limit potluck.Size) error {
	r := api.CreditToRequest{To: to.peer.String(), Host: host.peer.String()}
	if limit > 0 {
		r.Limit = &limit
	}
	if _, err := m.client.CreditTo(ctx, r); err != nil {
		return fmt.Errorf("%s points credit at %s to %s: %w", m.name, host.name, to.name, err)
	}
	return nil
}

// Restart stops a node that runs, and starts it.
func (m *Member) Restart(ctx context.Context) error {
	if err := m.Stop(); err != nil {
		return err
	}
	return m.Start(ctx)
}

// WipeDisk loses all shares that a node holds, as a disk does that dies and is
// replaced. Its key and books are on another disk. It runs on if it ran.
func (m *Member) WipeDisk(ctx context.Context) error {
	paths, err := m.shareFiles()
	for _, path := range paths {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil || m.end == nil {
		return err
	}
	return m.Restart(ctx)
}

// Corrupt inverts a bit in the data of each share that a node holds.
func (m *Member) Corrupt() error {
	paths, err := m.shareFiles()
	for _, path := range paths {
		err = errors.Join(err, Flip(path, shares.HeaderLen))
	}
	return err
}

// shareFiles gives the share files of a node; none is an error: there would be
// nothing to lose.
func (m *Member) shareFiles() ([]string, error) {
	paths, err := ShareFiles(m.dir)
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("%s holds no shares", m.name)
	}
	return paths, err
}
