package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
)

// Host is one node on the network. It is safe for concurrent use.
type Host struct {
	// Immutable after New.
	limits  Limits
	log     *slog.Logger
	fabric  Fabric // nil: the machine's network
	gate    *gater
	conns   *conns
	streams *streams
	traffic *traffic
	swarm   *swarm.Swarm
	basic   *basichost.BasicHost
	quic    *quicreuse.ConnManager
	watch   *watch // nil without Config.Seen

	closing sync.Once
}

// New starts to listen and to serve. It fails if any address of c.Listen can't
// be listened on. The Host must be closed.
func New(c Config) (*Host, error) {
	if c.Key == nil || c.Key.Type() != crypto.Ed25519 || c.Gate == nil {
		return nil, errors.New("p2p: an Ed25519 key and a gate are needed")
	}
	listen, err := parseListen(c.Listen, c.Fabric != nil)
	if err != nil {
		return nil, err
	}
	h := &Host{limits: c.Limits.withDefaults(), log: c.Log, fabric: c.Fabric}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.conns = newConns(c.Gate, h.limits)
	h.streams = newStreams(h.limits)
	h.traffic = &traffic{gate: c.Gate}
	h.gate = newGater(c.Gate, h.conns, h.speaks)
	if err := h.build(c.Key); err != nil {
		return nil, fmt.Errorf("p2p: %w", err)
	}
	h.serve(c.Keeper, c.Clerk, c.Greeter)
	if err := h.start(listen, c); err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("p2p: %w", err)
	}
	return h, nil
}

// build makes the parts and joins them; on error nothing is left.
func (h *Host) build(key crypto.PrivKey) (err error) {
	var undo []func()
	defer func() {
		for i := len(undo) - 1; err != nil && i >= 0; i-- {
			undo[i]()
		}
	}()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return fmt.Errorf("node key: %w", err)
	}
	resources, err := newResources(h.limits)
	if err != nil {
		return fmt.Errorf("resource limits: %w", err)
	}
	undo = append(undo, func() { _ = resources.Close() })
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return fmt.Errorf("peerstore: %w", err)
	}
	undo = append(undo, func() { _ = store.Close() })
	if err := errors.Join(store.AddPrivKey(id, key), store.AddPubKey(id, key.GetPublic())); err != nil {
		return fmt.Errorf("peerstore: %w", err)
	}
	bus := eventbus.NewBus()
	h.swarm, err = swarm.NewSwarm(id, store, bus,
		swarm.WithConnectionGater(h.gate), swarm.WithResourceManager(resources), swarm.WithMetrics(h.traffic),
		swarm.WithDialRanker(rankDials), swarm.WithDialTimeout(h.limits.Dial),
		swarm.WithUDPBlackHoleSuccessCounter(nil), swarm.WithIPv6BlackHoleSuccessCounter(nil))
	if err != nil {
		return fmt.Errorf("swarm: %w", err)
	}
	undo = append(undo, func() { _ = h.swarm.Close() })
	h.swarm.Notify(h.conns)
	if err := addStreams(h.swarm, h.fabric, key, resources, h.gate, h.limits); err != nil {
		return err
	}
	var sockets []quicreuse.Option
	if h.fabric != nil {
		sockets = quicOver(h.fabric)
	}
	h.quic, err = addQUIC(h.swarm, key, resources, h.gate, sockets...)
	if err != nil {
		return err
	}
	undo = append(undo, func() { _ = h.quic.Close() })
	h.basic, err = basichost.NewHost(h.swarm, &basichost.HostOpts{
		EventBus: bus, UserAgent: "potluck/" + potluck.Version, ProtocolVersion: "potluck/1",
		NegotiationTimeout: h.limits.ControlIdle,
	})
	return err
}

// start listens and lets the loops run.
func (h *Host) start(listen []ma.Multiaddr, c Config) error {
	if c.Seen != nil {
		w, err := newWatch(h.basic.EventBus(), c.Gate, c.Seen, h.speaks)
		if err != nil {
			return err
		}
		h.watch = w
	}
	for _, a := range listen {
		if err := h.swarm.Listen(a); err != nil {
			return fmt.Errorf("listen on %v: %w", a, err)
		}
	}
	h.basic.Start()
	return nil
}

// parseListen reads the addresses to listen on.
func parseListen(texts []string, fabric bool) ([]ma.Multiaddr, error) {
	listen := make([]ma.Multiaddr, len(texts))
	for i, text := range texts {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("p2p: listen address %q: %w", text, err)
		}
		switch {
		case fabric && !spoken(a, true):
			return nil, fmt.Errorf("p2p: listen address %q in a fabric is neither /memory/N nor …/udp/PORT/quic-v1", text)
		case !fabric && !spoken(a, false):
			return nil, fmt.Errorf("p2p: listen address %q is neither …/tcp/PORT nor …/udp/PORT/quic-v1", text)
		}
		listen[i] = a
	}
	return listen, nil
}

// Close ends all connections and waits for every goroutine of the Host,
// handlers included: their contexts are over and their streams are reset.
func (h *Host) Close() error {
	var err error
	h.closing.Do(func() {
		h.streams.close()
		h.conns.close()
		err = errors.Join(h.basic.Close(), h.quic.Close())
		h.streams.wait()
		if h.watch != nil {
			h.watch.close()
		}
	})
	return err
}

// ID is the peer ID of the node key.
func (h *Host) ID() peer.ID { return h.swarm.LocalPeer() }

// Addrs gives at most MaxAddrs addresses to dial, TCP first, each ending in
// /p2p/ID. Unspecified addresses are those of all interfaces.
func (h *Host) Addrs() []string {
	var streams, quic []string
	for _, a := range h.basic.Addrs() {
		text := a.String() + "/p2p/" + h.ID().String()
		if transportOf(a) == transportQUIC {
			quic = append(quic, text)
		} else {
			streams = append(streams, text)
		}
	}
	all := append(streams, quic...)
	return all[:min(len(all), MaxAddrs)]
}

// Connect makes a connection to p unless there is one, at addrs and at what is
// known of p from before. p needs to be no friend: to go to it is the node's
// own wish, for a join. One that stays a stranger is disconnected after
// Limits.StrangerTime.
func (h *Host) Connect(ctx context.Context, p peer.ID, addrs []string) error {
	if p == h.ID() {
		return errors.New("connect: that is this node itself")
	}
	known, err := dialAddrs(p, addrs, h.speaks)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer h.gate.want(p)()
	h.swarm.Backoff().Clear(p)
	h.swarm.Peerstore().AddAddrs(p, known, peerstore.RecentlyConnectedAddrTTL)
	if err := h.basic.Connect(ctx, peer.AddrInfo{ID: p}); err != nil {
		return blameDial(ctx, err)
	}
	return nil
}

// dialAddrs reads the addresses of p, with or without /p2p/ID at the end, and
// leaves out those of transports that this node doesn't speak.
func dialAddrs(p peer.ID, texts []string, speaks func(ma.Multiaddr) bool) (addrs []ma.Multiaddr, err error) {
	for _, text := range texts {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", text, err)
		}
		bare, id := peer.SplitAddr(a)
		if id != "" && id != p {
			return nil, fmt.Errorf("address %q is of another peer than %v", text, p)
		}
		if bare != nil && speaks(bare) {
			addrs = append(addrs, bare)
		}
	}
	return addrs, nil
}

// speaks tells whether this node can use an address.
func (h *Host) speaks(a ma.Multiaddr) bool { return spoken(a, h.fabric != nil) }

func blameDial(ctx context.Context, err error) error {
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return fmt.Errorf("connect: %w: %w", ErrTimeout, ctx.Err())
	case ctx.Err() != nil:
		return fmt.Errorf("connect: %w", ctx.Err())
	}
	if dial := new(swarm.DialError); errors.As(err, &dial) {
		err = dial // without the host's word for the same
	}
	return fmt.Errorf("connect: %w: %w", ErrUnreachable, err)
}

// Connected tells whether there is a connection to p.
func (h *Host) Connected(p peer.ID) bool {
	return h.swarm.Connectedness(p) == network.Connected
}

// Recheck asks the gate again about every connection: those of peers that are
// admitted no more are closed, and strangers that came to be admitted may stay.
// It is to be called when the gate's answers changed.
func (h *Host) Recheck() { h.conns.recheck() }

// Disconnect closes all connections with p. Exchanges that are under way break off.
func (h *Host) Disconnect(p peer.ID) { _ = h.swarm.ClosePeer(p) }
