package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"potluck"
	"potluck/ledger"
)

// passage is how far a loop has come on its way through all shares. It outlives
// the process as a cursor of the books.
type passage struct {
	under bool            // a pass is under way
	at    potluck.ShareID // the last share that it is done with; the zero ID: none
	began int64           // unix seconds: when it began
	done  int64           // unix seconds: when the last whole one ended; 0: never
}

const (
	passageForm = 1
	passageLen  = 1 + 1 + 17 + 8 + 8
)

// encode gives the one encoding: form, 1 while a pass is under way, the storage
// index and number of the last share, when it began, when the last one ended.
func (p passage) encode() []byte {
	b := make([]byte, 2, passageLen)
	b[0] = passageForm
	if p.under {
		b[1] = 1
	}
	b = append(append(b, p.at.Index[:]...), byte(p.at.Number))
	b = binary.BigEndian.AppendUint64(b, uint64(p.began))
	return binary.BigEndian.AppendUint64(b, uint64(p.done))
}

// decodePassage refuses all but what encode makes. No bytes are the loop that
// never ran.
func decodePassage(b []byte) (p passage, err error) {
	if len(b) == 0 {
		return p, nil
	}
	if len(b) != passageLen || b[0] != passageForm || b[1] > 1 {
		return p, fmt.Errorf("position of %d bytes has another form", len(b))
	}
	p.under = b[1] == 1
	copy(p.at.Index[:], b[2:])
	p.at.Number = potluck.ShareNumber(b[18])
	began, done := binary.BigEndian.Uint64(b[19:]), binary.BigEndian.Uint64(b[27:])
	if began > math.MaxInt64 || done > math.MaxInt64 || p.at.Number >= potluck.MaxShares {
		return passage{}, fmt.Errorf("position has a time or a share number that isn't any")
	}
	p.began, p.done = int64(began), int64(done)
	if !p.under && (p.at != potluck.ShareID{} || p.began != 0) {
		return passage{}, fmt.Errorf("position of a pass that isn't under way")
	}
	return p, nil
}

// start begins a pass.
func (p passage) start(now int64) passage { return passage{under: true, began: now, done: p.done} }

// end ends a pass.
func (p passage) end(now int64) passage { return passage{done: now} }

// wait is how long it is until the next pass is due, one every so often. A clock
// that was set to another year makes it due at once.
func (p passage) wait(now int64, every time.Duration) time.Duration {
	gone := time.Duration(min(max(now-p.done, math.MinInt32), math.MaxInt32)) * time.Second
	if p.under || gone < 0 || gone >= every {
		return 0
	}
	return every - gone
}

// share is the part of all shares that the pass is done with, in [0, 1]: storage
// indexes are hashes, so they lie evenly.
func (p passage) share() float64 {
	if !p.under {
		return 0
	}
	return position(p.at)
}

// position is where a share lies among all that there could be, in [0, 1).
func position(id potluck.ShareID) float64 {
	return float64(binary.BigEndian.Uint64(id.Index[:])>>11) / (1 << 53)
}

// rest is how long a loop sleeps after work, so that it takes no more than a
// share of the time, in (0, 1].
func rest(took time.Duration, share float64) time.Duration {
	return time.Duration(min(float64(took)*(1/share-1), float64(maxRest)))
}

// maxRest is the longest sleep between two pieces of a pass.
const maxRest = 10 * time.Minute

// loadPassage reads where a loop was. A position that can't be read is none.
func (n *Node) loadPassage(ctx context.Context, name string) (passage, error) {
	b, err := n.book.Cursor(ctx, name)
	if err != nil {
		return passage{}, n.checked(err)
	}
	p, err := decodePassage(b)
	if err != nil {
		n.log.Warn("a loop begins anew", "loop", name, "err", err)
		return passage{}, nil
	}
	return p, nil
}

func (n *Node) keepPassage(ctx context.Context, name string, p passage) error {
	return n.checked(n.book.SetCursor(ctx, name, p.encode()))
}

// errEnough ends a walk when a slice is full.
var errEnough = fmt.Errorf("enough for now")

// rowsAfter gives at most limit rows behind a share, in order.
func (n *Node) rowsAfter(ctx context.Context, after potluck.ShareID, limit int) (rows []ledger.ShareRow, err error) {
	err = n.book.Shares(ctx, after, func(r ledger.ShareRow) error {
		if rows = append(rows, r); len(rows) == limit {
			return errEnough
		}
		return nil
	})
	return rows, passEnough(err)
}

// namesAfter gives at most limit names in the store behind a share, in order.
func (n *Node) namesAfter(ctx context.Context, after potluck.ShareID, limit int) (names []potluck.ShareID, err error) {
	err = n.store.Names(ctx, after, func(id potluck.ShareID) error {
		if names = append(names, id); len(names) == limit {
			return errEnough
		}
		return nil
	})
	return names, passEnough(err)
}

func passEnough(err error) error {
	if err == errEnough {
		return nil
	}
	return err
}
