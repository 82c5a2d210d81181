package files

import (
	"context"
	"errors"
	"fmt"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// Unit gives the slice of one unit of the share: the least that a read asks for.
// unit lies in [0, shares.Units of its data).
func (s Slice) Unit(unit int64) Slice {
	s.Offset, s.Length = shares.UnitRange(shares.DataLen(s.Layout), unit, 1)
	return s
}

// units tells whether the slice is asked for as a sliver: it is 1 to 4 whole units
// of a share that has more than one. Of any other share a slice is as small.
func (s Slice) units() (first int64, count int, fine bool) {
	data, end := shares.DataLen(s.Layout), s.Offset+s.Length
	if data <= shares.Unit || s.Offset < 0 || s.Offset%shares.Unit != 0 || end%shares.Unit != 0 && end != data {
		return 0, 0, false
	}
	first, count = int64(s.Offset/shares.Unit), int(shares.Units(s.Length))
	_, n := shares.UnitRange(data, first, count)
	return first, count, n == s.Length && n > 0
}

// blocks gives the slice of the blocks that have a byte of it: what is asked of a
// host that knows no slivers.
func (s Slice) blocks() Slice {
	block, end := potluck.Size(s.Layout.Block), s.Offset+s.Length
	s.Offset -= s.Offset % block
	s.Length = min((end+block-1)/block*block, shares.DataLen(s.Layout)) - s.Offset
	return s
}

// sliver has a host send some units, as they are, within the stall time.
func (c *Client) sliver(ctx context.Context, s Slice) ([]byte, error) {
	first, count, fine := s.units()
	if !fine {
		return nil, fmt.Errorf("bytes %d+%d of share %v are no units", s.Offset, s.Length, s.Share)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.c.Stall, fmt.Errorf("%w within %v", errSilent, c.c.Stall))
	defer cancel()
	ask := c.c.Network.Sliver
	if s.Host == c.c.Self {
		ask = c.c.Local.Sliver
	}
	a, err := ask(ctx, s.Host, p2p.SliverRequest{Index: s.Share.Index, Number: s.Share.Number, First: first, Units: count})
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return a.Sliver, err
}

// open verifies what a host sent for a slice, and gives its bytes.
func (s Slice) open(sliver []byte) ([]byte, error) {
	first, count, _ := s.units()
	if want := s.Cost(); potluck.Size(len(sliver)) != want {
		return nil, &wrongError{fmt.Sprintf("sends %d bytes where %d are meant", len(sliver), want)}
	}
	return shares.VerifySliver(sliver, shares.DataLen(s.Layout), first, count, s.Root)
}

// isOlder tells whether a host knows no slivers.
func isOlder(err error) bool { return errors.Is(err, &p2p.Error{Code: p2p.CodeUnsupported}) }
