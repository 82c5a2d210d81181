package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// EarnedFor is the part of what is earned that counts for one principal.
type EarnedFor struct {
	Principal peer.ID      `json:"principal"` // this node, or one that it works for
	Bytes     potluck.Size `json:"bytes"`
}

// CreditView is one account's credit at this node, with the figures that make it
// (CREDIT.md section 3). Sums that leave MaxInt64 stop there.
type CreditView struct {
	AsOf int64 `json:"as_of"` // unix seconds

	RatioPPM  int64        `json:"ratio_ppm"`
	Earned    potluck.Size `json:"earned"`
	EarnedFor []EarnedFor  `json:"earned_for"` // sums to Earned; this node first, then by peer ID
	Gift      potluck.Size `json:"gift"`
	Opening   potluck.Size `json:"opening"`
	Paid      potluck.Size `json:"paid"` // 0 when the term is over
	Supply    potluck.Size `json:"supply"`

	Held     potluck.Size `json:"held"`
	Reserved potluck.Size `json:"reserved"`
	Loans    potluck.Size `json:"loans"` // this node's own loans to the peer

	Free      potluck.Size  `json:"free"`      // what it could add, room aside
	Friend    bool          `json:"friend"`    //
	Sponsored bool          `json:"sponsored"` // no friend, but a chain of pointers reaches it
	Distance  int           `json:"distance"`  // arcs from the nearest friend; -1: none reaches it
	Shortfall potluck.Size  `json:"shortfall"` // of its demand, what nothing covers
	Funding   []credit.Fund `json:"funding"`   // how its demand is covered
	Into      []credit.Flow `json:"into"`      // pointers to it
	Out       []credit.Flow `json:"out"`       // pointers of it
}

// Credit gives one account's credit. A peer that only pointers name has a view
// too. Errors: ErrNotFound.
func (b *Book) Credit(ctx context.Context, p peer.ID) (CreditView, error) {
	if err := b.current(ctx); err != nil {
		return CreditView{}, fmt.Errorf("read the credit of %v: %w", p, err)
	}
	v, found := b.graph.view(p, b.clock().Unix())
	if !found {
		return CreditView{}, fmt.Errorf("credit of %v: %w", p, ErrNotFound)
	}
	return v, nil
}

func (g *graph) view(p peer.ID, now int64) (v CreditView, found bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id := credit.ID(p)
	in, found := g.book.Peer(id)
	if !found {
		return v, false
	}
	v = CreditView{AsOf: now, RatioPPM: in.RatioPPM, Earned: in.Earned, Gift: in.Gift, Opening: in.Opening, Paid: in.Paid,
		Supply: g.book.Supply(id), Held: in.Held, Reserved: in.Reserved, Loans: in.Loans, Free: g.book.Free(id), Friend: in.Friend,
		Distance: -1, Funding: g.book.Funding(id), Into: g.book.Into(id), Out: g.book.Carried(id)}
	left := in.Earned
	for _, e := range append([]EarnedFor{{g.self, g.counted(p, g.earned[p])}}, g.via[p]...) {
		if e.Bytes = min(e.Bytes, left); e.Bytes > 0 {
			v.EarnedFor = append(v.EarnedFor, e)
			left -= e.Bytes
		}
	}
	if hops, ok := g.book.Distance(id); ok {
		v.Distance, v.Sponsored = hops, !in.Friend
	}
	for _, s := range g.book.Shortfalls() {
		if s.ID == id {
			v.Shortfall = s.Bytes
		}
	}
	return v, true
}

// Shortfalls gives every account whose bytes aren't all covered, by peer ID.
func (b *Book) Shortfalls(ctx context.Context) ([]credit.Shortfall, error) {
	if err := b.current(ctx); err != nil {
		return nil, fmt.Errorf("read shortfalls: %w", err)
	}
	b.graph.mu.Lock()
	defer b.graph.mu.Unlock()
	return b.graph.book.Shortfalls(), nil
}

// Preview tells what peers could add at this node before and after a document,
// for those where it differs. It changes nothing. It reads all accounts and
// documents. Errors are those of Accept.
func (b *Book) Preview(ctx context.Context, d signed.Document) (before, after map[peer.ID]potluck.Size, err error) {
	p, rival, err := openAny(d)
	if err == nil {
		err = b.current(ctx)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("preview a document: %w", err)
	}
	before, after, err = b.try(ctx, func(t *tx) error {
		_, err := t.accept(p, rival)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("preview %v: %w", p.id.Kind, err)
	}
	return before, after, nil
}

// PreviewUpdate is Preview for a change of one account, as Update would make it.
// Errors are those of Update.
func (b *Book) PreviewUpdate(ctx context.Context, p peer.ID, change func(*Account) error) (before, after map[peer.ID]potluck.Size, err error) {
	if err := b.current(ctx); err != nil {
		return nil, nil, fmt.Errorf("preview a change of an account: %w", err)
	}
	before, after, err = b.try(ctx, func(t *tx) error {
		_, err := t.update(p, "", change)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("preview a change of an account: %w", err)
	}
	return before, after, nil
}

// try does something on a copy of the network, and tells whose free credit
// differs then.
func (b *Book) try(ctx context.Context, act func(*tx) error) (before, after map[peer.ID]potluck.Size, err error) {
	err = b.view(ctx, func(v view) error {
		before, after, err = b.rehearse(v, act)
		return err
	})
	return before, after, err
}

func (b *Book) rehearse(v view, act func(*tx) error) (before, after map[peer.ID]potluck.Size, err error) {
	now := b.clock().Unix()
	g := newGraph(b.self, b.graph.hops)
	if err := g.load(v, now); err != nil {
		return nil, nil, err
	}
	peers, err := v.peers()
	if err != nil {
		return nil, nil, err
	}
	before = g.free(peers)
	t := &tx{batch: &batch{txn: v.txn, recent: &recent{}}, graph: g, now: now, writes: make(map[string][]byte)}
	if err := act(t); err != nil {
		return nil, nil, err
	}
	if err := g.apply(t); err != nil {
		return nil, nil, err
	}
	for id := range before {
		peers[id] = true
	}
	after = g.free(peers)
	for id, n := range after {
		if before[id] == n {
			delete(before, id)
			delete(after, id)
		}
	}
	return before, after, nil
}

// peers gives all peers with an account.
func (v view) peers() (map[peer.ID]bool, error) {
	all := make(map[peer.ID]bool)
	err := v.scan(context.Background(), span{prefix: []byte{keyAccount}, keysOnly: true}, func(key, _ []byte) error {
		k := parts(key)
		all[k.peer()] = true
		return k.end(key)
	})
	return all, err
}

// free gives what peers could add: these, and those to whom orders point.
func (g *graph) free(peers map[peer.ID]bool) map[peer.ID]potluck.Size {
	all := make(map[peer.ID]potluck.Size, len(peers))
	for p := range peers {
		all[p] = g.book.Free(credit.ID(p))
	}
	for k, e := range g.entries {
		if k.kind == signed.KindOrder {
			for _, p := range e.paper.order.Pointers {
				all[p.To] = g.book.Free(credit.ID(p.To))
			}
		}
	}
	delete(all, g.self)
	return all
}

// SetStanding writes an account's standing. evidence is borrowed until it
// returns. Errors: ErrNotFound, ErrInvalid.
func (b *Book) SetStanding(ctx context.Context, p peer.ID, s credit.Standing, reason string, evidence []byte) error {
	return b.do(ctx, "set a standing", false, func(t *tx) error {
		a, _, err := knownAccount(t, p)
		if err != nil {
			return err
		}
		s.Reason = credit.Worded(s.Reason.String()) // as rows have it
		if a.Standing == s {
			return nil
		}
		a.Standing = s
		t.note(Event{Kind: KindStanding, Peer: p, Bytes: min(max(0, s.Short), potluck.MaxSize), Reason: reason, Evidence: evidence})
		return t.putAccount(a)
	})
}
