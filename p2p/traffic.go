package p2p

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Traffic counts the bytes of all streams with one peer since this node began:
// what the protocols wrote and read, without what encryption and packets add.
type Traffic struct {
	In  int64 // from the peer
	Out int64 // to the peer
}

// traffic counts bytes by peer, of those that are admitted alone: a crowd of
// strangers takes no memory. It is the swarm's reporter, called for every read and
// write of a stream.
type traffic struct {
	gate Gate
	of   sync.Map // peer.ID: *moved
}

type moved struct{ in, out atomic.Int64 }

var _ metrics.Reporter = (*traffic)(nil)

// with gives the counters of a peer; nil when it isn't counted.
func (t *traffic) with(p peer.ID) *moved {
	if m, ok := t.of.Load(p); ok {
		return m.(*moved)
	}
	if !t.gate.Admits(p) {
		return nil
	}
	m, _ := t.of.LoadOrStore(p, new(moved))
	return m.(*moved)
}

// LogRecvMessageStream counts bytes that came.
func (t *traffic) LogRecvMessageStream(n int64, _ protocol.ID, p peer.ID) {
	if m := t.with(p); m != nil {
		m.in.Add(n)
	}
}

// LogSentMessageStream counts bytes that went.
func (t *traffic) LogSentMessageStream(n int64, _ protocol.ID, p peer.ID) {
	if m := t.with(p); m != nil {
		m.out.Add(n)
	}
}

// LogRecvMessage counts nothing: the sum isn't needed.
func (*traffic) LogRecvMessage(int64) {}

// LogSentMessage counts nothing.
func (*traffic) LogSentMessage(int64) {}

// GetBandwidthForPeer gives the two counters.
func (t *traffic) GetBandwidthForPeer(p peer.ID) metrics.Stats {
	m, ok := t.of.Load(p)
	if !ok {
		return metrics.Stats{}
	}
	return metrics.Stats{TotalIn: m.(*moved).in.Load(), TotalOut: m.(*moved).out.Load()}
}

// GetBandwidthForProtocol knows nothing: protocols aren't counted.
func (*traffic) GetBandwidthForProtocol(protocol.ID) metrics.Stats { return metrics.Stats{} }

// GetBandwidthTotals knows nothing.
func (*traffic) GetBandwidthTotals() metrics.Stats { return metrics.Stats{} }

// GetBandwidthByPeer gives the counters of all.
func (t *traffic) GetBandwidthByPeer() map[peer.ID]metrics.Stats {
	all := make(map[peer.ID]metrics.Stats)
	for p, m := range t.all() {
		all[p] = metrics.Stats{TotalIn: m.In, TotalOut: m.Out}
	}
	return all
}

// GetBandwidthByProtocol knows nothing.
func (*traffic) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }

// Reset does nothing: the counters only grow.
func (*traffic) Reset() {}

// TrimIdle does nothing, for the same reason.
func (*traffic) TrimIdle(time.Time) {}

func (t *traffic) all() map[peer.ID]Traffic {
	all := make(map[peer.ID]Traffic)
	t.of.Range(func(p, m any) bool {
		all[p.(peer.ID)] = Traffic{In: m.(*moved).in.Load(), Out: m.(*moved).out.Load()}
		return true
	})
	return all
}

// Traffic gives what was moved with each peer that was admitted since this node
// began. The figures only grow.
func (h *Host) Traffic() map[peer.ID]Traffic { return h.traffic.all() }
