package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/p2p"
	"potluck/shares"
)

// Slice is a run of bytes of one share at one host.
type Slice struct {
	Host   peer.ID
	Share  potluck.ShareID
	Layout potluck.Layout
	Root   potluck.Digest // of the share's data, from the books or from a manifest
	Offset potluck.Size
	Length potluck.Size
}

// Block gives the slice of the share's block of one stripe. Stripe lies in
// [0, shares.Stripes).
func (s Slice) Block(stripe int64) Slice {
	s.Offset = potluck.Size(stripe) * potluck.Size(s.Layout.Block)
	s.Length = potluck.Size(shares.BlockLen(s.Layout, stripe))
	return s
}

// Cost is how many bytes of raw answer a slice takes.
func (s Slice) Cost() potluck.Size {
	if first, count, fine := s.units(); fine {
		return shares.SliverLen(shares.DataLen(s.Layout), first, count)
	}
	return shares.SliceLen(shares.DataLen(s.Layout), s.Offset, s.Length)
}

// receive has a slice sent and writes its bytes, verified, to dst: the way in which
// all but slivers comes in. The guard is told of every byte.
func (c *Client) receive(ctx context.Context, dst io.Writer, s Slice, watch *guard) error {
	length, body, err := c.open(ctx, s.Host, p2p.ReadRequest{
		Index: s.Share.Index, Number: s.Share.Number, Part: p2p.PartData, Offset: s.Offset, Length: s.Length,
	})
	if err != nil {
		return err
	}
	defer body.Close()
	if want := shares.SliceLen(shares.DataLen(s.Layout), s.Offset, s.Length); length != want {
		return &wrongError{fmt.Sprintf("sends %d bytes where %d are meant", length, want)}
	}
	return shares.VerifySlice(dst, moving{body, watch}, shares.DataLen(s.Layout), s.Offset, s.Length, s.Root)
}

// Prove has a host give a slice, as a read does: first it is asked for its
// shares of the file, then for the slice itself, as a sliver where a read would
// have one. What comes is verified and thrown away. nil: the host has it. Missing
// tells what other errors mean.
func (c *Client) Prove(ctx context.Context, s Slice) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rounds := fetchRounds + s.Cost()/fetchStep
	watch := newGuard(c.c.Stall, func(moved bool) bool {
		if rounds--; moved && rounds > 0 {
			return true
		}
		cancel(fmt.Errorf("%w within %v", errSilent, c.c.Stall))
		return false
	})
	watch.start()
	defer watch.pause()
	_, err := c.have(ctx, s.Host, p2p.HaveRequest{Indexes: []potluck.StorageIndex{s.Share.Index}})
	if err == nil {
		err = c.show(ctx, s, watch)
	}
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return err
}

// show has a host give a slice, and throws it away when it is verified.
func (c *Client) show(ctx context.Context, s Slice, watch *guard) error {
	if _, _, fine := s.units(); !fine {
		return c.receive(ctx, io.Discard, s, watch)
	}
	sliver, err := c.sliver(ctx, s)
	if isOlder(err) {
		return c.receive(ctx, io.Discard, s.blocks(), watch)
	}
	if err == nil {
		_, err = s.open(sliver)
	}
	return err
}

// Missing tells whether an error of a read says that the host doesn't have what
// was asked for: it says so itself, or what it sent is wrong. Every other error
// leaves that unknown: a host that is slow or away may have it.
func Missing(err error) bool {
	return isWrong(err) || errors.Is(err, &p2p.Error{Code: p2p.CodeNotFound}) || errors.Is(err, &p2p.Error{Code: p2p.CodeDamaged})
}
