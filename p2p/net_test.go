package p2p

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"potluck"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// list is a Gate.
type list struct {
	mu       sync.Mutex
	friends  map[peer.ID]bool
	inviting atomic.Bool
}

func (l *list) Admits(p peer.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.friends[p]
}

func (l *list) Inviting() bool { return l.inviting.Load() }

func (l *list) set(p peer.ID, friend bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.friends[p] = friend
}

// cupboard is a Keeper, a Clerk and a Greeter made of functions; those that are nil refuse.
type cupboard struct {
	refuser
	quote func(context.Context, peer.ID, QuoteRequest) (QuoteResponse, error)
	write func(context.Context, peer.ID, WriteRequest, io.Reader) (WriteResponse, error)
	read  func(context.Context, peer.ID, ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error)
	have  func(context.Context, peer.ID, HaveRequest) (HaveResponse, error)
	alloc func(context.Context, peer.ID, AllocateRequest) (AllocateResponse, error)
	store func(context.Context, peer.ID, StoreRequest) (StoreResponse, error)
	stop  func(context.Context, peer.ID, CancelRequest) (CancelResponse, error)
	renew func(context.Context, peer.ID, RenewRequest) (RenewResponse, error)
	join  func(context.Context, peer.ID, JoinRequest) (JoinResponse, error)

	sliver func(context.Context, peer.ID, SliverRequest) (SliverResponse, error)

	deliver func(context.Context, peer.ID, DeliverRequest) (DeliverResponse, error)
	sync    func(context.Context, peer.ID, SyncRequest) (SyncResponse, error)
	propose func(context.Context, peer.ID, StatementRequest) (StatementResponse, error)
	account func(context.Context, peer.ID, AccountRequest) (AccountResponse, error)
	notice  func(context.Context, peer.ID, NoticeRequest) (NoticeResponse, error)
	loss    func(context.Context, peer.ID, LossRequest) (LossResponse, error)
	tell    func(context.Context, peer.ID, AudienceRequest) (AudienceResponse, error)
	ranges  func(context.Context, peer.ID, RangesRequest) (RangesResponse, error)
	list    func(context.Context, peer.ID, ListRequest) (ListResponse, error)
}

func (c *cupboard) Quote(ctx context.Context, p peer.ID, q QuoteRequest) (QuoteResponse, error) {
	if c.quote == nil {
		return c.refuser.Quote(ctx, p, q)
	}
	return c.quote(ctx, p, q)
}

func (c *cupboard) Allocate(ctx context.Context, p peer.ID, q AllocateRequest) (AllocateResponse, error) {
	if c.alloc == nil {
		return c.refuser.Allocate(ctx, p, q)
	}
	return c.alloc(ctx, p, q)
}

func (c *cupboard) Store(ctx context.Context, p peer.ID, s StoreRequest) (StoreResponse, error) {
	if c.store == nil {
		return c.refuser.Store(ctx, p, s)
	}
	return c.store(ctx, p, s)
}

func (c *cupboard) Have(ctx context.Context, p peer.ID, q HaveRequest) (HaveResponse, error) {
	if c.have == nil {
		return c.refuser.Have(ctx, p, q)
	}
	return c.have(ctx, p, q)
}

func (c *cupboard) Sliver(ctx context.Context, p peer.ID, s SliverRequest) (SliverResponse, error) {
	if c.sliver == nil {
		return c.refuser.Sliver(ctx, p, s)
	}
	return c.sliver(ctx, p, s)
}

func (c *cupboard) Cancel(ctx context.Context, p peer.ID, q CancelRequest) (CancelResponse, error) {
	if c.stop == nil {
		return c.refuser.Cancel(ctx, p, q)
	}
	return c.stop(ctx, p, q)
}

func (c *cupboard) Renew(ctx context.Context, p peer.ID, q RenewRequest) (RenewResponse, error) {
	if c.renew == nil {
		return c.refuser.Renew(ctx, p, q)
	}
	return c.renew(ctx, p, q)
}

func (c *cupboard) Write(ctx context.Context, p peer.ID, w WriteRequest, b io.Reader) (WriteResponse, error) {
	if c.write == nil {
		return c.refuser.Write(ctx, p, w, b)
	}
	return c.write(ctx, p, w, b)
}

func (c *cupboard) Read(ctx context.Context, p peer.ID, r ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
	if c.read == nil {
		return c.refuser.Read(ctx, p, r)
	}
	return c.read(ctx, p, r)
}

func (c *cupboard) Join(ctx context.Context, p peer.ID, j JoinRequest) (JoinResponse, error) {
	if c.join == nil {
		return c.refuser.Join(ctx, p, j)
	}
	return c.join(ctx, p, j)
}

func (c *cupboard) Deliver(ctx context.Context, p peer.ID, q DeliverRequest) (DeliverResponse, error) {
	if c.deliver == nil {
		return c.refuser.Deliver(ctx, p, q)
	}
	return c.deliver(ctx, p, q)
}

func (c *cupboard) Sync(ctx context.Context, p peer.ID, q SyncRequest) (SyncResponse, error) {
	if c.sync == nil {
		return c.refuser.Sync(ctx, p, q)
	}
	return c.sync(ctx, p, q)
}

func (c *cupboard) Propose(ctx context.Context, p peer.ID, q StatementRequest) (StatementResponse, error) {
	if c.propose == nil {
		return c.refuser.Propose(ctx, p, q)
	}
	return c.propose(ctx, p, q)
}

func (c *cupboard) Account(ctx context.Context, p peer.ID, q AccountRequest) (AccountResponse, error) {
	if c.account == nil {
		return c.refuser.Account(ctx, p, q)
	}
	return c.account(ctx, p, q)
}

func (c *cupboard) Audience(ctx context.Context, p peer.ID, q AudienceRequest) (AudienceResponse, error) {
	if c.tell == nil {
		return c.refuser.Audience(ctx, p, q)
	}
	return c.tell(ctx, p, q)
}

func (c *cupboard) Loss(ctx context.Context, p peer.ID, q LossRequest) (LossResponse, error) {
	if c.loss == nil {
		return c.refuser.Loss(ctx, p, q)
	}
	return c.loss(ctx, p, q)
}

func (c *cupboard) Notice(ctx context.Context, p peer.ID, q NoticeRequest) (NoticeResponse, error) {
	if c.notice == nil {
		return c.refuser.Notice(ctx, p, q)
	}
	return c.notice(ctx, p, q)
}

func (c *cupboard) Ranges(ctx context.Context, p peer.ID, q RangesRequest) (RangesResponse, error) {
	if c.ranges == nil {
		return c.refuser.Ranges(ctx, p, q)
	}
	return c.ranges(ctx, p, q)
}

func (c *cupboard) List(ctx context.Context, p peer.ID, q ListRequest) (ListResponse, error) {
	if c.list == nil {
		return c.refuser.List(ctx, p, q)
	}
	return c.list(ctx, p, q)
}

// node is a Host with what it was made of.
type node struct {
	*Host
	gate *list
	logs *logBook
}

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var transports = map[string]string{
	"tcp":  "/ip4/127.0.0.1/tcp/0",
	"quic": "/ip4/127.0.0.1/udp/0/quic-v1",
}

// shortLimits makes stalls end soon.
var shortLimits = Limits{
	ControlIdle: 100 * time.Millisecond, BulkIdle: 100 * time.Millisecond, Answer: 250 * time.Millisecond,
	StrangerTime: 100 * time.Millisecond,
}

func newKey(t testing.TB) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newNode(t testing.TB, transport string, c Config) *node {
	t.Helper()
	n := &node{gate: &list{friends: make(map[peer.ID]bool)}, logs: new(logBook)}
	c.Key = newKey(t)
	c.Gate = n.gate
	c.Log = slog.New(slog.NewTextHandler(n.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if c.Listen == nil {
		c.Listen = []string{transports[transport]}
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	n.Host = h
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// befriend makes two nodes friends and connects them.
func befriend(t testing.TB, a, b *node) {
	t.Helper()
	a.gate.set(b.ID(), true)
	b.gate.set(a.ID(), true)
	if err := a.Connect(t.Context(), b.ID(), b.Addrs()); err != nil {
		t.Fatal(err)
	}
}

// pair gives a client and a server that are connected friends.
func pair(t testing.TB, transport string, l Limits, c *cupboard) (client, server *node) {
	t.Helper()
	client = newNode(t, transport, Config{Limits: l})
	server = newNode(t, transport, Config{Limits: l, Keeper: c, Clerk: c, Greeter: c})
	befriend(t, client, server)
	return client, server
}

// rawStream opens a stream below the client half, for those who misbehave.
func rawStream(t testing.TB, from, to *node, id protocol.ID) network.Stream {
	t.Helper()
	s, err := from.basic.NewStream(t.Context(), to.ID(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Reset() })
	if err := s.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s
}

// eventually waits until ok holds; for what libp2p does in its own time.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never came: %s", what)
		}
	}
}

func eachTransport(t *testing.T, run func(t *testing.T, transport string)) {
	for name := range transports {
		t.Run(name, func(t *testing.T) { run(t, name) })
	}
}

// shared is a variable that a test and its keepers both use.
type shared[T any] struct {
	mu sync.Mutex
	v  T
}

func (s *shared[T]) set(v T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.v = v
}

func (s *shared[T]) get() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.v
}
