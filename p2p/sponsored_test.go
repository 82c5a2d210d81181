package p2p

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// counted gives how many connections n has, and how many of them count as
// strangers'.
func counted(n *node) (open, strangers int) {
	n.conns.mu.Lock()
	defer n.conns.mu.Unlock()
	return len(n.conns.open), n.conns.among
}

func clerk() *cupboard {
	c := allOpen()
	c.account = func(context.Context, peer.ID, AccountRequest) (AccountResponse, error) {
		return AccountResponse{Distance: 2, Free: 5}, nil
	}
	return c
}

// TestSponsoredPeerIsNoStranger: one that the gate admits is served and may stay,
// however many strangers there are and though nobody invites.
func TestSponsoredPeerIsNoStranger(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		limits := Limits{Strangers: 1, StrangerTime: 50 * time.Millisecond}
		server := newNode(t, transport, Config{Keeper: clerk(), Clerk: clerk(), Limits: limits})
		sponsored := newNode(t, transport, Config{Limits: limits})
		server.gate.set(sponsored.ID(), true)
		sponsored.gate.set(server.ID(), true) // a pointer names it as host
		if err := sponsored.Connect(t.Context(), server.ID(), server.Addrs()); err != nil {
			t.Fatal(err)
		}
		for _, n := range []*node{server, sponsored} {
			eventually(t, "counted in", func() bool { open, strangers := counted(n); return open == 1 && strangers == 0 })
		}
		<-time.After(3 * limits.StrangerTime)
		if a, err := sponsored.Account(t.Context(), server.ID(), AccountRequest{}); err != nil || a.Distance != 2 {
			t.Errorf("account: %+v, %v", a, err)
		}
		if _, err := sponsored.Quote(t.Context(), server.ID(), QuoteRequest{}); err != nil {
			t.Errorf("quote: %v", err)
		}
	})
}

// TestStrangerIsAdmittedWhileConnected: it may use everything at once, makes
// room for other strangers, and isn't sent away when its time is over.
func TestStrangerIsAdmittedWhileConnected(t *testing.T) {
	for _, how := range []string{"asked again", "by its time"} {
		t.Run(how, func(t *testing.T) {
			limits := Limits{Strangers: 1, StrangerTime: 300 * time.Millisecond}
			server := newNode(t, "tcp", Config{Keeper: clerk(), Clerk: clerk(), Greeter: clerk(), Limits: limits})
			client := newNode(t, "tcp", Config{})
			server.gate.inviting.Store(true)
			client.gate.set(server.ID(), true)
			if err := client.Connect(t.Context(), server.ID(), server.Addrs()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "counted as a stranger", func() bool { _, strangers := counted(server); return strangers == 1 })
			if _, err := client.Account(t.Context(), server.ID(), AccountRequest{}); !errors.Is(err, ErrUnreachable) {
				t.Errorf("a stranger asked for its account: %v", err)
			}
			server.gate.set(client.ID(), true)
			server.gate.inviting.Store(false)
			if how == "asked again" {
				server.Recheck()
				if open, strangers := counted(server); open != 1 || strangers != 0 {
					t.Errorf("%d connections, %d strangers", open, strangers)
				}
			}
			if _, err := client.Account(t.Context(), server.ID(), AccountRequest{}); err != nil {
				t.Error(err)
			}
			<-time.After(2 * limits.StrangerTime)
			if open, strangers := counted(server); open != 1 || strangers != 0 {
				t.Errorf("after its time: %d connections, %d strangers", open, strangers)
			}
			if _, err := client.Quote(t.Context(), server.ID(), QuoteRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAdmittedNoMore: every new stream is refused at once, and what is under way
// ends with the connection when the gate is asked again.
func TestAdmittedNoMore(t *testing.T) {
	eachTransport(t, func(t *testing.T, transport string) {
		began, ended := make(chan struct{}), make(chan struct{})
		c := clerk()
		c.write = func(ctx context.Context, _ peer.ID, _ WriteRequest, body io.Reader) (WriteResponse, error) {
			defer close(ended)
			close(began)
			_, err := io.Copy(io.Discard, body)
			if ctx.Err() == nil && err == nil {
				t.Error("the write went on to its end")
			}
			return WriteResponse{}, err
		}
		server, friend := newNode(t, transport, Config{Keeper: c, Clerk: c}), newNode(t, transport, Config{})
		sponsored := newNode(t, transport, Config{})
		befriend(t, sponsored, server)
		befriend(t, friend, server)
		w, err := sponsored.Write(t.Context(), server.ID(), WriteRequest{Layout: layout, Length: potluck.GiB})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		if err := writeUntil(w, 1<<16); err != nil {
			t.Fatal(err)
		}
		<-began
		server.gate.set(sponsored.ID(), false)
		for _, id := range creditProtocols {
			if err := sayCredit(t, sponsored, server.ID(), id); !errors.Is(err, ErrUnreachable) {
				t.Errorf("%s: %v", id, err)
			}
		}
		server.Recheck()
		<-ended
		eventually(t, "disconnected", func() bool {
			return !sponsored.Connected(server.ID()) && !server.Connected(sponsored.ID())
		})
		if err := sayCredit(t, sponsored, server.ID(), ProtocolAccount); !errors.Is(err, ErrUnreachable) {
			t.Errorf("when it dials again: %v", err)
		}
		if _, err := friend.Account(t.Context(), server.ID(), AccountRequest{}); err != nil {
			t.Errorf("the friend: %v", err)
		}
	})
}

// closing is a connection that tells its conns when it is closed, as libp2p does.
type closing struct {
	knock
	among *conns
}

func (c closing) Close() error {
	c.among.Disconnected(nil, network.Conn(c))
	return nil
}

func TestRecheck(t *testing.T) {
	gate := &list{friends: make(map[peer.ID]bool)}
	c := newConns(gate, Limits{Strangers: 8}.withDefaults())
	defer c.close()
	conn := func(i int) closing { return closing{knock{id: i}, c} }
	for i := range 6 {
		c.add(conn(i), i < 3) // 0, 1, 2 were admitted
	}
	for _, i := range []int{0, 3} {
		gate.set(conn(i).RemotePeer(), true)
	}
	c.recheck()
	for i, stays := range []bool{true, false, false, true, true, true} {
		if _, in := c.context(conn(i)); in != stays {
			t.Errorf("connection %d is in: %v", i, in)
		}
	}
	if c.among != 2 {
		t.Errorf("%d strangers are counted, want 4 and 5", c.among)
	}
	c.recheck()
	if len(c.open) != 4 || c.among != 2 {
		t.Errorf("the second time: %d connections, %d strangers", len(c.open), c.among)
	}
}
