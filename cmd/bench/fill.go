package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/node"
)

// books are what long lists are read from: so many shares that a node holds for its
// friends, and as many that they hold for it.
type books struct {
	data    string // the node's directory
	rows    int    // shares held, and placements
	friends []crypto.PrivKey
	ids     []peer.ID
	events  uint64 // in the log
}

const (
	listFriends  = 150
	sharesOfFile = 10
	fillers      = 64 // writers at once: the books write them together
	tinyCharge   = 4096
)

// tinyLayout is that of every file in the books.
var tinyLayout = potluck.Layout{Suite: 1, K: 3, N: sharesOfFile, Block: 1024, Size: 3000}

// fillBooks makes the data directory of a node with long books. Nothing is in its
// store.
func fillBooks(ctx context.Context, data string, rows int) (*books, error) {
	f := &books{data: data, rows: rows}
	n, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	self := n.Self()
	if err := n.Close(); err != nil {
		return nil, err
	}
	for range listFriends {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			return nil, err
		}
		id, err := peer.IDFromPrivateKey(key)
		if err != nil {
			return nil, err
		}
		f.friends, f.ids = append(f.friends, key), append(f.ids, id)
	}
	book, err := ledger.Open(ctx, ledger.Config{Self: self, Dir: filepath.Join(data, "ledger"), Clock: time.Now, Log: slog.New(slog.DiscardHandler), Small: true})
	if err != nil {
		return nil, err
	}
	for _, fill := range []func(context.Context, *ledger.Book) error{f.befriend, f.hold, f.place, f.publish, f.record} {
		if err = fill(ctx, book); err != nil {
			break
		}
	}
	last, seen := book.LastEvent(ctx)
	f.events = last.Seq
	return f, errors.Join(err, seen, book.Close())
}

// open starts the node of the books.
func (f *books) open(ctx context.Context) (*node.Node, error) {
	return node.New(ctx, node.Config{Data: f.data, Name: "lists", Offer: 1024 * potluck.TiB, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, CrawlShare: -1, ScrubDays: -1})
}

func (f *books) befriend(ctx context.Context, book *ledger.Book) error {
	for i, id := range f.ids {
		terms := ledger.Terms{RatioPPM: 1_000_000, Gift: potluck.TiB, Opening: potluck.GiB}
		if err := book.Befriend(ctx, ledger.Account{Peer: id, Name: fmt.Sprintf("friend %03d", i), Terms: terms}); err != nil {
			return err
		}
	}
	return nil
}

// spread calls do for the numbers below count, with several at once.
func spread(ctx context.Context, count int, do func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fillers)
	for i := 0; i < count && ctx.Err() == nil; i++ {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// scattered gives the number of a file in the order of a hash.
func scattered(n int, kind byte) (index potluck.StorageIndex) {
	binary.BigEndian.PutUint64(index[:], uint64(n)*0x9e3779b97f4a7c15)
	index[8] = kind
	return index
}

func digestOf(n int) (d potluck.Digest) {
	binary.BigEndian.PutUint64(d[:], uint64(n)+1)
	return d
}

// hold makes the shares that this node holds, one for each file.
func (f *books) hold(ctx context.Context, book *ledger.Book) error {
	const step = ledger.MaxBatch
	until := time.Now().Add(time.Hour)
	return spread(ctx, (f.rows+step-1)/step, func(ctx context.Context, at int) error {
		found := make([]ledger.Found, 0, step)
		for n := at * step; n < min((at+1)*step, f.rows); n++ {
			found = append(found, ledger.Found{Share: potluck.ShareID{Index: scattered(n, 'h'), Number: potluck.ShareNumber(n % sharesOfFile)},
				Owner: f.ids[n%len(f.ids)], Layout: tinyLayout, Charge: tinyCharge, Root: digestOf(n), Manifest: digestOf(n)})
		}
		_, err := book.Adopt(ctx, found, until)
		return err
	})
}

// place makes the files that this node put, each with its shares at friends.
func (f *books) place(ctx context.Context, book *ledger.Book) error {
	receipt := make([]byte, 200)
	now := time.Now().Unix()
	return spread(ctx, f.rows/sharesOfFile, func(ctx context.Context, n int) error {
		file := ledger.File{Index: scattered(n, 'p'), Manifest: digestOf(n), Layout: tinyLayout, Name: fmt.Sprintf("folder/file %06d", n), Put: now, Wanted: sharesOfFile}
		placed := make([]ledger.Placement, sharesOfFile)
		for i := range placed {
			placed[i] = ledger.Placement{Share: potluck.ShareID{Index: file.Index, Number: potluck.ShareNumber(i)}, Host: f.ids[(n+i*7)%len(f.ids)], Layout: tinyLayout,
				Charge: tinyCharge, Root: digestOf(n), Manifest: digestOf(n), Receipt: receipt, Placed: now, LastGood: now, State: ledger.PlacedStable}
		}
		return book.PlaceFile(ctx, placed, file)
	})
}

// publish makes a statement of each friend for each other one, signed by both.
func (f *books) publish(ctx context.Context, book *ledger.Book) error {
	count := len(f.ids)
	return spread(ctx, count*count, func(ctx context.Context, n int) error {
		host, owner := n/count, n%count
		if host == owner {
			return nil
		}
		s := signed.Statement{Host: f.ids[host], Owner: f.ids[owner], Number: 1, Time: time.Now().Unix(), Bytes: potluck.Size(n), Shares: 1, Digest: digestOf(n)}
		byHost, err := signed.SealStatement(f.friends[host], s)
		if err != nil {
			return err
		}
		byOwner, err := signed.SealStatement(f.friends[owner], s)
		if err != nil {
			return err
		}
		_, err = book.Accept(ctx, signed.StatementOf(byHost, byOwner))
		return err
	})
}

// record gives every friend 90 days of history.
func (f *books) record(ctx context.Context, book *ledger.Book) error {
	today := ledger.DayOf(time.Now().Unix())
	return spread(ctx, len(f.ids), func(ctx context.Context, n int) error {
		rows := make([]ledger.Past, 90)
		for i := range rows {
			rows[i] = ledger.Past{Peer: f.ids[n], Day: today - int64(i), Deeds: ledger.Deeds{Held: 96 * tinyCharge, Earned: 96 * tinyCharge, Seen: 90, Of: 96, AuditsGood: 66}}
		}
		return book.Record(ctx, rows)
	})
}
