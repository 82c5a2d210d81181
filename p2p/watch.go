package p2p

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
)

// watch tells Config.Seen about admitted peers that come and go.
type watch struct {
	sub  event.Subscription
	done chan struct{}
}

func newWatch(bus event.Bus, g Gate, seen func(peer.ID, bool, []string), speaks func(ma.Multiaddr) bool) (*watch, error) {
	sub, err := bus.Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(256), eventbus.Name("potluck"))
	if err != nil {
		return nil, fmt.Errorf("subscribe to connections: %w", err)
	}
	w := &watch{sub: sub, done: make(chan struct{})}
	go w.run(g, seen, speaks) // ends when close closes the subscription
	return w, nil
}

func (w *watch) run(g Gate, seen func(peer.ID, bool, []string), speaks func(ma.Multiaddr) bool) {
	defer close(w.done)
	for e := range w.sub.Out() {
		switch e := e.(type) {
		case event.EvtPeerConnectednessChanged:
			if g.Admits(e.Peer) {
				seen(e.Peer, e.Connectedness == network.Connected, nil)
			}
		case event.EvtPeerIdentificationCompleted:
			if g.Admits(e.Peer) && !e.Conn.IsClosed() {
				seen(e.Peer, true, listenAddrs(e, speaks))
			}
		}
	}
}

// listenAddrs gives the addresses of ours and theirs transports on which the
// peer says it listens, at most MaxAddrs, none too long.
func listenAddrs(e event.EvtPeerIdentificationCompleted, speaks func(ma.Multiaddr) bool) (addrs []string) {
	for _, a := range e.ListenAddrs {
		if text := a.String(); speaks(a) && len(text) <= MaxAddrLen && len(addrs) < MaxAddrs {
			addrs = append(addrs, text)
		}
	}
	return addrs
}

// close ends the loop and waits for it.
func (w *watch) close() {
	_ = w.sub.Close()
	<-w.done
}
