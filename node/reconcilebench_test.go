package node

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// counted is a holding whose messages are counted as they would cross.
type counted struct {
	holding
	sent int
}

func (c *counted) sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error) {
	out, err := c.holding.sums(ctx, spans)
	c.sent += encodedLen(p2p.RangesRequest{Role: p2p.AsOwner, Spans: spans}) + encodedLen(p2p.RangesResponse{Sums: out})
	return out, err
}

func (c *counted) list(ctx context.Context, span p2p.Span) ([]p2p.Item, bool, error) {
	items, more, err := c.holding.list(ctx, span)
	c.sent += encodedLen(p2p.ListRequest{Role: p2p.AsOwner, Span: span}) + encodedLen(p2p.ListResponse{Items: items, More: more})
	return items, more, err
}

// BenchmarkReconcileMillion compares two books of a million shares that differ in
// ten. To make them takes minutes.
func BenchmarkReconcileMillion(b *testing.B) { benchmarkReconcile(b, 1_000_000) }

func BenchmarkReconcileThousands(b *testing.B) { benchmarkReconcile(b, 50_000) }

func benchmarkReconcile(b *testing.B, shares int) {
	r := rand.New(rand.NewPCG(7, 7))
	host, owner := benchPeer(b, r), benchPeer(b, r)
	items := make([]p2p.Item, shares)
	for i := range items {
		items[i] = someItem(r, randomIndex(r))
	}
	theirs, want := changed(r, items, 10)
	mine := counted{holding: booked{placedBook(b, owner, host, items), host, owner}}
	other := counted{holding: booked{heldBook(b, host, owner, theirs), host, owner}}
	b.ReportAllocs()
	begun := cpuTime(b)
	for b.Loop() {
		other.sent = 0
		c, err := compare(b.Context(), &mine, &other, potluck.ShareID{})
		if err != nil || len(c.found) != len(want) {
			b.Fatalf("%d of %d differences, %v", len(c.found), len(want), err)
		}
	}
	b.ReportMetric((cpuTime(b)-begun).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(other.sent), "wire-B/op")
}

// benchPeer gives the ID of a new key.
func benchPeer(b *testing.B, r *rand.Rand) peer.ID {
	b.Helper()
	var seed [32]byte
	for i := range 4 {
		binary.BigEndian.PutUint64(seed[8*i:], r.Uint64())
	}
	_, public, err := crypto.GenerateEd25519Key(rand.NewChaCha8(seed))
	if err != nil {
		b.Fatal(err)
	}
	p, err := peer.IDFromPublicKey(public)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func benchBook(b *testing.B, self, other peer.ID) *ledger.Book {
	b.Helper()
	book, err := ledger.Open(b.Context(), ledger.Config{Self: self, Dir: b.TempDir(), Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := book.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := book.Befriend(b.Context(), ledger.Account{Peer: other, Name: "other", Terms: ledger.DefaultTerms()}); err != nil {
		b.Fatal(err)
	}
	return book
}

// placedBook is the owner's.
func placedBook(b *testing.B, self, host peer.ID, items []p2p.Item) *ledger.Book {
	book := benchBook(b, self, host)
	inBatches(b, items, func(part []p2p.Item) error {
		return book.Place(b.Context(), each(part, func(x p2p.Item) ledger.Placement {
			return ledger.Placement{Share: x.Share, Host: host, Layout: x.Layout, Charge: x.Charge, Root: x.Root, Manifest: x.Manifest, Placed: 1, State: ledger.PlacedStable}
		}))
	})
	return book
}

// heldBook is the host's.
func heldBook(b *testing.B, self, owner peer.ID, items []p2p.Item) *ledger.Book {
	book := benchBook(b, self, owner)
	inBatches(b, items, func(part []p2p.Item) error {
		_, err := book.Adopt(b.Context(), each(part, func(x p2p.Item) ledger.Found {
			return ledger.Found{Share: x.Share, Owner: owner, Layout: x.Layout, Charge: x.Charge, Root: x.Root, Manifest: x.Manifest, Created: 1}
		}), time.Now().Add(time.Hour))
		return err
	})
	return book
}

// inBatches writes batches one after the other.
func inBatches(b *testing.B, items []p2p.Item, write func([]p2p.Item) error) {
	b.Helper()
	for len(items) > 0 {
		n := min(len(items), ledger.MaxBatch)
		if err := write(items[:n]); err != nil {
			b.Fatal(err)
		}
		items = items[n:]
	}
}
