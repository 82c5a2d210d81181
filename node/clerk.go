package node

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/signed"
	"potluck/p2p"
)

// clerk answers peers about credit (p2p.Clerk).
type clerk Node

var _ p2p.Clerk = (*clerk)(nil)

// What one peer may bring and ask for in a window of time. Every document costs
// a signature check, every look at the papers reads the books.
const (
	clerkWindow    = time.Hour
	clerkDocuments = 4096
	clerkAsks      = 1024
	clerkLooks     = 16 * 1024 // at one's own account: cheap, and screens ask for it all the time
)

// tally counts what peers did in the present window.
type tally struct {
	mu   sync.Mutex
	from time.Time
	of   map[peer.ID]int
}

// charge counts more, or refuses.
func (t *tally) charge(p peer.ID, more, most int, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || now.Sub(t.from).Abs() > clerkWindow {
		t.from, t.of = now, make(map[peer.ID]int)
	}
	if t.of[p]+more > most {
		return &potluck.Refusal{Code: potluck.CodeRate, Cures: []potluck.Cure{{Kind: potluck.CureWait}}}
	}
	t.of[p] += more
	return nil
}

// begin waits for the end of the start, and charges the asker.
func (c *clerk) begin(ctx context.Context, t *tally, from peer.ID, more, most int) (*Node, error) {
	n := (*Node)(c)
	select {
	case <-n.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return n, t.charge(from, more, most, time.Now())
}

// Deliver takes documents in.
func (c *clerk) Deliver(ctx context.Context, from peer.ID, d p2p.DeliverRequest) (p2p.DeliverResponse, error) {
	n, err := c.begin(ctx, &c.brought, from, len(d.Documents), clerkDocuments)
	if err != nil {
		return p2p.DeliverResponse{}, err
	}
	a := p2p.DeliverResponse{Results: make([]uint8, len(d.Documents))}
	for i, raw := range d.Documents {
		if a.Results[i], err = n.take(ctx, from, raw, d.Hosts); err != nil {
			return p2p.DeliverResponse{}, err
		}
	}
	return a, nil
}

// Sync gives what names the asker, and what is signed by those whom the asker
// shows to know; each if it is newer than what it has.
func (c *clerk) Sync(ctx context.Context, from peer.ID, s p2p.SyncRequest) (p2p.SyncResponse, error) {
	n, err := c.begin(ctx, &c.asked, from, 1, clerkAsks)
	if err != nil {
		return p2p.SyncResponse{}, err
	}
	papers, err := n.papers(ctx)
	if err != nil {
		return p2p.SyncResponse{}, err
	}
	have, known := make(map[signed.Identity]uint64, len(s.Have)), make(map[peer.ID]bool)
	for _, k := range s.Have {
		have[signed.Identity{Kind: signed.Kind(k.Kind), Issuer: k.Issuer, Other: k.Other}] = k.Number
		known[k.Issuer] = true
	}
	var a p2p.SyncResponse
	size := 0
	for _, x := range papers {
		if x.word || !(x.concerns(from) || x.open && known[x.id.Issuer]) || have[x.key()] >= x.id.Number {
			continue
		}
		if len(a.Documents) == p2p.MaxSync || size+len(x.raw) > p2p.MaxDocumentBytes {
			a.More = true
			break
		}
		a.Documents, size = append(a.Documents, x.raw), size+len(x.raw)
	}
	return a, nil
}

// Account tells the asker how it stands here.
func (c *clerk) Account(ctx context.Context, from peer.ID, r p2p.AccountRequest) (p2p.AccountResponse, error) {
	n, err := c.begin(ctx, &c.looked, from, 1, clerkLooks)
	if err != nil {
		return p2p.AccountResponse{}, err
	}
	a, err := n.book.Account(ctx, from)
	if err != nil {
		return p2p.AccountResponse{}, n.keep.answer(err)
	}
	v, err := n.book.Credit(ctx, from)
	if err != nil {
		return p2p.AccountResponse{}, n.keep.answer(err)
	}
	room, err := n.room(ctx)
	if err != nil {
		return p2p.AccountResponse{}, err
	}
	out := p2p.AccountResponse{Terms: p2p.Terms(a.Counted()), Earned: v.Earned, Held: v.Held, Reserved: v.Reserved, Loans: v.Loans,
		Supply: v.Supply, Short: v.Shortfall, Step: uint8(a.Standing.Step), Since: a.Standing.Since, Distance: v.Distance}
	out.Free, err = n.book.Quote(ctx, from, room, r.Bytes)
	if err != nil && !errors.As(err, &out.Refusal) {
		return p2p.AccountResponse{}, n.keep.answer(err)
	}
	if out.Head, err = n.headFor(ctx, from); err != nil {
		return p2p.AccountResponse{}, n.keep.answer(err)
	}
	next, at := a.Standing.Next(n.policy())
	out.NextStep, out.NextAt = uint8(next), at
	seen := make(map[peer.ID]int)
	for _, f := range v.Into {
		p := peer.ID(f.From)
		i, ok := seen[p]
		if !ok {
			if i = len(out.Sponsors); i == p2p.MaxSponsors {
				break
			}
			seen[p] = i
			out.Sponsors = append(out.Sponsors, p2p.Sponsor{Peer: p})
		}
		s := &out.Sponsors[i]
		limit, err := n.carries(ctx, f, credits{})
		if err != nil {
			return p2p.AccountResponse{}, err
		}
		s.Limit = min(s.Limit+limit, potluck.MaxSize)
		s.Used = min(s.Used+min(f.Bytes, potluck.MaxSize), potluck.MaxSize)
	}
	return out, nil
}

// headFor tells where these books stand to who holds something for this node: it
// is put into what the host proposes, this node signs it, and so old books learn
// of it from whom they meet (ledger.Book.Behind).
func (n *Node) headFor(ctx context.Context, host peer.ID) (p2p.Head, error) {
	u, err := n.book.Usage(ctx, host)
	if err != nil || u.EarnedShares == 0 {
		return p2p.Head{}, err
	}
	h, err := n.book.Head(ctx)
	return p2p.Head(h), err
}

// Notice hears how this node stands with the asker. It is in the events before
// it is acknowledged.
func (c *clerk) Notice(ctx context.Context, from peer.ID, r p2p.NoticeRequest) (p2p.NoticeResponse, error) {
	n, err := c.begin(ctx, &c.paced.notices, from, 1, paceNotices)
	if err != nil {
		return p2p.NoticeResponse{}, err
	}
	evidence, err := json.Marshal(r)
	if err != nil {
		return p2p.NoticeResponse{}, err
	}
	err = n.book.Note(ctx, ledger.Event{Kind: kindNotice, Peer: from, Bytes: r.Short, Reason: noticeText(r), Evidence: evidence})
	if err != nil {
		return p2p.NoticeResponse{}, n.keep.answer(err)
	}
	n.heard.notice(from, r, n.config.Clock().Unix())
	n.log.Warn("a host tells how this node stands with it", "peer", from, "text", noticeText(r))
	return p2p.NoticeResponse{}, nil
}
