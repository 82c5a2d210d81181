package node

import (
	"context"
	"encoding/binary"
	"fmt"

	"potluck"
	"potluck/p2p"
)

// The comparison of two books about one holding (CREDIT.md section 8). It is
// driven by the owner, and knows neither books nor network: both sides are
// holdings. Digests are asked for over the whole key space; a span in which they
// differ is cut at whole hexadecimal digits until few shares are left in it, and
// these are listed. So the cost grows with the difference.
//
// The other side may be a liar. Every answer is validated below (p2p); here all
// that is asked for is counted, and where the count ends the comparison ends, to
// be gone on with from there.

// holding is what one of the two has in its books of what is held.
type holding interface {
	// sums gives one digest for each span. The spans ascend; there are at most
	// p2p.MaxSpans.
	sums(ctx context.Context, spans []p2p.Span) ([]p2p.SpanSum, error)
	// list gives the first shares of a span, ascending, and tells whether there
	// are more behind the last.
	list(ctx context.Context, span p2p.Span) (items []p2p.Item, more bool, err error)
}

// difference is one share that the two count otherwise; nil: not at all.
type difference struct {
	mine, theirs *p2p.Item
}

// Bounds of one comparison.
const (
	listAt       = 16       // a span with at most so many shares on either side is listed
	compareSpans = 16 << 10 // digests that are asked for
	compareItems = 64 << 10 // shares that are listed by the other side
	compareFound = 16 << 10 // differences
)

// comparison is what a comparison came to.
type comparison struct {
	found []difference
	next  potluck.ShareID // where to go on; zero: it came to the end
	odd   int             // spans whose digests differ and whose shares don't: books that are being changed, or a liar
	spans int             // digests that were asked for
	items int             // shares that the other side listed
}

// compare finds the shares that two holdings count otherwise, from a share on.
func compare(ctx context.Context, mine, theirs holding, from potluck.ShareID) (c comparison, err error) {
	work := []p2p.Span{{From: from}} // what is still to be looked at, ascending
	for len(work) > 0 {
		batch := work[:min(len(work), p2p.MaxSpans)]
		if c.spans+len(batch) > compareSpans {
			c.next = batch[0].From
			return c, nil
		}
		c.spans += len(batch)
		ours, err := mine.sums(ctx, batch) // first: what is here before they are asked, they must have
		if err != nil {
			return c, err
		}
		other, err := theirs.sums(ctx, batch)
		if err != nil {
			return c, err
		}
		var parts []p2p.Span
		for i, s := range batch {
			if ours[i] == other[i] {
				continue
			}
			if cut := split(s); len(cut) > 1 && !few(ours[i], other[i]) {
				parts = append(parts, cut...)
				continue
			}
			whole, err := c.listBoth(ctx, mine, theirs, s, other[i].Shares == 0)
			if err != nil || !whole {
				return c, err
			}
		}
		work = append(parts, work[len(batch):]...)
	}
	return c, nil
}

// few tells whether a span is to be listed: little is in it, or all of it differs.
func few(a, b p2p.SpanSum) bool {
	return max(a.Shares, b.Shares) <= listAt || a.Shares == 0 || b.Shares == 0
}

// listBoth goes through a span side by side. none tells that the other side says
// that it has nothing there. whole tells that the end of the span was reached;
// else c.next is where it ended.
func (c *comparison) listBoth(ctx context.Context, mine, theirs holding, s p2p.Span, none bool) (whole bool, err error) {
	before := len(c.found)
	a, b := lister{holding: mine, rest: s}, lister{holding: theirs, rest: s, asked: &c.items, ended: none}
	for {
		x, err := a.first(ctx)
		if err != nil {
			return false, err
		}
		y, err := b.first(ctx)
		if err != nil {
			return false, err
		}
		if x == nil && y == nil {
			if len(c.found) == before {
				c.odd++
			}
			return true, nil
		}
		at := leastShare(x, y)
		if c.items > compareItems || len(c.found) == compareFound {
			c.next = at
			return false, nil
		}
		d := difference{}
		if x != nil && x.Share == at {
			d.mine = a.take()
		}
		if y != nil && y.Share == at {
			d.theirs = b.take()
		}
		if d.mine == nil || d.theirs == nil || *d.mine != *d.theirs {
			c.found = append(c.found, d)
		}
	}
}

func leastShare(x, y *p2p.Item) potluck.ShareID {
	if x == nil || y != nil && y.Share.Compare(x.Share) < 0 {
		return y.Share
	}
	return x.Share
}

// lister gives the shares of a span one by one.
type lister struct {
	holding
	rest  p2p.Span
	items []p2p.Item
	ended bool
	asked *int // counts what came, if not nil
}

// first gives the next share; nil: there is none.
func (l *lister) first(ctx context.Context) (*p2p.Item, error) {
	if len(l.items) == 0 && !l.ended {
		items, more, err := l.list(ctx, l.rest)
		if err != nil {
			return nil, err
		}
		if more && len(items) == 0 {
			return nil, fmt.Errorf("list: more shares, and none came: %w", p2p.ErrProtocol)
		}
		l.items, l.ended = items, !more
		if l.asked != nil {
			*l.asked += len(items)
		}
		if more {
			after, ok := following(items[len(items)-1].Share)
			l.rest.From, l.ended = after, !ok || l.rest.To == after
		}
	}
	if len(l.items) == 0 {
		return nil, nil
	}
	return &l.items[0], nil
}

func (l *lister) take() *p2p.Item {
	x := &l.items[0]
	l.items = l.items[1:]
	return x
}

// bound is an end of a span as one number, big-endian; above all shares is one
// more than its bytes can hold, which wraps around to zero.
type bound [len(potluck.StorageIndex{}) + 1]byte

func boundOf(id potluck.ShareID) (b bound) {
	copy(b[:], id.Index[:])
	b[len(b)-1] = byte(id.Number)
	return b
}

func (b bound) share() (id potluck.ShareID) {
	copy(id.Index[:], b[:])
	id.Number = potluck.ShareNumber(b[len(b)-1])
	return id
}

// plus adds a small number, around the end.
func (b bound) plus(n int64) bound {
	hi, lo := binary.BigEndian.Uint64(b[1:9]), binary.BigEndian.Uint64(b[9:17])
	sum := lo + uint64(n)
	switch {
	case n > 0 && sum < lo:
		if hi++; hi == 0 {
			b[0]++
		}
	case n < 0 && sum > lo:
		if hi--; hi == ^uint64(0) {
			b[0]--
		}
	}
	binary.BigEndian.PutUint64(b[1:9], hi)
	binary.BigEndian.PutUint64(b[9:17], sum)
	return b
}

// digit gives hexadecimal digit i, the highest first.
func (b bound) digit(i int) byte { return b[i/2] >> (4 * (1 - i%2)) & 0xf }

// cut gives b up to digit i, that one set to d, and zeros behind it.
func (b bound) cut(i int, d byte) bound {
	var out bound
	copy(out[:], b[:i/2])
	out[i/2] = d << 4
	if i%2 == 1 {
		out[i/2] = b[i/2]&0xf0 | d
	}
	return out
}

// following is the share after id, as an end of a span; false: there is none.
func following(id potluck.ShareID) (potluck.ShareID, bool) {
	next := boundOf(id).plus(1).share()
	return next, next != potluck.ShareID{}
}

// split cuts a span where the first hexadecimal digit changes in which its ends
// differ: into 2 to 16 parts, or one if there is a single key in it.
func split(s p2p.Span) []p2p.Span {
	low, high := boundOf(s.From), boundOf(s.To).plus(-1) // both inclusive
	parts := []p2p.Span{s}
	for i := range 2 * len(low) {
		if low.digit(i) == high.digit(i) {
			continue
		}
		for d := low.digit(i) + 1; d <= high.digit(i); d++ {
			at := high.cut(i, d).share()
			parts[len(parts)-1].To = at
			parts = append(parts, p2p.Span{From: at, To: s.To})
		}
		break
	}
	return parts
}
