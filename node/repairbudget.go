package node

import (
	"context"
	"encoding/binary"
	"sync"

	"potluck"
)

// budget is how many bytes the background repair may move: a bucket that a day
// fills, and that holds one day. What it says is kept before the bytes move, so
// that a node that restarts again and again has no more than one that doesn't.
type budget struct {
	daily func() potluck.Size
	keep  func(ctx context.Context, at []byte) error

	mu    sync.Mutex
	level potluck.Size // below 0: debts of a file that was larger than a day's bytes
	at    int64        // unix seconds at which level was true
}

// load takes up what an earlier life kept; nothing: the bucket is full.
func (b *budget) load(kept []byte, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	daily := b.daily()
	b.level, b.at = daily, now
	if len(kept) == 16 {
		b.level = min(potluck.Size(binary.BigEndian.Uint64(kept)), daily)
		b.at = int64(binary.BigEndian.Uint64(kept[8:]))
	}
	b.fill(now)
}

// fill adds what the time since has brought. A clock that was set back adds
// nothing, one that was set forward at most a day.
func (b *budget) fill(now int64) {
	const day = 24 * 60 * 60
	passed := min(max(now-b.at, 0), 400*day)
	daily := b.daily()
	b.level = min(b.level+daily/day*potluck.Size(passed)+daily%day*potluck.Size(passed)/day, daily)
	b.at = now
}

// take charges bytes, if there are so many. What is more than a day's bytes is
// taken from a full bucket, and is paid off by the days that follow.
func (b *budget) take(ctx context.Context, bytes potluck.Size, now int64) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if bytes > 0 && b.level < min(bytes, b.daily()) {
		return false, nil
	}
	return true, b.add(ctx, -bytes)
}

// give gives back what wasn't moved; less than 0: more was moved.
func (b *budget) give(ctx context.Context, bytes potluck.Size, now int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	return b.add(ctx, bytes)
}

// add is called with mu held.
func (b *budget) add(ctx context.Context, bytes potluck.Size) error {
	if bytes == 0 {
		return nil
	}
	b.level = min(b.level+bytes, b.daily())
	at := binary.BigEndian.AppendUint64(nil, uint64(b.level))
	return b.keep(ctx, binary.BigEndian.AppendUint64(at, uint64(b.at)))
}

// left is how many bytes may be moved now.
func (b *budget) left(now int64) potluck.Size {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	return max(b.level, 0)
}
