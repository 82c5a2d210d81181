package files

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// hostStreams is how many shares this node sends to one host at once. Hosts serve
// more requests of one peer (p2p.Limits.StreamsPerPeer); the rest is for reads and
// for short ones. Reads of files with a larger k count here too.
const hostStreams = 48

// outlets counts the shares on their way to each host, over all puts, and from
// it in reads of so many shares that one host might be asked for too many. Safe for
// concurrent use.
type outlets struct {
	mu      sync.Mutex
	busy    map[peer.ID]int
	changed chan struct{} // closed and replaced when an outlet is given back
}

func newOutlets() *outlets {
	return &outlets{busy: make(map[peer.ID]int), changed: make(chan struct{})}
}

// take gets an outlet to a host, if one is free. give is to be called once or
// more often, when the share is there or given up.
func (o *outlets) take(host peer.ID) (give func(), ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[host] >= hostStreams {
		return nil, false
	}
	o.busy[host]++
	return sync.OnceFunc(func() { o.give(host) }), true
}

func (o *outlets) give(host peer.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[host]--; o.busy[host] == 0 {
		delete(o.busy, host)
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// await waits for an outlet.
func (o *outlets) await(ctx context.Context, host peer.ID) (give func(), err error) {
	for {
		if give, ok := o.take(host); ok {
			return give, nil
		}
		if err := o.wait(ctx, []peer.ID{host}); err != nil {
			return nil, err
		}
	}
}

// wait returns when one of the hosts has a free outlet.
func (o *outlets) wait(ctx context.Context, hosts []peer.ID) error {
	for {
		o.mu.Lock()
		changed := o.changed
		for _, h := range hosts {
			if o.busy[h] < hostStreams {
				o.mu.Unlock()
				return nil
			}
		}
		o.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
