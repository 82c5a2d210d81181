package p2p

import (
	"context"
	"io"
	"log/slog"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Config is all that a Host is made of. Nothing of it changes afterwards.
type Config struct {
	Key     crypto.PrivKey // the node key; Ed25519
	Listen  []string       // multiaddrs to listen on: /ip4|ip6/…/tcp/… and /ip4|ip6/…/udp/…/quic-v1
	Gate    Gate           // who may come in
	Keeper  Keeper         // answers about shares; nil: such requests are answered "unsupported"
	Clerk   Clerk          // answers about credit; nil: such requests are answered "unsupported"
	Greeter Greeter        // answers joins; nil: joins are answered "unsupported"
	Log     *slog.Logger   // nil: nothing is logged
	Limits  Limits         // zero fields take their defaults

	// Fabric, if not nil, takes the place of the machine's network. Listen then names
	// addresses in it: /memory/N, or /ip4|ip6/…/udp/…/quic-v1. Those of TCP are refused.
	Fabric Fabric

	// Seen, if not nil, is told when an admitted peer connects, when the addresses on
	// which it listens become known (connected again, with addrs), and when its
	// last connection is gone. One goroutine calls it, in order; it must return
	// soon. The slice is the callee's.
	Seen func(p peer.ID, connected bool, addrs []string)
}

// Gate says who may come in. It is asked on dial, accept, after the handshake
// and for every stream, so a peer that is admitted no more is out at once; its
// connections are closed by Host.Recheck.
// Both methods must return at once and be safe for concurrent use.
type Gate interface {
	// Admits tells whether p is known by more than its knocking: a friend, a
	// peer that a friend's pointer sponsors, or a host that a pointer to this
	// node reaches. It may use every protocol; what it is given is decided there.
	Admits(p peer.ID) bool
	// Inviting tells whether an invite is live: strangers may then use the join
	// protocol, and nothing else.
	Inviting() bool
}

// Keeper is the server port for shares, implemented by the node. from is the
// authenticated peer; every request passed its Validate. The context ends with
// the connection of the asker and with the Host.
//
// *potluck.Refusal and *Error cross the wire; any other error is logged here
// in full and crosses as "internal". Sums of bytes that are above potluck.MaxSize
// are told as that, in refusals and quotes too. Methods are called concurrently.
type Keeper interface {
	Quote(ctx context.Context, from peer.ID, q QuoteRequest) (QuoteResponse, error)
	Allocate(ctx context.Context, from peer.ID, a AllocateRequest) (AllocateResponse, error)
	// Write stores one share. body gives exactly w.BodyLen() bytes and then
	// io.EOF: data, manifest, crosscheck. Its last bytes are handed over only
	// after the asker ended its side with nothing behind them, so a body that
	// is too long is never seen whole. An error may be returned before body is
	// read to its end. body must not be used after the return.
	Write(ctx context.Context, from peer.ID, w WriteRequest, body io.Reader) (WriteResponse, error)
	// Store reserves room for one small share and keeps it, all or nothing.
	Store(ctx context.Context, from peer.ID, s StoreRequest) (StoreResponse, error)
	// Read says how many bytes will be sent, and gives a function that writes
	// exactly as many; it is called at most once. When it fails or writes less,
	// the stream is reset, so the asker never takes a part for the whole. When
	// it can't be called any more (the asker is gone) its context is already
	// over: it is called anyway, so that it can release what it holds.
	Read(ctx context.Context, from peer.ID, r ReadRequest) (length potluck.Size, send func(ctx context.Context, w io.Writer) error, err error)
	// Sliver gives whole units of a share with what verifies them.
	Sliver(ctx context.Context, from peer.ID, s SliverRequest) (SliverResponse, error)
	Have(ctx context.Context, from peer.ID, h HaveRequest) (HaveResponse, error)
	Cancel(ctx context.Context, from peer.ID, c CancelRequest) (CancelResponse, error)
	Renew(ctx context.Context, from peer.ID, r RenewRequest) (RenewResponse, error)
}

// Clerk is the server port for credit, implemented by the node. The same rules
// as with Keeper. Documents and statements are opaque here: to parse and verify
// them, and to ask whether from may bring them, is the clerk's.
type Clerk interface {
	// Deliver takes documents in. There is one result for each, in order.
	Deliver(ctx context.Context, from peer.ID, d DeliverRequest) (DeliverResponse, error)
	// Sync gives what from lacks.
	Sync(ctx context.Context, from peer.ID, s SyncRequest) (SyncResponse, error)
	// Propose signs a statement of from, or tells this node's own figures.
	Propose(ctx context.Context, from peer.ID, s StatementRequest) (StatementResponse, error)
	// Account tells from how it stands here.
	Account(ctx context.Context, from peer.ID, a AccountRequest) (AccountResponse, error)
	// Notice hears how this node stands with from. It is durable on return.
	Notice(ctx context.Context, from peer.ID, n NoticeRequest) (NoticeResponse, error)
	// Loss hears what from, a host, can't give back any more. It is durable on return.
	Loss(ctx context.Context, from peer.ID, l LossRequest) (LossResponse, error)
	// Audience hears who may see the statements between from and this node.
	Audience(ctx context.Context, from peer.ID, a AudienceRequest) (AudienceResponse, error)
	// Ranges gives the digests of what one of the two holds for the other. There
	// is one sum for each span, in order.
	Ranges(ctx context.Context, from peer.ID, r RangesRequest) (RangesResponse, error)
	// List gives the first of those shares in one span.
	List(ctx context.Context, from peer.ID, l ListRequest) (ListResponse, error)
}

// Greeter is the server port for holders of an invite. The same rules for
// errors as with Keeper. from may be a stranger: the proof in j is the only
// reason to trust it.
type Greeter interface {
	Join(ctx context.Context, from peer.ID, j JoinRequest) (JoinResponse, error)
}

// Limits bounds what peers may use. A zero field takes the default that is
// named beside it.
type Limits struct {
	ControlIdle    time.Duration // 20 s: longest wait for the next 64 KiB of a message, either way
	BulkIdle       time.Duration // 30 s: longest wait for the next 64 KiB of raw bytes, either way
	Answer         time.Duration // 60 s: longest wait for an answer: the asked may have to sync a slow disk
	KeepAlive      time.Duration // 30 s: how often a silent TCP connection is asked whether the other end is there; 10 s without a word end it
	Dial           time.Duration // 10 s: longest dial of one address, handshake included
	StrangerTime   time.Duration // 15 s: a stranger that became no friend is disconnected after this
	Strangers      int           // 32: connected strangers at once
	StreamsPerPeer int           // 64: requests of one peer served at once; more are refused with "rate"
	Streams        int           // 512: requests served at once; more are refused with "rate"
	ConnsPerPeer   int           // 8: connections with one peer at once
	Conns          int           // 1024: connections at once
	Window         potluck.Size  // 4 MiB: most bytes of one TCP stream that may wait unread here (256 KiB to 16 MiB)
}

// withDefaults gives l with its zero fields filled in.
func (l Limits) withDefaults() Limits {
	fillTime(&l.ControlIdle, 20*time.Second)
	fillTime(&l.BulkIdle, 30*time.Second)
	fillTime(&l.Answer, time.Minute)
	fillTime(&l.KeepAlive, 30*time.Second)
	fillTime(&l.Dial, 10*time.Second)
	fillTime(&l.StrangerTime, 15*time.Second)
	fillCount(&l.Strangers, 32)
	fillCount(&l.StreamsPerPeer, 64)
	fillCount(&l.Streams, 512)
	fillCount(&l.ConnsPerPeer, 8)
	fillCount(&l.Conns, 1024)
	if l.Window == 0 {
		l.Window = 4 * potluck.MiB
	}
	l.Window = min(max(l.Window, 256*potluck.KiB), 16*potluck.MiB)
	return l
}

func fillTime(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

func fillCount(n *int, value int) {
	if *n <= 0 {
		*n = value
	}
}
