package node

import (
	"bytes"
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// sliceBuffers hold the groups that slivers are cut from: two at most.
var sliceBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Sliver gives some units of a share to any friend, as Read does.
func (k *keep) Sliver(ctx context.Context, _ peer.ID, r p2p.SliverRequest) (p2p.SliverResponse, error) {
	s, err := k.lend(ctx, potluck.ShareID{Index: r.Index, Number: r.Number})
	if err != nil {
		return p2p.SliverResponse{}, err
	}
	defer s.Close()
	size := shares.DataLen(s.Header().Layout)
	off, n := shares.UnitRange(size, r.First, r.Units)
	if n == 0 {
		return p2p.SliverResponse{}, bad("sliver: %d units from %d of a share of %d", r.Units, r.First, shares.Units(size))
	}
	slice := sliceBuffers.Get().(*bytes.Buffer)
	defer sliceBuffers.Put(slice)
	slice.Reset()
	if err := s.Slice(ctx, slice, off, n); err != nil {
		return p2p.SliverResponse{}, k.answer(err)
	}
	sliver, err := shares.Sliver(slice.Bytes(), size, r.First, r.Units)
	if err != nil {
		return p2p.SliverResponse{}, k.answer(err)
	}
	return p2p.SliverResponse{Sliver: sliver}, nil
}
