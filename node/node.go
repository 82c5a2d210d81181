// Package node is the roof: one process of a friendnet. It opens the books, the
// store and the network in one data directory, joins them, runs the loops, and
// closes all of it in reverse.
package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/node/keepsake"
	"potluck/p2p"
	"potluck/shares"
	"potluck/shares/disk"
)

// Node is one running node. Its methods are safe for concurrent use.
type Node struct {
	config     Config
	dir        *dataDir
	started    time.Time
	group      *lifecycle.Group
	log        *slog.Logger
	recovering bool // it is being recovered: it serves and signs nothing

	self        peer.ID
	book        *ledger.Book
	store       shares.Store
	wishes      atomic.Pointer[wish] // of config, what is meant to change while the node runs, as it is now
	works       works                // what runs now
	settling    sync.Mutex           // held while config.toml is read to be changed
	gate        *gate
	keep        *keep
	host        *p2p.Host
	files       *files.Client
	tend        *tend
	post        *post
	count       *count
	judge       *judge
	epoch       *epoch
	sealKey     keepsake.Key
	souvenir    *souvenirs
	repair      *repair
	authorities authorities // of friends, for this node
	audit       *audit
	presence    *presence
	crawl       *crawl
	scrub       *scrub
	losses      *losses
	reconcile   *reconcile
	heard       heard
	paced       paced
	shelf       shelf
	audiences   audiences
	recents     recents
	summed      summed

	begun, ended atomic.Int64 // puts of this life

	signing                sync.Mutex // held from reading this node's newest document to writing the next
	meeting                sync.Mutex // held while a peer that is no friend gets its account, or something new in it
	brought, asked, looked tally      // of the clerk
	compared               compared   // of the clerk

	putting sync.RWMutex // read-held by every put, so that none is taken for one that was cut off

	ready   chan struct{} // closed when all of the above is set
	failed  chan struct{} // closed by the first failure that ends the node
	failing sync.Once
	failure error // set before failed is closed
}

// New opens everything in the data directory of c, making it if there is none.
// Friends are served from then on; Run keeps the loops. Errors wrap ErrInUse,
// ErrNewer, ledger.ErrNewer and the like. Close ends the node.
func New(ctx context.Context, c Config) (*Node, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{config: c, log: c.Log, started: c.Clock(), ready: make(chan struct{}), failed: make(chan struct{}), group: lifecycle.NewGroup(c.Log)}
	// If a step fails, or we die at one, the steps before it left nothing that
	// the next start doesn't take as it finds it.
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) (err error) {
	if err := n.enoughRoom(); err != nil {
		return err
	}
	if n.dir, err = openDir(n.config.Data, n.whole); err != nil {
		return err
	}
	n.group.Add(lifecycle.Part{Name: "data directory", Close: n.dir.close})
	key, secret, err := readKey(n.dir.join("node.key"))
	if err != nil {
		return err
	}
	if n.self, err = peer.IDFromPrivateKey(key); err != nil {
		return fmt.Errorf("node key: %w", err)
	}
	if n.sealKey, err = sealKeyOf(key); err != nil {
		return err
	}
	if n.epoch, err = openEpoch(n.dir.path, n.recovering); err != nil {
		return err
	}
	if err := n.openBooks(ctx); err != nil {
		return err
	}
	if err := n.openStore(ctx); err != nil {
		return err
	}
	n.gate = &gate{clock: n.config.Clock}
	n.post, n.count, n.judge, n.souvenir = newPost(n), newCount(n), newJudge(n), newSouvenirs(n)
	n.repair, n.reconcile = newRepair(n), newReconcile(n)
	n.audit, n.presence = newAudit(n), newPresence(n)
	n.crawl, n.scrub, n.losses = newCrawl(n), newScrub(n), newLosses(n)
	if err := n.regate(ctx); err != nil {
		return err
	}
	n.keep = newKeep(&keep{self: n.self, key: key, name: func() string { return n.wish().Name }, book: n.book, store: n.store,
		room: n.room, clock: n.config.Clock, term: n.config.Coming, log: n.log, fatal: n.fatal, shrunk: n.shrunk, damaged: n.losses.add})
	if err := n.recover(ctx); err != nil {
		return err
	}
	if err := errors.Join(n.recall(ctx), n.crawl.load(ctx), n.scrub.load(ctx), n.repair.load(ctx), n.audit.open(n.dir.join("audits.json")),
		n.authorities.open(n.dir.join("authorities"), n.config.Clock().Unix())); err != nil {
		return err
	}
	if err := n.dropRevoked(ctx); err != nil {
		return err
	}
	if err := n.openNetwork(ctx, key, secret); err != nil {
		return err
	}
	close(n.ready)
	return nil
}

// whole refuses a data directory from which something is gone, unless that is what
// is being mended.
func (n *Node) whole(keyGone bool) error {
	if n.recovering {
		return nil
	}
	return checkWhole(n.config.Data, keyGone, n.config.EmptyBooks)
}

// enoughRoom tells of a disk on which a new node could do nothing, before
// anything is made there.
func (n *Node) enoughRoom() error {
	_, err := os.Lstat(filepath.Join(n.config.Data, "node.key"))
	if n.config.Small || !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return ledger.RoomForNew(n.config.Data)
}

func (n *Node) openBooks(ctx context.Context) (err error) {
	n.book, err = ledger.Open(ctx, ledger.Config{Self: n.self, MaxHops: n.config.Hops, ProofWindow: n.config.proofWindow(), Epoch: n.epoch.life, Dir: n.dir.join("ledger"), Clock: n.config.Clock, Log: n.log, Small: n.config.Small})
	if err != nil {
		return cured(n.dir.path, err)
	}
	n.group.Add(lifecycle.Part{Name: "books", Close: n.book.Close})
	return nil
}

func (n *Node) openStore(ctx context.Context) (err error) {
	floor, err := n.freeFloor(n.config)
	if err != nil {
		return err
	}
	n.wishes.Store(&wish{n.config, floor})
	store, err := disk.New(n.dir.join("shares"), disk.Options{})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	n.store = store
	n.group.Add(lifecycle.Part{Name: "store", Close: store.Close})
	swept, err := store.Sweep(ctx, func(id potluck.ShareID) bool {
		_, err := n.book.Share(ctx, id)
		return !errors.Is(err, ledger.ErrNotFound) // what can't be known stays
	})
	if err != nil {
		return fmt.Errorf("remove beginnings of shares that the books don't know: %w", err)
	}
	if swept > 0 {
		n.log.Warn("removed beginnings of shares that the books don't know", "shares", swept)
	}
	return nil
}

// freeFloor decides how much of the disk stays free.
func (n *Node) freeFloor(c Config) (potluck.Size, error) {
	switch f := c.Floor; {
	case f > 0:
		return f, nil
	case f < 0:
		return 0, nil
	}
	all, err := diskSize(n.dir.path)
	return min(potluck.GiB, potluck.Size(all/20)), err
}

// room is what this node can take now, whoever asks.
func (n *Node) room(ctx context.Context) (ledger.Room, error) {
	if n.writable() != nil {
		return ledger.Room{}, nil
	}
	free, err := n.store.Room(ctx)
	if err != nil {
		return ledger.Room{}, fmt.Errorf("room on the disk: %w", err)
	}
	return ledger.Room{Offered: n.wish().Offer, Disk: max(free-n.wish().floor, 0)}, nil
}

func (n *Node) openNetwork(ctx context.Context, key crypto.PrivKey, secret caps.Secret) error {
	n.tend = newTend(n)
	var err error
	if n.tend.leftovers, err = n.leftovers(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	n.host, err = n.openHost(p2p.Config{Key: key, Gate: n.gate, Keeper: n.keep, Clerk: (*clerk)(n), Greeter: (*greeter)(n),
		Log: n.log, Seen: n.tend.seen, Fabric: n.config.Fabric, Limits: n.limits()})
	if err != nil {
		return err
	}
	n.group.Add(lifecycle.Part{Name: "network", Close: n.host.Close})
	n.files = files.New(files.Config{Self: n.self, Network: n.host, Local: n.keep, Books: n.book, Hosts: (*hosts)(n), Secret: secret,
		Rand: rand.Reader, Clock: n.config.Clock, Log: n.log})
	n.group.Add(lifecycle.Part{Name: "files", Close: func() error { n.files.Close(); return nil }})
	for name, loop := range n.tend.loops() {
		n.group.Add(lifecycle.Part{Name: name, Run: loop.Run})
	}
	n.group.Add(lifecycle.Part{Name: "history", Run: n.presence.Run})
	n.group.Add(lifecycle.Part{Name: "disk watch", Run: n.watch})
	return nil
}

// shrunk is told that somebody holds less than before: the statements and the
// standings follow at once.
func (n *Node) shrunk() {
	n.count.cycle.Trigger()
	n.judge.cycle.Trigger()
}

// recover brings rows and bytes into step after whatever ended the last life.
// It runs what the living node runs.
func (n *Node) recover(ctx context.Context) error {
	last, err := n.book.LastEvent(ctx) // the steps below have events of their own
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := n.grace(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if err := n.keep.sweep(ctx); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if !n.book.Unclean() {
		return nil
	}
	n.log.Info("the last stop was not clean; checking the books")
	if err := errors.Join(n.keep.finish(ctx), n.keep.orphans(ctx, last)); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	r, err := n.Check(ctx)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for _, p := range append(r.Books.Problems, r.Store.Problems...) {
		n.log.Error("the check found a problem", "problem", p)
	}
	return nil
}

// Run keeps the loops until ctx ends or something fails for good; then
// everything is stopped and closed. It returns nil when ctx ended. It is called
// at most once.
func (n *Node) Run(ctx context.Context) error { return n.group.Run(ctx) }

// Close stops and closes all of it. It may be called more than once.
func (n *Node) Close() error { return n.group.Close() }

// Failed is closed when the node can't go on: what its disk holds is unknown.
// Run returns the reason.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// fatal ends the node when err says that a sync failed: nothing may be
// acknowledged any more.
func (n *Node) fatal(err error) {
	if !errors.Is(err, shares.ErrFailed) && !errors.Is(err, ledger.ErrFailed) {
		return
	}
	n.failing.Do(func() {
		n.failure = err
		n.book.Doubt() // the next start compares them with the store
		close(n.failed)
	})
}

// watch waits for a failure that ends the node.
func (n *Node) watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-n.failed:
		if errors.Is(n.failure, ledger.ErrDamaged) {
			n.log.Error("the books are damaged; this node stops, so that it spreads nothing wrong", "err", n.failure)
			return cured(n.dir.path, n.failure)
		}
		n.log.Error("a write to the disk failed; this node stops, so that it acknowledges nothing that may be lost", "err", n.failure)
		return fmt.Errorf("a write to the disk failed; check the disk, then start again: %w", n.failure)
	}
}

// Self is this node's peer ID.
func (n *Node) Self() peer.ID { return n.self }

// Data is the data directory, absolute.
func (n *Node) Data() string { return n.dir.path }
