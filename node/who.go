package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
)

// Status gives this node at a glance.
func (n *Node) Status(ctx context.Context) (Status, error) {
	totals, err := n.book.Totals(ctx)
	if err != nil {
		return Status{}, n.checked(err)
	}
	free, err := n.store.Room(ctx)
	if err != nil {
		return Status{}, err
	}
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return Status{}, n.checked(err)
	}
	invites, err := n.Invites(ctx)
	if err != nil {
		return Status{}, err
	}
	disk := max(free-n.wish().floor, 0)
	s := Status{Name: n.wish().Name, Peer: n.self, Version: potluck.Version, Addrs: append([]string{}, n.host.Addrs()...), Data: n.dir.path,
		Started: n.started.Unix(), AsOf: n.config.Clock().Unix(), Offered: n.wish().Offer, Held: totals.Held,
		Reserved: totals.Reserved, HeldForMe: totals.Earned, DiskFree: free,
		Room: max(min(n.wish().Offer-totals.Held-totals.Reserved, disk-totals.Reserved), 0)}
	s.Crawl, s.Scrub = n.passes()
	s.Epoch = n.epoch.number()
	if why := n.writable(); why != nil {
		s.ReadOnly, s.Room = why.Error(), 0
	}
	for _, a := range accounts {
		if a.Friend {
			s.Friends++
			if n.host.Connected(a.Peer) {
				s.Connected++
			}
		}
	}
	for _, i := range invites {
		if i.State == "live" {
			s.Inviting++
		}
	}
	return s, nil
}

// Friends lists all accounts by name.
func (n *Node) Friends(ctx context.Context) ([]Friend, error) {
	rows, err := n.rows(ctx)
	all := make([]Friend, len(rows))
	for i, r := range rows {
		all[i] = r.Friend
	}
	return all, err
}

// rows gives all accounts by name, with the sentences about them.
func (n *Node) rows(ctx context.Context) ([]Row, error) {
	room, err := n.room(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := n.book.Lines(ctx, room, 1)
	if err != nil {
		return nil, n.checked(err)
	}
	accounts, credits := make([]ledger.Account, len(lines)), make(credits, len(lines))
	for i, l := range lines {
		accounts[i], credits[l.Peer] = l.Account, l.Credit
	}
	ns := namesOf(accounts, n.self)
	all := make([]Row, len(lines))
	for i, l := range lines {
		if all[i], err = n.row(ctx, l, ns, credits); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Peer), string(b.Peer)))
	})
	return all, nil
}

// line reads what the books know of one account.
func (n *Node) line(ctx context.Context, p peer.ID) (ledger.Line, error) {
	room, err := n.room(ctx)
	if err != nil {
		return ledger.Line{}, err
	}
	l, err := n.book.Line(ctx, p, room, 1)
	return l, n.checked(err)
}

// row gives the figures of one account, and why it is served.
func (n *Node) row(ctx context.Context, a ledger.Line, ns names, credits credits) (Row, error) {
	s, err := n.serving(ctx, a, ns, credits)
	if err != nil {
		return Row{}, err
	}
	u := a.Usage
	f := Friend{Peer: a.Peer, Name: a.Name, Household: a.Household, Friend: a.Friend, Connected: n.host.Connected(a.Peer),
		FirstSeen: a.FirstSeen, LastSeen: a.LastSeen, LeasesUntil: a.LeasesUntil, Addrs: append([]string{}, a.Addrs...), Denied: a.Denied,
		Terms: a.Terms, Theirs: a.Theirs,
		HoldsForMe: Holding{Bytes: u.Earned, Shares: u.EarnedShares},
		IHold:      Holding{Bytes: u.Held, Shares: u.HeldShares, Reserved: u.Reserved, ReservedShares: u.ReservedShares},
		Free:       s.Free, Supply: s.Supply, Short: s.Short, Sponsored: s.Sponsored, Distance: s.Distance,
		CreditFrom: s.Funding, Standing: n.standing(a.Account, s.Name), Proven: a.Proof.Proven}
	if f.Peer == ledger.Anonymous { // what was taken up, and whose owner isn't known
		f.Name = s.Name
	}
	return Row{Friend: f, Reason: s.Sentence}, nil
}

// Who tells who holds how much for whom, and why.
func (n *Node) Who(ctx context.Context) (Who, error) {
	me, err := n.Status(ctx)
	if err != nil {
		return Who{}, err
	}
	w := Who{AsOf: n.config.Clock().Unix(), Me: me}
	if w.Rows, err = n.rows(ctx); err != nil {
		return Who{}, err
	}
	for _, f := range w.Rows {
		w.Totals.HoldForMe = w.Totals.HoldForMe.plus(f.HoldsForMe)
		w.Totals.IHold = w.Totals.IHold.plus(f.IHold)
	}
	return w, nil
}

func (h Holding) plus(o Holding) Holding {
	return Holding{Bytes: h.Bytes + o.Bytes, Shares: h.Shares + o.Shares,
		Reserved: h.Reserved + o.Reserved, ReservedShares: h.ReservedShares + o.ReservedShares}
}

// SharesPart selects rows of a friend's line.
type SharesPart struct {
	Side  string          // "held": what this node holds, "placed": what the friend holds; empty: both
	After potluck.ShareID // only rows after this one; of one side only
	Limit int             // of rows of each side; 0: SharesMost
}

// SharesMost is the most rows of each side in one answer: what a node has in memory
// for it doesn't grow with what it holds.
const SharesMost = 10_000

// most is how many rows of each side are given.
func (p SharesPart) most() int {
	if p.Limit == 0 {
		return SharesMost
	}
	return min(p.Limit, SharesMost)
}

// Shares gives the rows that sum to one friend's line of Who, or a part of them.
// The sums are those of all rows: they are added up when all are given, and else
// are the counters that "ledger check" proves.
func (n *Node) Shares(ctx context.Context, a ledger.Account, part SharesPart) (PeerShares, error) {
	s := PeerShares{AsOf: n.config.Clock().Unix(), Peer: a.Peer, Name: a.Name, IHold: []HeldRow{}, HoldsForMe: []PlacedRow{}}
	if err := part.check(); err != nil {
		return s, err
	}
	err := n.heldRows(ctx, a.Peer, part, &s)
	if err == nil {
		err = n.placedRows(ctx, a.Peer, part, &s)
	}
	if err == nil && (s.More || part != (SharesPart{})) {
		s.Sums, err = n.countedSums(ctx, a.Peer)
	}
	if err == nil {
		s.Stated, err = n.stated(ctx, a.Peer)
	}
	return s, n.checked(err)
}

func (p SharesPart) check() error {
	switch {
	case p.Side != "" && p.Side != sideHeld && p.Side != sidePlaced:
		return usagef("side %q is neither %q nor %q", p.Side, sideHeld, sidePlaced)
	case p.Side == "" && p.After != (potluck.ShareID{}):
		return usagef("rows after one are those of one side; say which")
	case p.Limit < 0:
		return usagef("a limit of %d rows", p.Limit)
	}
	return nil
}

// The sides of a line of Who.
const (
	sideHeld   = "held"
	sidePlaced = "placed"
)

func (n *Node) heldRows(ctx context.Context, p peer.ID, part SharesPart, s *PeerShares) error {
	if part.Side == sidePlaced {
		return nil
	}
	return n.book.LeasesAfter(ctx, p, part.After, func(row ledger.ShareRow) error {
		if s.More = len(s.IHold) == part.most(); s.More {
			return ledger.ErrStop
		}
		s.hold(row, p)
		return nil
	})
}

func (n *Node) placedRows(ctx context.Context, host peer.ID, part SharesPart, s *PeerShares) error {
	if part.Side == sideHeld {
		return nil
	}
	return n.book.PlacementsAfter(ctx, host, part.After, func(p ledger.Placement) error {
		if len(s.HoldsForMe) == part.most() {
			s.More = true
			return ledger.ErrStop
		}
		counted := p.State == ledger.PlacedStable
		s.HoldsForMe = append(s.HoldsForMe, PlacedRow{Share: p.Share, State: placedWord(p.State), Charge: p.Charge,
			Counted: counted, Placed: p.Placed, LastGood: p.LastGood})
		if counted {
			s.Sums.HoldForMe = s.Sums.HoldForMe.plus(Holding{Bytes: p.Charge, Shares: 1})
		}
		return nil
	})
}

// countedSums gives the sums of all rows, as the books count them.
func (n *Node) countedSums(ctx context.Context, p peer.ID) (WhoSums, error) {
	u, err := n.book.Usage(ctx, p)
	return WhoSums{HoldForMe: Holding{Bytes: u.Earned, Shares: u.EarnedShares},
		IHold: Holding{Bytes: u.Held, Shares: u.HeldShares, Reserved: u.Reserved, ReservedShares: u.ReservedShares}}, err
}

func (s *PeerShares) hold(row ledger.ShareRow, p peer.ID) {
	l := leaseOf(row, p)
	if l == nil {
		return
	}
	s.IHold = append(s.IHold, HeldRow{Share: row.ID, State: stateWord(row.State), Charge: l.Charge, Pending: l.Pending,
		Since: l.Since, Until: l.Until})
	if l.Pending {
		s.Sums.IHold = s.Sums.IHold.plus(Holding{Reserved: l.Charge, ReservedShares: 1})
	} else {
		s.Sums.IHold = s.Sums.IHold.plus(Holding{Bytes: l.Charge, Shares: 1})
	}
}

func stateWord(s ledger.ShareState) string {
	switch s {
	case ledger.ShareComing:
		return "coming"
	case ledger.ShareStable:
		return "stable"
	case ledger.ShareGoing:
		return "going"
	case ledger.ShareLost:
		return "lost"
	case ledger.ShareCorrupt:
		return "corrupt"
	}
	return fmt.Sprintf("state %d", s)
}

func placedWord(s ledger.PlacementState) string {
	switch s {
	case ledger.PlacedComing:
		return "coming"
	case ledger.PlacedStable:
		return "stable"
	case ledger.PlacedGoing:
		return "going"
	case ledger.PlacedLost:
		return "lost"
	}
	return fmt.Sprintf("state %d", s)
}
