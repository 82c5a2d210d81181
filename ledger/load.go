package ledger

import (
	"context"

	"potluck/ledger/credit"
	"potluck/ledger/signed"
)

// loadGraph builds the network from the rows, before anybody is inside. The first
// operation looks at what ended while the books were closed.
func (b *Book) loadGraph() error {
	txn := b.db.NewTransaction(false)
	defer txn.Discard()
	if err := b.graph.load(view{txn}, b.clock().Unix()); err != nil {
		return err
	}
	b.graph.from, b.graph.due = maxTime+1, 0
	b.graph.slack = len(b.graph.frozen) > 0
	return nil
}

// load fills an empty graph from rows, as things stood at now. Which pointers
// count is in the rows.
func (g *graph) load(v view, now int64) error {
	ctx := context.Background()
	err := v.scan(ctx, span{prefix: []byte{keyDocument}}, func(key, row []byte) error {
		e, err := readEntry(key, row, nil)
		if err == nil {
			g.entries[e.key] = e
		}
		return err
	})
	if err != nil {
		return err
	}
	g.asOf, g.from, g.due = now, 0, maxTime+1
	d := g.desk()
	g.loans, g.via, g.ownPPM = d.loans(), d.via(g.entries, now), d.ownPPM(now)
	for _, e := range g.entries {
		e.times(g.self, g.bound)
	}
	if err := first(g.loadProofs(ctx, v), g.loadAccounts(ctx, v)); err != nil {
		return err
	}
	g.boundProofs(g.proofs)
	for p := range g.via { // of a host without an account nothing counts yet; keep it known
		if _, ok := g.book.Peer(credit.ID(p)); !ok {
			if err := g.feed(v, p); err != nil {
				return err
			}
		}
	}
	for k, e := range g.entries {
		if k.kind == signed.KindOrder && k.issuer != g.self {
			g.book.SetArcs(credit.ID(k.issuer), d.arcs(e))
			if len(e.frozen) > 0 {
				g.frozen[k.issuer] = true
			}
		}
	}
	return nil
}

// loadAccounts walks accounts and counters side by side.
func (g *graph) loadAccounts(ctx context.Context, v view) error {
	return v.scan(ctx, span{prefix: []byte{keyAccount}}, func(key, row []byte) error {
		k := parts(key)
		p := k.peer()
		if err := k.end(key); err != nil {
			return err
		}
		return g.feed(v, p)
	})
}
