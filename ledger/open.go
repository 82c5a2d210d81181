package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Config says whose books they are and where. Every field but MaxHops,
// ProofWindow, Epoch, AcceptCut and Small is needed.
type Config struct {
	Self  peer.ID          // the node whose books these are
	Dir   string           // the books' own directory; made when missing
	Clock func() time.Time // the time of events, deadlines and admission
	Log   *slog.Logger
	// MaxHops is the greatest sponsor distance of a peer that may have credit
	// here (CREDIT.md section 3). 0: DefaultHops; below 0: friends only.
	MaxHops int
	// ProofWindow is how old the last proof may be that a host holds what it
	// should: until then its holdings count (CREDIT.md section 7). 0: they always do.
	ProofWindow time.Duration
	// Epoch tells which life of the node this is (signed.Keepsake). What it signed in
	// an earlier one says nothing about these books. nil: the first.
	Epoch func() uint64
	// AcceptCut opens books whose tail was cut (ErrCut): the operator knows that
	// acknowledged changes are gone. An event notes it.
	AcceptCut bool
	// Small opens books that are one of many in a process, as in a testnet: they
	// aren't synced, so that a power cut may take what was acknowledged; they
	// reserve no space on the disk, so that a full one ends the process; and
	// nothing of them runs while nothing is written.
	Small bool
}

// DefaultHops is the greatest sponsor distance unless the operator says otherwise.
const DefaultHops = 3

const (
	badgerDir    = "badger"
	memTableSize = 4 << 20 // a WAL file is twice that
	vlogFileSize = 1 << 20 // the least that Badger takes; a file is twice that
)

// badgerOptions is the one way in which the books are opened.
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	return badger.DefaultOptions(dir).
		// Acknowledged is durable. The default is false and loses acknowledged
		// commits at a power cut.
		WithSyncWrites(true).
		// There is one writer; a second one would be a defect and must not go
		// unseen.
		WithDetectConflicts(true).
		// Flipped bits in tables are found when the books are opened, as an error.
		// Every other pair of these settings was seen to lose keys silently or to
		// panic in a goroutine.
		WithCompression(options.None).
		WithChecksumVerificationMode(options.OnTableRead).
		// An arena of about 5 MiB is allocated whole for each memtable, and becomes
		// garbage with it: of 8 MiB, a busy book's heap grew to 110 MiB. Smaller ones
		// would make transactions too small (15 % of this) for MaxBatch shares.
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		// Every value stays in the tree (maxRow is less), so the value log is never
		// written: its sync errors are only logged, and it would need collecting.
		WithValueThreshold(2 * maxRow).
		WithValueLogFileSize(vlogFileSize).
		// Uncompressed blocks are read from the mapped tables; the kernel caches
		// them. Table indexes (about 1 % of the data) stay in memory.
		WithBlockCacheSize(0).
		WithIndexCacheSize(0).
		// Two is the least; none would stop writes for ever after a while.
		WithNumCompactors(2).
		// A stop should be quick; level 0 is compacted in the running node.
		WithCompactL0OnClose(false).
		WithNumVersionsToKeep(1).
		WithNumGoroutines(2).
		// Counters that are global to the process; many nodes may share one.
		WithMetricsEnabled(false).
		WithLogger(badgerLog{log})
}

// smallOptions is badgerOptions for small books. Without compactors an idle book
// costs no time, neither real nor virtual; Badger alone would then take no more
// writes after some 15 tables. The batcher compacts instead: see Book.compact.
func smallOptions(dir string, log *slog.Logger) badger.Options {
	return badgerOptions(dir, log).WithSyncWrites(false).WithNumCompactors(0)
}

// Open opens the books in c.Dir, or makes new ones. Errors: ErrNewer, ErrLocked,
// ErrCut, ErrDamaged, ErrFull, or what the disk said. Books that are refused stay as
// they are. The caller closes the book.
func Open(ctx context.Context, c Config) (*Book, error) {
	return open(ctx, c, freeBytes)
}

// open is Open with the disk's free bytes as a parameter.
func open(ctx context.Context, c Config, free func(dir string) (int64, error)) (_ *Book, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkPeer(c.Self); err != nil {
		return nil, fmt.Errorf("open the books: their node: %w: %w", err, ErrInvalid)
	}
	made, err := Made(c.Dir)
	if err == nil && !made && !c.Small {
		err = roomForNew(c.Dir, free)
	}
	if err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the books' directory: %w", err)
	}
	lock, err := lockDir(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("lock the books in %s: %w", c.Dir, err)
	}
	b := newBook(c, lock)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open the books in %s: %w", c.Dir, err), b.release())
		}
	}()
	if err := checkFormat(c.Dir, made); err != nil {
		return nil, err
	}
	dir := filepath.Join(c.Dir, badgerDir)
	b.guard = newGuard(c.Dir, dir, free)
	b.guard.sparse = c.Small
	options := badgerOptions(dir, c.Log)
	if c.Small {
		options = smallOptions(dir, c.Log)
	}
	if err := checkHead(c.Dir, c.AcceptCut); err != nil {
		return nil, err
	}
	if err := checkFiles(dir, options); err != nil {
		return nil, err
	}
	if !made {
		if err := makeHead(c.Dir); err != nil {
			return nil, fmt.Errorf("make the head file: %w", err)
		}
	}
	if err := b.guard.beforeOpen(); err != nil {
		return nil, err
	}
	db, err := badger.Open(options)
	if err != nil { // what it gives beside an error can't be closed
		return nil, err
	}
	b.db = db
	if err := b.guard.afterOpen(); err != nil {
		return nil, err
	}
	if err := b.start(ctx, c); err != nil {
		return nil, err
	}
	return b, nil
}

// badgerLog gives Badger's words to slog. Its informational lines are for
// developers.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.log.Error(line(format, args)) }
func (l badgerLog) Warningf(format string, args ...any) { l.log.Warn(line(format, args)) }
func (l badgerLog) Infof(format string, args ...any)    { l.log.Debug(line(format, args)) }
func (l badgerLog) Debugf(string, ...any)               {}

func line(format string, args []any) string { return "badger: " + fmt.Sprintf(format, args...) }
