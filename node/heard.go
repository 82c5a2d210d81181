package node

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/ledger/credit"
	"potluck/p2p"
)

// kindNotice is the kind of the event that tells how this node stands with a host.
const kindNotice = "notice"

// heard is what other nodes last said of this one. It is a memory, not the
// books: each saying has its time.
type heard struct {
	mu sync.Mutex
	by map[peer.ID]saying
}

// saying is one node's word on this one.
type saying struct {
	account p2p.AccountResponse
	at      int64 // 0: it never told its account
	reason  string
	noticed int64 // when it told its newest notice
}

func (h *heard) of(p peer.ID) saying {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.by[p]
}

func (h *heard) change(p peer.ID, change func(*saying)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = make(map[peer.ID]saying)
	}
	s := h.by[p]
	change(&s)
	h.by[p] = s
}

func (h *heard) told(p peer.ID, a p2p.AccountResponse, now int64) {
	h.change(p, func(s *saying) {
		if a.Step != s.account.Step || a.Since != s.account.Since {
			s.reason = "" // it was about another step
		}
		s.account, s.at = a, now
	})
}

func (h *heard) notice(p peer.ID, r p2p.NoticeRequest, now int64) {
	h.change(p, func(s *saying) {
		s.account.Step, s.account.Since, s.account.NextStep, s.account.NextAt = r.Step, r.Since, r.NextStep, r.NextAt
		s.account.Short, s.reason, s.noticed = r.Short, r.Reason, now
	})
}

// recallMost is how many of the newest events are searched for notices at the
// start.
const recallMost = 10_000

// recall takes up the notices that earlier lives heard.
func (n *Node) recall(ctx context.Context) error {
	last, err := n.book.LastEvent(ctx)
	if err != nil {
		return n.checked(err)
	}
	events, err := n.book.Events(ctx, last.Seq-min(last.Seq, recallMost), recallMost)
	if err != nil {
		return n.checked(err)
	}
	for _, e := range events {
		var r p2p.NoticeRequest
		if e.Kind == kindNotice && json.Unmarshal(e.Evidence, &r) == nil && r.Validate() == nil {
			n.heard.notice(e.Peer, r, e.Time)
		}
	}
	return nil
}

// creditors lists where this node has credit, as far as they told.
func (h *heard) creditors() []peer.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []peer.ID
	for p := range maps.Keys(h.by) {
		if s := h.by[p]; s.at != 0 && s.account.Supply > 0 {
			all = append(all, p)
		}
	}
	return all
}

// noticeText is a notice as one line.
func noticeText(r p2p.NoticeRequest) string {
	text := "standing is " + credit.Step(r.Step).String()
	if r.Short > 0 {
		text += fmt.Sprintf(", %v not covered", r.Short)
	}
	if r.NextAt > 0 {
		text += fmt.Sprintf(", %v from %s on", credit.Step(r.NextStep), day(r.NextAt))
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// ask asks a peer how this node stands with it, and remembers the answer. The
// terms that it names are those that it gives.
func (n *Node) ask(ctx context.Context, p peer.ID, bytes potluck.Size) (p2p.AccountResponse, error) {
	a, err := n.host.Account(ctx, p, p2p.AccountRequest{Bytes: bytes})
	if err != nil {
		return a, err
	}
	n.heard.told(p, a, n.config.Clock().Unix())
	known, err := n.book.Account(ctx, p)
	if err != nil || known.Theirs == ledger.Terms(a.Terms) {
		return a, n.checked(err)
	}
	_, err = n.book.Update(ctx, p, "it gives other terms", func(x *ledger.Account) error {
		x.Theirs = ledger.Terms(a.Terms)
		return nil
	})
	return a, n.checked(err)
}
