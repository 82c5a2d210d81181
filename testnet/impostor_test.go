package testnet_test

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"

	"potluck/gateway/api"
	"potluck/p2p"
	"potluck/testnet"
)

// storage are the protocols that an impostor answers.
var storage = []protocol.ID{p2p.ProtocolQuote, p2p.ProtocolAllocate, p2p.ProtocolWrite, p2p.ProtocolRead,
	p2p.ProtocolHave, p2p.ProtocolCancel, p2p.ProtocolRenew}

// A friend that never answers, answers garbage, answers too much or hangs up
// holds up neither a put nor a get; and what the honest ones hold is right.
func TestFriendThatMisbehaves(t *testing.T) {
	t.Parallel() // it waits a lot
	for name, behave := range map[string]func(context.Context, network.Stream){
		"never answers": func(ctx context.Context, s network.Stream) {
			go io.Copy(io.Discard, s) // ends with the stream
			<-ctx.Done()
		},
		"answers garbage": func(_ context.Context, s network.Stream) { s.Write(randomBytes(300, 1)) },
		"answers without end": func(_ context.Context, s network.Stream) {
			for err := error(nil); err == nil; {
				_, err = s.Write([]byte(strings.Repeat("\xff", 64<<10)))
			}
		},
		"says that more comes": func(ctx context.Context, s network.Stream) {
			s.Write([]byte{0, 0, 0, 200, 0xa1, 0x01})
			<-ctx.Done()
		},
		"hangs up": func(_ context.Context, s network.Stream) { s.Reset() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			misbehavingFriend(t, behave)
		})
	}
}

func misbehavingFriend(t *testing.T, behave func(context.Context, network.Stream)) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1", "h2", "h3", "bad"}}, func(ctx context.Context, n *testnet.Net) error {
		owner, bad := n.Node("owner"), n.Node("bad")
		old := randomBytes(2*mib, 1)
		before, err := putBytes(ctx, owner, old, api.PutRequest{K: 2, N: 4, Happy: 4})
		if err != nil {
			return err
		}
		if err := bad.Stop(); err != nil {
			return err
		}
		ctx, end := context.WithCancel(ctx)
		defer end()
		stop, err := impersonate(ctx, bad, owner, behave)
		if err != nil {
			return err
		}
		defer stop()
		start := time.Now()
		if _, err := getSame(ctx, owner, before.Cap, old); err != nil {
			return err
		}
		data := randomBytes(2*mib, 2)
		after, err := putBytes(ctx, owner, data, api.PutRequest{K: 2, N: 4, Happy: 3})
		if err != nil {
			return err
		}
		for _, p := range after.Placed {
			if p.Name == "bad" {
				return errors.New("a share counts as placed at the friend that misbehaves")
			}
		}
		if _, err := getSame(ctx, owner, after.Cap, data); err != nil {
			return err
		}
		if took := time.Since(start); took > time.Minute {
			return fmt.Errorf("a get, a put and a get took %v with one bad friend", took)
		}
		return nil
	})
}

// impersonate answers in the place of a stopped node, with its key, and
// connects to another.
func impersonate(ctx context.Context, as, to *testnet.Member, behave func(context.Context, network.Stream)) (stop func(), err error) {
	line, err := os.ReadFile(filepath.Join(as.Dir(), "node.key"))
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(line))
	seed, err := hex.DecodeString(words[len(words)-1])
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("node.key of %s has a seed of %d bytes: %w", as.Label(), len(seed), err)
	}
	key, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		return nil, err
	}
	for _, p := range storage {
		h.SetStreamHandler(p, func(s network.Stream) {
			behave(ctx, s)
			s.Close() // the other end learns what it learns
		})
	}
	if err := connect(ctx, h, to); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := testnet.WaitConnected(ctx, to, as); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return func() { h.Close() }, nil
}

func connect(ctx context.Context, h host.Host, to *testnet.Member) error {
	s, err := to.API().Status(ctx)
	if err != nil {
		return err
	}
	for _, text := range s.Addrs {
		a, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return err
		}
		info, err := peer.AddrInfoFromP2pAddr(a)
		if err != nil {
			return err
		}
		if err = h.Connect(ctx, *info); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no address of %s answers: %v", to.Label(), s.Addrs)
}

// A stranger with a key of its own gets no stream at all.
func TestStrangerGetsNothing(t *testing.T) {
	tell(t, testnet.Local{Nodes: []string{"owner", "h1"}}, func(ctx context.Context, n *testnet.Net) error {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableRelay(), libp2p.DisableMetrics())
		if err != nil {
			return err
		}
		defer h.Close()
		if err := connect(ctx, h, n.Node("h1")); err != nil {
			return nil // it isn't even let in
		}
		for _, p := range storage {
			s, err := h.NewStream(ctx, n.Node("h1").Peer(), p)
			if err != nil {
				continue
			}
			s.SetDeadline(time.Now().Add(5 * time.Second))
			s.Write([]byte{0, 0, 0, 1, 0xa0})
			if got, err := io.ReadAll(s); len(got) > 0 {
				return fmt.Errorf("a stranger got %d bytes by %s (%w)", len(got), p, err)
			}
		}
		return nil
	})
}
