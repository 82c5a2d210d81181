package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"potluck"
	"potluck/caps/words"
	"potluck/internal/durable"
	"potluck/internal/lifecycle"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/node/keepsake"
)

// RecoverRequest says from what a node is to be rebuilt.
type RecoverRequest struct {
	Words  string // the 24 words
	Friend string // multiaddr of one friend, ending in /p2p/ID
	// Drill only shows what would come back: in a temporary directory, in the same
	// epoch, and nobody is told.
	Drill bool
	// Bare goes on when the friend has no keepsake, or the backup of the books
	// can't be read: what friends hold comes back without names and caps.
	Bare bool
}

// Recovery tells what came back, or, of a drill, would.
type Recovery struct {
	Peer      peer.ID       `json:"peer"`
	Data      string        `json:"data"` // the data directory; "" for a drill
	Drill     bool          `json:"drill"`
	Epoch     uint64        `json:"epoch"`    // the new one; of a drill the present one
	Keepsake  int64         `json:"keepsake"` // unix seconds when the newest keepsake was signed; 0: there is none
	Backup    int64         `json:"backup"`   // unix seconds of the backup of the books; 0: there is none
	Friends   []RecoveredAt `json:"friends"`
	Files     int64         `json:"files"`     // known again
	Caps      int64         `json:"caps"`      // of these with their caps
	Nameless  int64         `json:"nameless"`  // of these put after the backup: no name, no cap
	Readable  int64         `json:"readable"`  // of these k different shares are at friends that answered
	Shares    int64         `json:"shares"`    // placements known again
	Bytes     potluck.Size  `json:"bytes"`     // their charges
	Adopted   int64         `json:"adopted"`   // shares on this disk whose owners are known again
	Unclaimed int64         `json:"unclaimed"` // shares on this disk whose owners nobody knows
	Seconds   float64       `json:"seconds"`
	Problems  []string      `json:"problems"` // one sentence each
}

// RecoveredAt is one friend of a recovered node.
type RecoveredAt struct {
	Peer     peer.ID      `json:"peer"`
	Name     string       `json:"name"`
	Answered bool         `json:"answered"`
	Shares   int64        `json:"shares"` // that it says it holds; of one that didn't answer: that the backup says
	Bytes    potluck.Size `json:"bytes"`
}

// recoverMark is a file in the data directory of a node whose recovery isn't
// done: with empty books it mustn't run.
const recoverMark = "recovering"

// errHalfRecovered says that a recovery was cut off.
var errHalfRecovered = errors.New("the recovery of this node isn't finished; cure: run the same \"potluck recover\" again")

// Recover rebuilds a node in c.Data from its words and its friends. It may be
// repeated until it succeeds: a directory with a recovery that was cut off runs
// as a node only when it is done. tell, if not nil, gets one line for each step.
// Errors: *words.Error, *files.UsageError, ErrInUse.
func Recover(ctx context.Context, c Config, r RecoverRequest, tell func(string)) (result Recovery, err error) {
	if tell == nil {
		tell = func(string) {}
	}
	seed, err := words.Decode(r.Words)
	if err != nil {
		return result, err
	}
	id, at, err := parseFriend(r.Friend)
	if err != nil {
		return result, err
	}
	if r.Drill {
		if c.Data, err = os.MkdirTemp("", "potluck-drill-"); err != nil {
			return result, fmt.Errorf("make a directory for the drill: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.Data)) }()
	}
	if c, err = c.withDefaults(); err != nil {
		return result, err
	}
	if made, err := ledger.Made(filepath.Join(c.Data, "ledger")); err == nil && !made && !c.Small {
		if err := ledger.RoomForNew(c.Data); err != nil {
			return result, err
		}
	}
	if err := layOut(c.Data, seed[:]); err != nil {
		return result, err
	}
	n := newNode(c)
	n.recovering = true
	if err := n.open(ctx); err != nil {
		return result, errors.Join(err, n.Close())
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if id == n.self {
		return result, usagef("%s is this node's own address; name a friend's", r.Friend)
	}
	w := &recovery{n: n, request: r, tell: tell, result: Recovery{Peer: n.self, Drill: r.Drill, Problems: []string{}, Friends: []RecoveredAt{}}}
	if !r.Drill {
		w.result.Data = c.Data
	}
	err = w.run(ctx, id, at)
	w.result.Seconds = time.Since(n.started).Seconds()
	return w.result, err
}

// newNode is a node before it is opened. c has its defaults.
func newNode(c Config) *Node {
	return &Node{config: c, log: c.Log, started: time.Now(), ready: make(chan struct{}), failed: make(chan struct{}), group: lifecycle.NewGroup(c.Log)}
}

// parseFriend reads an address that ends in /p2p/ID.
func parseFriend(text string) (peer.ID, []string, error) {
	a, err := multiaddr.NewMultiaddr(text)
	if err != nil {
		return "", nil, usagef("%q is no address of a friend; want one like /ip4/192.0.2.7/tcp/4242/p2p/12D3KooW…, as \"potluck status\" shows it there", text)
	}
	bare, id := peer.SplitAddr(a)
	if id == "" || bare == nil {
		return "", nil, usagef("%q doesn't say where and who: want an address that ends in /p2p/ and the friend's peer ID", text)
	}
	if _, err := id.ExtractPublicKey(); err != nil {
		return "", nil, usagef("%q: the peer ID at the end has no Ed25519 key in it", text)
	}
	return id, []string{bare.String()}, nil
}

// layOut prepares a data directory for a recovery: the mark comes first and the
// key last, so that a death between leaves what the next Recover takes up and
// what no node runs in. Shares that lie there stay.
func layOut(path string, seed []byte) error {
	if err := durable.MkdirAll(path, 0o700); err != nil {
		return readOnly(err)
	}
	if err := checkOpenness(path); err != nil {
		return err
	}
	key := filepath.Join(path, "node.key")
	mine, err := readSeed(key)
	switch _, gone := os.Lstat(key); {
	case errors.Is(gone, os.ErrNotExist):
	case err != nil:
		return err
	case string(mine) != string(seed):
		return usagef("%s has the key of another node than these words; name another directory with --data", path)
	}
	if _, err := os.Stat(filepath.Join(path, recoverMark)); err == nil {
		return finishLayout(path, key, seed)
	}
	if _, err := os.Stat(filepath.Join(path, "ledger")); err == nil {
		return usagef("%s has books already; if they are damaged, move %s away and run this again: the shares beside it are taken up", path, filepath.Join(path, "ledger"))
	}
	if err := durable.WriteFile(filepath.Join(path, recoverMark), nil, 0o600); err != nil {
		return err
	}
	return finishLayout(path, key, seed)
}

func finishLayout(path, key string, seed []byte) error {
	if len(seed) != ed25519.SeedSize {
		return fmt.Errorf("seed of %d bytes", len(seed))
	}
	if err := writeKey(key, seed); err != nil {
		return err
	}
	version := filepath.Join(path, "version")
	if _, err := os.Stat(version); err == nil {
		return nil
	}
	return durable.WriteFile(version, []byte(dataMarker), 0o600)
}

// recovery is one recovery on its way.
type recovery struct {
	n       *Node
	request RecoverRequest
	tell    func(string)
	result  Recovery

	kept    signed.Keepsake // the newest; the zero value: there is none
	content keepsake.Content
	books   *listed
}

func (w *recovery) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.result.Problems = append(w.result.Problems, text)
	w.tell(text)
}

// run does all of it. Its order: whom to ask, what they hold, what it is called;
// last the new epoch, from which on the node may write.
func (w *recovery) run(ctx context.Context, friend peer.ID, addrs []string) error {
	if err := w.first(ctx, friend, addrs); err != nil {
		return err
	}
	if err := w.everybody(ctx); err != nil {
		return err
	}
	if err := w.placements(ctx); err != nil {
		return err
	}
	if err := w.files(ctx); err != nil {
		return err
	}
	if err := w.sums(ctx); err != nil {
		return err
	}
	w.result.Epoch = max(w.kept.Epoch, 1)
	if w.request.Drill {
		return nil
	}
	return w.begin(ctx)
}
