package files

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

var (
	errLeftBehind = errors.New("too slow, left behind")
	errConflict   = errors.New("holds something else under this share's name")
)

// sender brings one share to one host: it hashes the share's blocks as they
// come, sends those that the host lacks, and after the manifest is known asks
// for the receipt. After a failure it goes on hashing, because the manifest
// needs the roots of all shares, placed or not.
type sender struct {
	number potluck.ShareNumber
	host   peer.ID
	grant  p2p.Grant
	layout potluck.Layout
	index  potluck.StorageIndex
	// authority, if not empty, lets the share be written in its owner's name.
	authority []byte

	// Owned by the goroutine that runs it; others read after it has ended.
	hasher *shares.Hasher // nil when the root is known from an earlier pass
	root   potluck.Digest
	out    *p2p.Writer // nil: nothing is sent
	pos    potluck.Size
	sent   potluck.Size
	err    error

	leave func() // gives the outlet to the host back; nil: it has none

	in      chan *stripe
	cancel  context.CancelCauseFunc // ends the stream
	blocked atomic.Int64            // unix nanoseconds since when a write waits; 0: none does
	left    atomic.Bool             // the dispatcher has given the host up, or the sending has failed
}

// waitsSince tells since when a write has been waiting for the host. The
// dispatcher asks while the sender runs.
func (s *sender) waitsSince() (time.Time, bool) {
	at := s.blocked.Load()
	return time.Unix(0, at), at != 0
}

// run takes stripes until the channel is closed or the pass stops. The stream
// lives in ctx, which outlives the pass, because the receipt comes later.
func (s *sender) run(stop, ctx context.Context, net Network) {
	if s.host != "" && s.grant.State == p2p.GrantNew && s.grant.Offset < shares.DataLen(s.layout) {
		s.open(ctx, net)
	}
	for {
		select {
		case st, more := <-s.in:
			if !more {
				if s.hasher != nil {
					s.root = s.hasher.Sum()
				}
				return
			}
			s.take(st)
			st.release()
		case <-stop.Done():
			s.fail(context.Cause(stop))
			return
		}
	}
}

func (s *sender) open(ctx context.Context, net Network) {
	data := shares.DataLen(s.layout)
	out, err := net.Write(ctx, s.host, p2p.WriteRequest{
		Index: s.index, Number: s.number, Layout: s.layout,
		Offset: s.grant.Offset, Length: data - s.grant.Offset,
		Manifest:   potluck.Size(shares.ManifestLen(s.layout)),
		Crosscheck: shares.CrosscheckLen(s.layout), Authority: s.authority,
	})
	if err != nil {
		s.fail(fmt.Errorf("begin to send share %d: %w", s.number, err))
		return
	}
	s.out = out
}

// take hashes one block and sends what the host lacks of it.
func (s *sender) take(st *stripe) {
	block := st.blocks[s.number]
	if s.hasher != nil {
		s.hasher.Write(block)
	}
	start := s.pos
	s.pos += potluck.Size(len(block))
	if s.out == nil || s.err != nil || s.pos <= s.grant.Offset {
		return
	}
	if start < s.grant.Offset {
		block = block[s.grant.Offset-start:]
	}
	s.blocked.Store(time.Now().UnixNano())
	n, err := s.out.Write(block)
	s.blocked.Store(0)
	s.sent += potluck.Size(n)
	if err != nil {
		s.fail(fmt.Errorf("send share %d: %w", s.number, err))
	}
}

func (s *sender) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.left.Store(true)
	if s.out != nil {
		s.out.Abort()
		s.out = nil
	}
}

// finish sends the trailers and returns the placement that the host has signed
// for. It is called after run has ended.
func (s *sender) finish(ctx context.Context, net Network, f finished) (ledger.Placement, error) {
	if s.leave != nil {
		defer s.leave()
	}
	place := f.placement(potluck.ShareID{Index: s.index, Number: s.number}, s.host, s.layout)
	if s.err != nil {
		return place, s.err
	}
	if s.grant.State != p2p.GrantNew && (s.grant.Root != place.Root || s.grant.Manifest != place.Manifest) {
		return place, errConflict
	}
	if s.grant.State == p2p.GrantHeld {
		return place, nil
	}
	if s.out == nil {
		s.grant.Offset = shares.DataLen(s.layout)
		if s.open(ctx, net); s.err != nil {
			return place, s.err
		}
	}
	answer, err := s.deliver(ctx, f)
	if err != nil {
		return place, fmt.Errorf("finish share %d: %w", s.number, err)
	}
	place.Receipt = answer.Receipt
	return place, f.check(place)
}

func (s *sender) deliver(ctx context.Context, f finished) (p2p.WriteResponse, error) {
	for _, part := range [][]byte{f.manifest, f.crosscheck} {
		if _, err := s.out.Write(part); err != nil {
			s.out.Abort()
			return p2p.WriteResponse{}, err
		}
	}
	return s.out.Finish(ctx)
}

// finished is what is known once all shares are encoded.
type finished struct {
	self       peer.ID
	now        int64
	roots      []potluck.Digest
	manifest   []byte
	digest     potluck.Digest // of the manifest
	crosscheck []byte
}

// placement is the row of a share that a host keeps, without the receipt.
func (f finished) placement(id potluck.ShareID, host peer.ID, l potluck.Layout) ledger.Placement {
	return ledger.Placement{
		Share: id, Host: host, Layout: l, Charge: shares.Charge(l), Root: f.roots[id.Number], Manifest: f.digest,
		Placed: f.now, LastGood: f.now, State: ledger.PlacedStable,
	}
}

// check compares a receipt with the placement that it should be for.
func (f finished) check(p ledger.Placement) error {
	r, err := p2p.OpenReceipt(p.Receipt)
	if err != nil {
		return fmt.Errorf("receipt for share %d: %w", p.Share.Number, err)
	}
	if r.Host != p.Host || r.Owner != f.self || r.Share != p.Share || r.Layout != p.Layout ||
		r.Charge != p.Charge || r.Root != p.Root || r.Manifest != p.Manifest {
		return fmt.Errorf("receipt for share %d is for something else (share %v, %d bytes)", p.Share.Number, r.Share, r.Charge)
	}
	return nil
}
