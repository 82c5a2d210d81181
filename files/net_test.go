package files_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
	"potluck/shares/memory"
)

// host is a friend for tests: a real libp2p host over a real store in memory,
// with the simplest keeper that follows the protocol, and faults to switch on.
type host struct {
	t     testing.TB
	name  string
	key   crypto.PrivKey
	net   *p2p.Host
	store shares.Store

	mu      sync.Mutex
	leases  map[potluck.ShareID]peer.ID
	coming  map[potluck.ShareID]bool
	refusal *potluck.Refusal           // given to every allocation
	most    int                        // shares taken at most; 0: any number
	lie     func(b []byte)             // changes what a read of data sends
	stall   chan struct{}              // reads and writes wait until it's closed
	breakAt potluck.Size               // a write fails after so many bytes, once
	fault   func(p2p.ReadRequest) bool // true: this read fails
	written atomic.Int64               // raw body bytes taken
	writing int                        // writes under way
	mute    bool                       // allocations are never answered
	asked   atomic.Int32               // allocations
	// loseReceipt: shares are stored, and the answer is an error.
	loseReceipt bool
	think       time.Duration // an allocation is answered so late
	drip        time.Duration // pause before each byte of a manifest or crosscheck

	credit  potluck.Size // charged bytes that it takes in all; 0: any number
	charged map[potluck.ShareID]potluck.Size
	quoted  atomic.Int32  // quotes
	dumb    bool          // quotes are never answered
	slivers atomic.Int32  // asked for
	older   bool          // knows no slivers
	cancels chan struct{} // each cancel sends one when it begins, and takes one to go on; nil: none does
	boast   []p2p.Grant   // what an allocation says of these numbers, whatever is held
}

func (h *host) Admits(peer.ID) bool { return true }
func (h *host) Inviting() bool      { return false }

func newHost(t testing.TB, name string) *host {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, name: name, key: key, store: memory.New(4 * potluck.GiB), leases: map[potluck.ShareID]peer.ID{}, coming: map[potluck.ShareID]bool{}, charged: map[potluck.ShareID]potluck.Size{}}
	h.net, err = p2p.New(p2p.Config{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Gate: h, Keeper: h, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.net.Close() })
	return h
}

func (h *host) Quote(ctx context.Context, _ peer.ID, q p2p.QuoteRequest) (p2p.QuoteResponse, error) {
	h.quoted.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dumb {
		return p2p.QuoteResponse{}, errors.New("says nothing")
	}
	free, no := h.admit(q.Bytes)
	return p2p.QuoteResponse{Free: free, Refusal: no, Name: h.name, Version: potluck.Version}, nil
}

// admit is the simplest admission: so much credit, less what is charged.
func (h *host) admit(asked potluck.Size) (potluck.Size, *potluck.Refusal) {
	if h.credit == 0 {
		return potluck.GiB, nil
	}
	free := h.credit
	for _, c := range h.charged {
		free -= c
	}
	if free = max(0, free); asked <= free {
		return free, nil
	}
	return free, &potluck.Refusal{Code: potluck.CodeUnfunded, Asked: asked, Free: free, Short: asked - free,
		Cures: []potluck.Cure{{Kind: potluck.CureAskHost, Bytes: asked}, {Kind: potluck.CureHold, Bytes: asked - free}}}
}

func (h *host) Renew(context.Context, peer.ID, p2p.RenewRequest) (p2p.RenewResponse, error) {
	return p2p.RenewResponse{}, nil
}

func (h *host) Allocate(ctx context.Context, from peer.ID, a p2p.AllocateRequest) (p2p.AllocateResponse, error) {
	h.asked.Add(1)
	if h.think > 0 {
		<-time.After(h.think)
	}
	if h.mute {
		<-ctx.Done()
		return p2p.AllocateResponse{}, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusal != nil {
		return p2p.AllocateResponse{}, h.refusal
	}
	var r p2p.AllocateResponse
	for _, n := range a.Numbers {
		id := potluck.ShareID{Index: a.Index, Number: n}
		if i := slices.IndexFunc(h.boast, func(g p2p.Grant) bool { return g.Number == n }); i >= 0 {
			r.Grants = append(r.Grants, h.boast[i])
			continue
		}
		info, err := h.store.Stat(ctx, id)
		switch {
		case err == nil && h.leases[id] == from:
			r.Grants = append(r.Grants, p2p.Grant{Number: n, State: p2p.GrantHeld, Offset: shares.DataLen(a.Layout), Root: info.Header.Root, Manifest: info.Header.Manifest})
		case err == nil:
			r.Grants = append(r.Grants, p2p.Grant{Number: n, State: p2p.GrantExists, Offset: shares.DataLen(a.Layout), Root: info.Header.Root, Manifest: info.Header.Manifest})
		case h.most > 0 && len(h.coming) >= h.most:
			return p2p.AllocateResponse{}, &potluck.Refusal{Code: potluck.CodeNoRoom, Asked: 1, Short: 1}
		default:
			if !h.coming[id] { // else its room is reserved
				if _, no := h.admit(shares.Charge(a.Layout)); no != nil {
					return p2p.AllocateResponse{}, no
				}
			}
			h.charged[id] = shares.Charge(a.Layout)
			h.coming[id] = true
			in, err := h.store.Create(ctx, h.header(from, id, a.Layout))
			if err != nil {
				return p2p.AllocateResponse{}, err
			}
			r.Grants = append(r.Grants, p2p.Grant{Number: n, State: p2p.GrantNew, Offset: in.Offset()})
			if err := in.Suspend(); err != nil {
				return p2p.AllocateResponse{}, err
			}
		}
	}
	return r, nil
}

// Store is Allocate and Write, one after the other.
func (h *host) Store(ctx context.Context, from peer.ID, s p2p.StoreRequest) (p2p.StoreResponse, error) {
	a, err := h.Allocate(ctx, from, p2p.AllocateRequest{Index: s.Index, Layout: s.Layout, Numbers: []potluck.ShareNumber{s.Number}})
	if err != nil {
		return p2p.StoreResponse{}, err
	}
	g := a.Grants[0]
	rest := s.Data[g.Offset:]
	w, err := h.Write(ctx, from, p2p.WriteRequest{Index: s.Index, Number: s.Number, Layout: s.Layout, Offset: g.Offset, Length: potluck.Size(len(rest)),
		Manifest: potluck.Size(len(s.Manifest)), Crosscheck: potluck.Size(len(s.Crosscheck))},
		bytes.NewReader(slices.Concat(rest, s.Manifest, s.Crosscheck)))
	return p2p.StoreResponse{State: g.State, Receipt: w.Receipt}, err
}

func (h *host) header(owner peer.ID, id potluck.ShareID, l potluck.Layout) shares.Header {
	pub, err := owner.ExtractPublicKey()
	if err != nil {
		h.t.Error(err)
	}
	raw, err := pub.Raw()
	if err != nil {
		h.t.Error(err)
	}
	return shares.Header{ID: id, Layout: l, Owner: [32]byte(raw), Created: 1}
}

func (h *host) Write(ctx context.Context, from peer.ID, w p2p.WriteRequest, body io.Reader) (p2p.WriteResponse, error) {
	h.count(1)
	defer h.count(-1)
	h.wait(ctx)
	id := potluck.ShareID{Index: w.Index, Number: w.Number}
	head := h.header(from, id, w.Layout)
	in, err := h.store.Create(ctx, head)
	if errors.Is(err, shares.ErrExists) {
		return h.adopt(ctx, from, id, w, body)
	}
	if err != nil {
		return p2p.WriteResponse{}, err
	}
	h.mu.Lock()
	limit := h.breakAt
	h.breakAt = 0
	h.mu.Unlock()
	var src io.Reader = io.LimitReader(body, int64(w.Length))
	if limit > 0 {
		src = io.LimitReader(src, int64(limit))
	}
	n, err := io.Copy(in, src)
	h.written.Add(n)
	if err != nil || limit > 0 {
		return p2p.WriteResponse{}, errors.Join(errors.New("broken off"), err, in.Suspend())
	}
	manifest, cross := make([]byte, w.Manifest), make([]byte, w.Crosscheck)
	for _, b := range [][]byte{manifest, cross} {
		if _, err := io.ReadFull(body, b); err != nil {
			return p2p.WriteResponse{}, errors.Join(err, in.Suspend())
		}
	}
	if head, err = in.Commit(ctx, manifest, cross); err != nil {
		return p2p.WriteResponse{}, err
	}
	r, err := h.receipt(from, head)
	if h.loseReceipt {
		return p2p.WriteResponse{}, errors.New("the receipt is lost")
	}
	return r, err
}

func (h *host) count(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writing += n
}

func (h *host) adopt(ctx context.Context, from peer.ID, id potluck.ShareID, w p2p.WriteRequest, body io.Reader) (p2p.WriteResponse, error) {
	manifest, err := io.ReadAll(body)
	if err != nil {
		return p2p.WriteResponse{}, err
	}
	info, err := h.store.Stat(ctx, id)
	if err != nil {
		return p2p.WriteResponse{}, err
	}
	if shares.Sum(manifest[:w.Manifest]) != info.Header.Manifest {
		return p2p.WriteResponse{}, &p2p.Error{Code: p2p.CodeConflict}
	}
	return h.receipt(from, info.Header)
}

func (h *host) receipt(owner peer.ID, head shares.Header) (p2p.WriteResponse, error) {
	h.mu.Lock()
	h.leases[head.ID] = owner
	h.mu.Unlock()
	b, err := p2p.SealReceipt(h.key, p2p.Receipt{
		Host: h.net.ID(), Owner: owner, Share: head.ID, Layout: head.Layout, Charge: shares.Charge(head.Layout),
		Root: head.Root, Manifest: head.Manifest, Time: 1,
	})
	return p2p.WriteResponse{Receipt: b}, err
}

func (h *host) Read(ctx context.Context, _ peer.ID, r p2p.ReadRequest) (potluck.Size, func(context.Context, io.Writer) error, error) {
	h.wait(ctx)
	h.mu.Lock()
	fault, lie := h.fault, h.lie
	h.mu.Unlock()
	if fault != nil && fault(r) {
		return 0, nil, &p2p.Error{Code: p2p.CodeNotFound}
	}
	s, err := h.store.Open(ctx, potluck.ShareID{Index: r.Index, Number: r.Number})
	if err != nil {
		return 0, nil, &p2p.Error{Code: p2p.CodeNotFound}
	}
	var b []byte
	switch r.Part {
	case p2p.PartManifest:
		b = s.Manifest()
	case p2p.PartCrosscheck:
		if b, err = s.Crosscheck(ctx); err != nil {
			return 0, nil, err
		}
	default:
		length := shares.SliceLen(shares.DataLen(s.Header().Layout), r.Offset, r.Length)
		return length, func(ctx context.Context, w io.Writer) error {
			defer s.Close()
			if lie != nil {
				w = liar{w, lie}
			}
			return s.Slice(ctx, w, r.Offset, r.Length)
		}, nil
	}
	return potluck.Size(len(b)), func(_ context.Context, w io.Writer) error {
		defer s.Close()
		for ; h.drip > 0 && len(b) > 0; b = b[1:] {
			<-time.After(h.drip)
			if _, err := w.Write(b[:1]); err != nil {
				return err
			}
		}
		_, err := w.Write(b)
		return err
	}, nil
}

func (h *host) Sliver(ctx context.Context, _ peer.ID, r p2p.SliverRequest) (p2p.SliverResponse, error) {
	h.slivers.Add(1)
	h.wait(ctx)
	h.mu.Lock()
	older, lie := h.older, h.lie
	h.mu.Unlock()
	if older {
		return p2p.SliverResponse{}, &p2p.Error{Code: p2p.CodeUnsupported}
	}
	s, err := h.store.Open(ctx, potluck.ShareID{Index: r.Index, Number: r.Number})
	if err != nil {
		return p2p.SliverResponse{}, &p2p.Error{Code: p2p.CodeNotFound}
	}
	defer s.Close()
	size := shares.DataLen(s.Header().Layout)
	off, n := shares.UnitRange(size, r.First, r.Units)
	var slice bytes.Buffer
	if err := s.Slice(ctx, &slice, off, n); err != nil {
		return p2p.SliverResponse{}, err
	}
	b, err := shares.Sliver(slice.Bytes(), size, r.First, r.Units)
	if err == nil && lie != nil {
		lie(b)
	}
	return p2p.SliverResponse{Sliver: b}, err
}

type liar struct {
	io.Writer
	lie func([]byte)
}

func (l liar) Write(p []byte) (int, error) {
	b := slices.Clone(p)
	l.lie(b)
	return l.Writer.Write(b)
}

// wait blocks while the host is stalled.
func (h *host) wait(ctx context.Context) {
	h.mu.Lock()
	stall := h.stall
	h.mu.Unlock()
	if stall != nil {
		select {
		case <-stall:
		case <-ctx.Done():
		}
	}
}

func (h *host) Have(ctx context.Context, from peer.ID, q p2p.HaveRequest) (p2p.HaveResponse, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var r p2p.HaveResponse
	for _, index := range q.Indexes {
		set := p2p.ShareSet{}
		err := h.store.List(ctx, potluck.ShareID{}, func(i shares.Info) error {
			if i.ID.Index == index {
				set.Shares = append(set.Shares, p2p.HeldShare{Number: i.ID.Number, Root: i.Header.Root, Manifest: i.Header.Manifest, Mine: h.leases[i.ID] == from})
			}
			return nil
		})
		if err != nil {
			return r, err
		}
		r.Sets = append(r.Sets, set)
	}
	return r, nil
}

func (h *host) Cancel(ctx context.Context, from peer.ID, c p2p.CancelRequest) (p2p.CancelResponse, error) {
	if h.cancels != nil {
		h.cancels <- struct{}{}
		<-h.cancels
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var r p2p.CancelResponse
	for _, id := range c.Shares {
		if err := h.store.Delete(ctx, id); errors.Is(err, shares.ErrBusy) {
			return r, &p2p.Error{Code: p2p.CodeBusy}
		} else if err != nil {
			return r, err
		}
		if h.leases[id] == from {
			r.Cancelled++
			r.Freed++
		}
		delete(h.leases, id)
		delete(h.coming, id)
		delete(h.charged, id)
	}
	return r, nil
}

// held counts what the host keeps or has reserved.
func (h *host) held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.leases)
	for id := range h.coming {
		if _, leased := h.leases[id]; !leased {
			n++
		}
	}
	return n
}

// circle is an owner with friends.
type circle struct {
	t     testing.TB
	owner *host
	hosts []*host
	books *books
	files *files.Client
	cfg   files.Config
}

func newCircle(t testing.TB, friends int) *circle {
	t.Helper()
	c := &circle{t: t, owner: newHost(t, "owner"), books: &books{files: map[potluck.StorageIndex]ledger.File{}}}
	for i := range friends {
		h := newHost(t, fmt.Sprintf("friend%d", i))
		c.hosts = append(c.hosts, h)
		c.books.places = append(c.books.places, files.Place{Peer: h.net.ID(), Name: h.name, Friend: true})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := c.owner.net.Connect(ctx, h.net.ID(), h.net.Addrs()); err != nil {
			t.Fatal(err)
		}
	}
	c.cfg = files.Config{
		Self: c.owner.net.ID(), Network: c.owner.net, Books: c.books, Hosts: c.books, Secret: caps.Secret{1},
		Rand: zeros{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler), Stall: 2 * time.Second,
	}
	c.restart()
	t.Cleanup(func() { c.files.Close() })
	return c
}

// restart stands for the end of the owner's process and a new one: the books
// stay, all else is new.
func (c *circle) restart() {
	if c.files != nil {
		c.files.Close()
	}
	c.files = files.New(c.cfg)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// books is the simplest thing that keeps what files writes down.
type books struct {
	mu      sync.Mutex
	places  []files.Place
	placed  []ledger.Placement
	files   map[potluck.StorageIndex]ledger.File
	placing func() // called before placements are written; nil: nothing is
}

func (b *books) Hosts(context.Context) ([]files.Place, error) { return b.places, nil }

func (b *books) Place(_ context.Context, ps []ledger.Placement) error {
	if b.placing != nil {
		b.placing()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range ps {
		b.placed = slices.DeleteFunc(b.placed, func(o ledger.Placement) bool { return o.Share == p.Share && o.Host == p.Host })
		b.placed = append(b.placed, p)
	}
	return nil
}

func (b *books) Unplace(_ context.Context, host peer.ID, ids []potluck.ShareID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.placed = slices.DeleteFunc(b.placed, func(o ledger.Placement) bool { return o.Host == host && slices.Contains(ids, o.Share) })
	return nil
}

func (b *books) Mark(_ context.Context, host peer.ID, ids []potluck.ShareID, s ledger.PlacementState, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, o := range b.placed {
		if o.Host == host && slices.Contains(ids, o.Share) {
			b.placed[i].State = s
		}
	}
	return nil
}

func (b *books) Placements(_ context.Context, x potluck.StorageIndex) ([]ledger.Placement, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var r []ledger.Placement
	for _, o := range b.placed {
		if o.Share.Index == x {
			r = append(r, o)
		}
	}
	return r, nil
}

func (b *books) PlacementsAt(_ context.Context, host peer.ID, visit func(ledger.Placement) error) error {
	b.mu.Lock()
	rows := slices.Clone(b.placed)
	b.mu.Unlock()
	for _, o := range rows {
		if o.Host == host {
			if err := visit(o); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *books) PlaceFile(ctx context.Context, ps []ledger.Placement, f ledger.File) error {
	if err := b.Place(ctx, ps); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[f.Index] = f
	return nil
}

func (b *books) File(_ context.Context, x potluck.StorageIndex) (ledger.File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f, ok := b.files[x]; ok {
		return f, nil
	}
	return ledger.File{}, ledger.ErrNotFound
}

func (b *books) DropFile(_ context.Context, x potluck.StorageIndex) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.files, x)
	return nil
}
