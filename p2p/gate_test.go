package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

func allOpen() *cupboard {
	return &cupboard{
		quote: func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error) { return QuoteResponse{}, nil },
		join: func(context.Context, peer.ID, JoinRequest) (JoinResponse, error) {
			return JoinResponse{Name: "host"}, nil
		},
	}
}

var ourProtocols = []protocol.ID{ProtocolQuote, ProtocolAllocate, ProtocolWrite, ProtocolStore, ProtocolRead, ProtocolSliver, ProtocolHave, ProtocolCancel, ProtocolRenew, ProtocolJoin,
	ProtocolDeliver, ProtocolSync, ProtocolStatement, ProtocolAccount, ProtocolNotice, ProtocolLoss, ProtocolAudience, ProtocolRanges, ProtocolList}

func TestStrangerGetsNothing(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		server := newNode(t, transport, Config{Keeper: allOpen(), Greeter: allOpen()})
		stranger := newNode(t, transport, Config{})
		stranger.gate.set(server.ID(), true)
		// The handshake may seem to work at the dialler's end before it is closed.
		_ = stranger.Connect(t.Context(), server.ID(), server.Addrs())
		for _, id := range ourProtocols {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if s, err := stranger.basic.NewStream(network.WithNoDial(ctx, "test"), server.ID(), id); err == nil {
				_, _ = s.Write([]byte{0})
				if n, err := s.Read(make([]byte, 1)); n > 0 {
					t.Errorf("%s: the stranger read a byte (%v)", id, err)
				}
				_ = s.Reset()
			}
			cancel()
		}
		if server.Connected(stranger.ID()) {
			t.Error("the server is connected with a stranger")
		}
		if agent, err := stranger.basic.Peerstore().Get(server.ID(), "AgentVersion"); err == nil {
			t.Errorf("the stranger was told %q", agent)
		}
		_, err := stranger.Quote(t.Context(), server.ID(), QuoteRequest{})
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("quote: %v", err)
		}
	})
}

func TestNodeDialsNoStrangersByItself(t *testing.T) {
	server, client := newNode(t, "tcp", Config{Keeper: allOpen()}), newNode(t, "tcp", Config{})
	server.gate.set(client.ID(), true)
	if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestJoinerMayJoinOnly(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		server := newNode(t, transport, Config{Keeper: allOpen(), Greeter: allOpen()})
		joiner := newNode(t, transport, Config{Keeper: allOpen(), Greeter: allOpen()})
		server.gate.inviting.Store(true)
		if err := joiner.Connect(t.Context(), server.ID(), server.Addrs()); err != nil {
			t.Fatal(err)
		}
		if _, err := joiner.Quote(t.Context(), server.ID(), QuoteRequest{}); !errors.Is(err, ErrUnreachable) {
			t.Errorf("quote: %v", err)
		}
		r, err := joiner.Join(t.Context(), server.ID(), JoinRequest{})
		if err != nil || r.Name != "host" {
			t.Errorf("join: %v, %v", r, err)
		}
		// The other way the inviter is a stranger too, and the joiner invites nobody.
		server.gate.set(joiner.ID(), true)
		for _, ask := range []func() error{
			func() error { _, err := server.Quote(t.Context(), joiner.ID(), QuoteRequest{}); return err },
			func() error { _, err := server.Join(t.Context(), joiner.ID(), JoinRequest{}); return err },
		} {
			if err := ask(); !errors.Is(err, ErrUnreachable) {
				t.Errorf("from the inviter: %v", err)
			}
		}
		server.gate.inviting.Store(false)
		server.gate.set(joiner.ID(), false)
		if _, err := joiner.Join(t.Context(), server.ID(), JoinRequest{}); !errors.Is(err, ErrUnreachable) {
			t.Errorf("join after the last invite: %v", err)
		}
	})
}

func TestStrangersAreFewAndShort(t *testing.T) {
	server := newNode(t, "tcp", Config{Greeter: allOpen(), Limits: Limits{Strangers: 8, StrangerTime: 300 * time.Millisecond}})
	server.gate.inviting.Store(true)
	var joiners []*node
	for range 10 {
		j := newNode(t, "tcp", Config{})
		joiners = append(joiners, j)
		j.gate.set(server.ID(), true)
		_ = j.Connect(t.Context(), server.ID(), server.Addrs())
	}
	in := func() (n int) {
		for _, j := range joiners {
			if server.Connected(j.ID()) {
				n++
			}
		}
		return n
	}
	if n := in(); n > 8 {
		t.Errorf("%d strangers at once", n)
	}
	eventually(t, "a friend is made", func() bool {
		for _, j := range joiners {
			if server.Connected(j.ID()) {
				server.gate.set(j.ID(), true)
				return true
			}
		}
		return false
	})
	eventually(t, "the others are gone", func() bool { return in() == 1 })
	eventually(t, "and counted out", func() bool {
		server.conns.mu.Lock()
		defer server.conns.mu.Unlock()
		return server.conns.among == 0 && len(server.conns.open) == 1
	})
}

// knock is a connection that only counts.
type knock struct {
	network.Conn
	id int
}

func (k knock) RemotePeer() peer.ID { return peer.ID(fmt.Sprint("peer ", k.id)) }

func TestStrangersAreCounted(t *testing.T) {
	gate := &list{friends: make(map[peer.ID]bool)}
	c := newConns(gate, Limits{Strangers: 8}.withDefaults())
	defer c.close()
	for i := range 8 {
		if !c.add(knock{id: i}, false) {
			t.Fatalf("stranger %d is refused", i)
		}
	}
	if c.add(knock{id: 8}, false) || c.roomForStranger() {
		t.Error("a ninth stranger is in")
	}
	if !c.add(knock{id: 9}, true) {
		t.Error("a friend is refused for the strangers' sake")
	}
	ctx, _ := c.context(knock{id: 3})
	c.remove(knock{id: 3})
	c.remove(knock{id: 3})
	if ctx.Err() == nil {
		t.Error("the context outlives its connection")
	}
	if !c.add(knock{id: 8}, false) || c.add(knock{id: 10}, false) {
		t.Error("leaving strangers are counted wrongly")
	}
	gate.set(knock{id: 5}.RemotePeer(), true)
	if !c.add(knock{id: 10}, false) || c.add(knock{id: 11}, false) {
		t.Error("one that became a friend still counts as a stranger")
	}
}

func TestLostFriendIsOut(t *testing.T) {
	client, server := pair(t, "tcp", Limits{}, allOpen())
	if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{}); err != nil {
		t.Fatal(err)
	}
	server.gate.set(client.ID(), false)
	if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	server.Disconnect(client.ID())
	eventually(t, "disconnected", func() bool { return !client.Connected(server.ID()) })
}

func TestConnectPrefersTCP(t *testing.T) {
	both := []string{transports["quic"], transports["tcp"]}
	a, b := newNode(t, "", Config{Listen: both}), newNode(t, "", Config{Listen: both})
	befriend(t, a, b)
	for _, c := range a.swarm.ConnsToPeer(b.ID()) {
		if got := c.ConnState(); got.Transport != "tcp" || got.Security != "/tls/1.0.0" || got.StreamMultiplexer != "/yamux/1.0.0" {
			t.Errorf("connection state %+v", got)
		}
	}
	if addrs := a.Addrs(); len(addrs) != 2 || !slices.IsSortedFunc(addrs, func(x, y string) int { return len(x) - len(y) }) {
		t.Errorf("addresses %v", addrs)
	}
}

func TestConnectErrors(t *testing.T) {
	a, b := newNode(t, "tcp", Config{}), newNode(t, "tcp", Config{})
	a.gate.set(b.ID(), true)
	for _, addrs := range [][]string{nil, {"/ip4/127.0.0.1/tcp/1"}, {"/ip4/127.0.0.1/tcp/1/ws"}} {
		if err := a.Connect(t.Context(), b.ID(), addrs); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%v: %v", addrs, err)
		}
	}
	for _, addrs := range [][]string{{"nonsense"}, {a.Addrs()[0]}} {
		if err := a.Connect(t.Context(), b.ID(), addrs); err == nil || errors.Is(err, ErrUnreachable) {
			t.Errorf("%v: %v", addrs, err)
		}
	}
	if err := a.Connect(t.Context(), a.ID(), nil); err == nil {
		t.Error("a node connected with itself")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Connect(over, b.ID(), b.Addrs()); !errors.Is(err, context.Canceled) {
		t.Errorf("context is over: %v", err)
	}
}

func TestListenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := newNode(t, "", Config{Listen: []string{transports["tcp"], transports["quic"]}})
	texts := []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", taken.Addr().(*net.TCPAddr).Port), "nonsense", "/ip4/127.0.0.1/tcp/0/ws",
		"/ip4/127.0.0.1/udp/0/quic-v1/webtransport", "/ip4/127.0.0.1/udp/0/webrtc-direct"}
	for _, a := range first.swarm.ListenAddresses() {
		texts = append(texts, a.String())
	}
	for _, text := range texts {
		h, err := New(Config{Key: newKey(t), Gate: &list{}, Listen: []string{transports["tcp"], text}})
		if err == nil {
			t.Errorf("%s: listens", text)
			_ = h.Close()
		}
	}
}

func TestSeen(t *testing.T) {
	type sight struct {
		p         peer.ID
		connected bool
		addrs     int
	}
	var mu sync.Mutex
	var seen []sight
	server := newNode(t, "tcp", Config{Seen: func(p peer.ID, connected bool, addrs []string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, sight{p, connected, len(addrs)})
	}})
	client := newNode(t, "tcp", Config{})
	befriend(t, client, server)
	has := func(s sight) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.Contains(seen, s)
		}
	}
	eventually(t, "connected", has(sight{client.ID(), true, 0}))
	eventually(t, "addresses", has(sight{client.ID(), true, 1}))
	client.Disconnect(server.ID())
	eventually(t, "disconnected", has(sight{client.ID(), false, 0}))
}
