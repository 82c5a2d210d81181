package files

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
)

// undoTime bounds how long a failed put waits for hosts to release what they
// reserved. Those that don't answer release it at their deadline.
const undoTime = 5 * time.Second

// undo has every host release what this put reserved or stored there, as far as
// is known or possible, and forgets the intents. Shares that were held before
// the put stay. A host that can't be told now is told when it's met again.
func (p *put) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	past, err := p.client.c.Books.Placements(ctx, p.index)
	if err != nil {
		p.client.c.Log.Warn("can't look up where shares were to lie", "index", p.index, "err", err)
	}
	here := make(map[edge]bool) // true: the host must be told
	for _, l := range past {
		if l.State == ledger.PlacedComing { // also where the answer, or the receipt, was lost
			e := edge{l.Share.Number, l.Host}
			here[e] = !p.held[e]
		}
	}
	for number, g := range p.grants {
		if g.State != p2p.GrantHeld {
			here[edge{number, g.host}] = true
		}
	}
	tell, forget := make(map[peer.ID][]potluck.ShareID), make(map[peer.ID][]potluck.ShareID)
	for e, there := range here {
		to := forget
		if there {
			to = tell
		}
		to[e.host] = append(to[e.host], potluck.ShareID{Index: p.index, Number: e.number})
	}
	var wg sync.WaitGroup
	for host, ids := range tell {
		wg.Go(func() { p.withdraw(ctx, host, ids) })
	}
	wg.Wait()
	for host, ids := range forget {
		if err := p.client.c.Books.Unplace(ctx, host, ids); err != nil {
			p.client.c.Log.Warn("can't forget where shares were to lie", "index", p.index, "err", err)
		}
	}
	clear(p.grants)
}

// withdraw has one host release shares, and forgets their placements. What the
// host couldn't be told stays in the books as removed, for Sweep.
func (p *put) withdraw(ctx context.Context, host peer.ID, ids []potluck.ShareID) {
	err := errQuiet
	if !p.client.isQuiet(host) {
		_, err = p.client.tellCancel(ctx, host, ids)
	}
	p.client.quotes.forget(host)
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	books := p.client.c.Books
	if err == nil {
		err = books.Unplace(after, host, ids)
	} else {
		p.client.c.Log.Info("a host is told later that a put failed", "peer", host, "shares", len(ids), "err", err)
		err = books.Mark(after, host, ids, ledger.PlacedGoing, "its put failed")
	}
	if err != nil {
		p.client.c.Log.Warn("can't forget where shares were to lie", "index", p.index, "err", err)
	}
}
