package ledger

import (
	"maps"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// graph is the books' credit in memory: the flow network of CREDIT.md section 3
// and the documents that shape it. It is a function of the rows and of the time
// at which what ends with time was last looked at. The batcher alone changes it,
// after each accepted operation and before the next one; a failed commit ends the
// book anyway.
type graph struct {
	// Immutable.
	self   peer.ID
	hops   int
	window int64         // seconds for which a proof counts; 0: for ever
	epoch  func() uint64 // see Config.Epoch; never nil

	// Changed by the batcher under mu, so it reads them without.
	mu      sync.Mutex
	book    *credit.Book // under mu for every call: even its answers write
	entries map[docKey]*entry
	earned  map[peer.ID]potluck.Size // own placements, where there are any
	proofs  map[peer.ID]Proof        // of hosts, see lapse
	via     map[peer.ID][]EarnedFor  // what counts for principals that this node works for
	loans   map[peer.ID]potluck.Size // this node's own
	paid    map[peer.ID]bool         // accounts with a paid term
	frozen  map[peer.ID]bool         // issuers with frozen pointers
	slowed  map[peer.ID]bool         // accounts on that step of the ladder
	ownPPM  int64                    // the part of its own debts that this node repays itself
	asOf    int64                    // when all this was looked at ...
	from    int64                    // ... which is right from here
	due     int64                    // ... until here, exclusively
	slack   bool                     // frozen pointers may carry less than their rows say
}

func newGraph(self peer.ID, hops int) *graph {
	return &graph{self: self, hops: hops, epoch: func() uint64 { return 1 }, book: credit.New(hops), entries: make(map[docKey]*entry),
		earned: make(map[peer.ID]potluck.Size), proofs: make(map[peer.ID]Proof), via: make(map[peer.ID][]EarnedFor), loans: make(map[peer.ID]potluck.Size),
		paid: make(map[peer.ID]bool), frozen: make(map[peer.ID]bool), slowed: make(map[peer.ID]bool), ownPPM: signed.WholePPM}
}

// hopsOf gives a Config's MaxHops the meaning that the core has.
func hopsOf(maxHops int) int {
	if maxHops == 0 {
		return DefaultHops
	}
	return max(0, maxHops)
}

// stale tells whether something ended or began since the last look.
func (g *graph) stale(now int64) bool { return now < g.from || now >= g.due }

// apply takes an accepted operation over. An error means that rows are damaged.
func (g *graph) apply(t *tx) error {
	if len(t.usages) == 0 && len(t.accounts) == 0 && len(t.entries) == 0 && len(t.proofs) == 0 && !t.look {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.Copy(g.proofs, t.proofs)
	if len(t.entries) > 0 || t.look {
		maps.Copy(g.entries, t.entries)
	}
	if t.look || g.shaped(t.entries) {
		if err := g.derive(t); err != nil {
			return err
		}
		g.slack = len(g.frozen) > 0
	}
	for p := range t.accounts {
		if err := g.feed(t, p); err != nil {
			return err
		}
	}
	for _, c := range t.usages {
		if !t.accounts[c.peer] {
			g.count(c.peer, c.usage)
		}
	}
	for p := range t.proofs {
		if err := g.feed(t, p); err != nil {
			return err
		}
	}
	g.boundProofs(t.proofs)
	return nil
}

// shaped tells whether any of these documents may change the network. Statements
// that count nothing here don't: of those there is one for each two friends that
// know each other, each new one every day, and to look at all for one would add up.
// When they end is kept in mind all the same.
func (g *graph) shaped(entries map[docKey]*entry) bool {
	d := g.desk()
	for k, e := range entries {
		if k.kind != signed.KindStatement || k.issuer != g.self && d.works(k.other, g.asOf) > 0 {
			return true
		}
		e.times(g.self, g.bound)
	}
	return false
}

// feed computes a peer anew from its rows.
func (g *graph) feed(rows getter, p peer.ID) error {
	a, u, err := knownAccount(rows, p)
	if isMissing(err) {
		a, u, err = Account{Peer: p, Terms: StrangerTerms()}, Usage{}, nil
	}
	if err != nil {
		return err
	}
	g.enter(a, u)
	return nil
}

// enter puts an account into the network, unless it is nobody's.
func (g *graph) enter(a Account, u Usage) {
	if a.Peer == Anonymous {
		return
	}
	terms := a.Counted()
	in := credit.Peer{ID: credit.ID(a.Peer), Friend: a.Friend, Denied: a.Denied, Frozen: a.Standing.Step >= credit.StepFrozen,
		RatioPPM: terms.RatioPPM, Gift: terms.Gift, Opening: terms.Opening}
	if terms.Paid > 0 {
		g.paid[a.Peer] = true
		g.bound(terms.PaidUntil)
		if g.asOf < terms.PaidUntil {
			in.Paid = terms.Paid
		}
	} else {
		delete(g.paid, a.Peer)
	}
	if a.Standing.Step == credit.StepSlowed {
		g.slowed[a.Peer] = true
	} else {
		delete(g.slowed, a.Peer)
	}
	in.Loans = g.loans[a.Peer]
	g.put(a.Peer, in, u)
}

// bound narrows the time for which the graph is right.
func (g *graph) bound(t int64) {
	if t <= g.asOf {
		g.from = max(g.from, t)
	} else {
		g.due = min(g.due, t)
	}
}

// count puts new counters of a peer into the network.
func (g *graph) count(p peer.ID, u Usage) {
	if p == Anonymous {
		return
	}
	in, _ := g.book.Peer(credit.ID(p)) // every other account is in it
	g.put(p, in, u)
}

func (g *graph) put(p peer.ID, in credit.Peer, u Usage) {
	if u.Earned > 0 {
		g.earned[p] = u.Earned
	} else {
		delete(g.earned, p)
	}
	in.Held, in.Reserved, in.Newest = u.Held, u.Reserved, u.Newest
	in.Earned = g.earns(p, u.Earned)
	g.replace(in)
}

// earns is what counts of a peer's holdings (CREDIT.md section 3).
func (g *graph) earns(p peer.ID, own potluck.Size) potluck.Size {
	sum := g.counted(p, own)
	for _, e := range g.via[p] {
		sum = min(sum+e.Bytes, potluck.MaxSize)
	}
	return sum
}

// counted is what counts of a peer's holdings for this node itself: nothing while
// nothing proves them.
func (g *graph) counted(p peer.ID, own potluck.Size) potluck.Size {
	if g.proofs[p].Lapsed {
		return 0
	}
	return millionths(own, g.ownPPM)
}

// replace puts a peer, and tells whether frozen pointers may carry less now. They
// don't when the peer covers its demand itself before and after, and points to nobody.
func (g *graph) replace(in credit.Peer) {
	old, known := g.book.Peer(in.ID)
	if known && old == in {
		return
	}
	self := g.covers(old)
	g.book.Put(in)
	if len(g.frozen) > 0 && (!self || !g.covers(in) || g.entries[orderKey(peer.ID(in.ID))] != nil) {
		g.slack = true
	}
}

func (g *graph) covers(p credit.Peer) bool {
	return p.Held+p.Reserved+p.Loans <= g.book.Supply(p.ID)
}

// desk has the documents that the network was made of.
func (g *graph) desk() desk {
	return desk{self: g.self, entry: func(k docKey) *entry { return g.entries[k] }}
}

func orderKey(issuer peer.ID) docKey { return docKey{kind: signed.KindOrder, issuer: issuer} }

// derive computes all that follows from documents, after some of them changed or
// time passed, and puts what is different into the network.
func (g *graph) derive(t *tx) error {
	d := g.desk()
	changed := make(map[peer.ID]bool)
	if t.look {
		g.asOf = t.now
		for p := range g.paid {
			changed[p] = true
		}
	}
	g.from, g.due = 0, maxTime+1
	for _, e := range g.entries {
		e.times(g.self, g.bound)
	}
	g.boundProofs(g.proofs)
	loans, via, own := d.loans(), d.via(g.entries, g.asOf), d.ownPPM(g.asOf)
	for p := range g.earned {
		if own != g.ownPPM {
			changed[p] = true
		}
	}
	differ(changed, g.loans, loans, func(a, b potluck.Size) bool { return a == b })
	differ(changed, g.via, via, slices.Equal[[]EarnedFor])
	g.loans, g.via, g.ownPPM = loans, via, own
	for p := range g.paid {
		a, _, err := knownAccount(t, p)
		if err != nil {
			return err
		}
		g.bound(a.Terms.PaidUntil)
	}
	for p := range changed {
		if err := g.feed(t, p); err != nil {
			return err
		}
	}
	g.point(d, t.entries)
	return nil
}

// differ marks the keys whose values aren't the same in both.
func differ[V any](changed map[peer.ID]bool, a, b map[peer.ID]V, same func(V, V) bool) {
	for p, v := range a {
		if w, ok := b[p]; !ok || !same(v, w) {
			changed[p] = true
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			changed[p] = true
		}
	}
}

// point sets the arcs of the issuers whose orders changed; of all issuers when a
// household did.
func (g *graph) point(d desk, entries map[docKey]*entry) {
	for k := range entries {
		if k.kind == signed.KindHousehold {
			entries = g.entries
			break
		}
	}
	for k, e := range entries {
		if k.kind != signed.KindOrder || k.issuer == g.self {
			continue
		}
		g.book.SetArcs(credit.ID(k.issuer), d.arcs(e))
		if len(e.frozen) > 0 {
			g.frozen[k.issuer] = true
		} else {
			delete(g.frozen, k.issuer)
		}
	}
}
