package files

import (
	"context"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/shares"
)

// manifests keeps the manifests of files that small reads came to lately, verified
// against their caps: the next small read costs less, and is all that a host sees.
// It is safe for concurrent use.
type manifests struct {
	mu sync.Mutex
	of map[potluck.Digest]shares.Manifest
}

// maxManifests bounds how many are kept, of 8 KiB at most. Any of them may go.
const maxManifests = 64

func (m *manifests) get(digest potluck.Digest) (shares.Manifest, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.of[digest]
	return found, ok
}

func (m *manifests) keep(digest potluck.Digest, found shares.Manifest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.of) >= maxManifests {
		for k := range m.of {
			delete(m.of, k)
			break
		}
	}
	m.of[digest] = found
}

// knowManifest is fetchManifest where no small read of the file came before.
func (g *get) knowManifest(ctx context.Context) error {
	m, known := g.client.manifests.get(g.file.Manifest)
	if known && m.Layout == g.layout && m.Index == g.file.Index {
		g.manifest = m
		return nil
	}
	err := g.fetchManifest(ctx)
	if err == nil {
		g.client.manifests.keep(g.file.Manifest, g.manifest)
	}
	return err
}

// strangersFirst puts those hosts last that a small read asks for slivers.
func (g *get) strangersFirst(list []holding) []holding {
	asked := make(map[peer.ID]bool)
	for _, h := range list {
		asked[h.host] = asked[h.host] || slices.ContainsFunc(g.small, func(m morsel) bool { return m.number == h.Number })
	}
	slices.SortStableFunc(list, func(a, b holding) int { return compareBool(asked[a.host], asked[b.host]) })
	return list
}
