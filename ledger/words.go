package ledger

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck/ledger/signed"
)

// Words are the newest statements of the two sides of one holding; one that both
// signed is the word of both.
type Words struct {
	Host, Owner     peer.ID
	ByHost, ByOwner *signed.Statement // borrowed for good: they don't change; nil: it signed none
}

// WordsAfter visits what host and owner of each holding signed last, by host, then by
// owner, from the first pair after one on, or with an empty host from the first. Rows
// are only asked which pairs there are: the statements themselves were verified when
// they came. ErrStop of visit ends it without an error.
func (b *Book) WordsAfter(ctx context.Context, host, owner peer.ID, visit func(Words) error) error {
	pairs := span{prefix: []byte{keyDocument, byte(signed.KindStatement)}, keysOnly: true}
	if host != "" {
		pairs.after = docRowKey(keyDocument, docKey{signed.KindStatement, host, owner})
	}
	err := b.scan(ctx, pairs, func(key, _ []byte) error {
		r := parts(key)
		k := r.document()
		if err := r.end(key); err != nil {
			return err
		}
		w := Words{Host: k.issuer, Owner: k.other}
		if !b.graph.words(k, &w) {
			return nil
		}
		return visit(w)
	})
	if err != nil {
		return fmt.Errorf("list statements: %w", err)
	}
	return nil
}

// words fills in the two sides' words; false: there are none.
func (g *graph) words(k docKey, w *Words) bool {
	g.mu.Lock()
	e := g.entries[k]
	g.mu.Unlock()
	if e == nil { // an entry that is written is replaced, never changed
		return false
	}
	for _, p := range []*paper{e.paper, e.byHost, e.byOwner} {
		if p == nil {
			continue
		}
		if p.byHost && (w.ByHost == nil || w.ByHost.Number < p.statement.Number) {
			w.ByHost = &p.statement
		}
		if p.byOwner && (w.ByOwner == nil || w.ByOwner.Number < p.statement.Number) {
			w.ByOwner = &p.statement
		}
	}
	return true
}
