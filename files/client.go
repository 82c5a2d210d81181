// Package files is the client half of a node: it turns files into shares at
// friends and back. It decides placement, and drives the pipeline of DESIGN
// section 3: cipher, erasure code, trees, streams. It owns no socket and no
// database: the network and the books are ports that its user hands in.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/shares"
)

// Config is all that a client needs.
type Config struct {
	Self    peer.ID
	Network Network
	Local   Local // may be nil: a client that holds nothing itself
	Books   Books
	Hosts   Hosts
	Secret  caps.Secret      // the convergence secret
	Rand    io.Reader        // for random keys
	Clock   func() time.Time // for rows
	Log     *slog.Logger
	Workers int           // stripes encoded or decoded at once; 0: one a core, at most 4
	Stall   time.Duration // a host that makes no progress for so long is left behind; 0: 5 s
}

// Client puts and gets files. It is safe for concurrent use.
type Client struct {
	c Config
	// life ends when Close is called; what spreads in the background runs in it.
	life   context.Context
	end    context.CancelFunc
	behind sync.WaitGroup

	quotes    quotes
	outlets   *outlets
	manifests manifests

	mu    sync.Mutex
	quiet map[peer.ID]time.Time          // hosts that left a put waiting, and until when puts do without them
	turns map[potluck.StorageIndex]*turn // files that are being put or removed
}

// maxWorkers bounds the stripes that are encoded or decoded at once where it
// isn't said: four cores keep up with 20 Gbit/s, and each takes memory.
const maxWorkers = 4

// quietTime is how long puts do without a host that didn't answer in time. It
// saves each of many puts in a row the wait; a single put can't know better.
const quietTime = 30 * time.Second

var errQuiet = errors.New("didn't answer in time just now")

// hush notes that a host didn't answer a put in time.
func (c *Client) hush(host peer.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet[host] = c.c.Clock().Add(quietTime)
}

func (c *Client) isQuiet(host peer.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c.Clock().Before(c.quiet[host])
}

// New makes a client. Close ends it.
func New(c Config) *Client {
	if c.Workers == 0 {
		c.Workers = min(runtime.GOMAXPROCS(0), maxWorkers)
	}
	if c.Stall == 0 {
		c.Stall = 5 * time.Second
	}
	life, end := context.WithCancel(context.Background())
	return &Client{
		c: c, life: life, end: end,
		quotes: quotes{of: make(map[peer.ID]*quote)}, outlets: newOutlets(),
		manifests: manifests{of: make(map[potluck.Digest]shares.Manifest)},
		quiet:     make(map[peer.ID]time.Time), turns: make(map[potluck.StorageIndex]*turn),
	}
}

var (
	errClosed = errors.New("the client was closed")
	errHalted = errors.New("the file was put again or removed")
)

// Close stops the puts, and what still spreads in the background, and waits for
// their end. Shares that are not placed by then stay unplaced, and Where shows
// them; a put that is repeated later sends only what is missing.
func (c *Client) Close() {
	c.mu.Lock()
	c.end() // from here on nobody enters
	c.mu.Unlock()
	c.behind.Wait()
}

// enter counts a put in, which must call behind.Done at its end; it is false
// once the client is closed.
func (c *Client) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return false
	}
	c.behind.Add(1)
	return true
}

// spreadBehind runs what is left of a put. It ends with rest.
func (c *Client) spreadBehind(p *put, rest func()) {
	p.turn.goBehind(p.end)
	c.behind.Go(func() {
		defer c.giveBack(p.turn)
		rest()
	})
}

// candidates are the hosts that can be asked now, and the reasons why the
// others can't, by host. only, if not empty, are the hosts that may be asked.
func (c *Client) candidates(ctx context.Context, only []peer.ID) ([]peer.ID, *peers, error) {
	places, err := c.c.Hosts.Hosts(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list hosts: %w", err)
	}
	places = slices.DeleteFunc(slices.Clone(places), func(at Place) bool {
		return at.Peer == c.c.Self || len(only) > 0 && !slices.Contains(only, at.Peer)
	})
	known := newPeers(places)
	var hosts []peer.ID
	for _, at := range places {
		if c.c.Network.Connected(at.Peer) {
			hosts = append(hosts, at.Peer)
		} else {
			known.fail(at.Peer, errNotConnected)
		}
	}
	return hosts, known, nil
}
