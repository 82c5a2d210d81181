package files

import (
	"context"

	"potluck"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// small holds the shares of a file whose shares are small. They are made before
// any host is asked, so that each host is asked once: to reserve room for its
// share and keep it.
type small struct {
	data [][]byte // by share number
	finished
}

// pack makes the shares of a small file, and does nothing for others.
func (p *put) pack() error {
	if p.small != nil || shares.SentLen(p.layout) > p2p.MaxStore {
		return nil
	}
	data := make([][]byte, p.layout.N)
	hashers := make([]*shares.Hasher, p.layout.N)
	for n := range data {
		data[n] = make([]byte, 0, shares.DataLen(p.layout))
		hashers[n] = shares.NewRootHasher(shares.DataLen(p.layout))
	}
	pool := newPool(p.layout, 1, func(potluck.Size) {})
	for i := range shares.Stripes(p.layout) {
		st := <-pool
		st.begin(p.layout, i)
		if err := p.enc.fill(st); err != nil {
			return err
		}
		for n, block := range st.blocks {
			data[n] = append(data[n], block...)
			hashers[n].Write(block)
		}
		st.readers.Store(1)
		st.release()
	}
	p.roots = make([]potluck.Digest, p.layout.N)
	for n, h := range hashers {
		p.roots[n] = h.Sum()
	}
	f, err := p.finished(nil)
	if err == nil {
		err = p.src.Check()
	}
	p.small = &small{data: data, finished: f}
	return err
}

// store has a host keep a small share, and checks what it signed.
func (p *put) store(ctx context.Context, e edge) (grant, error) {
	f := p.small
	answer, err := p.client.c.Network.Store(ctx, e.host, p2p.StoreRequest{
		Index: p.index, Number: e.number, Layout: p.layout,
		Data: f.data[e.number], Manifest: f.manifest, Crosscheck: f.crosscheck,
	})
	if err != nil {
		return grant{}, err
	}
	place := f.placement(potluck.ShareID{Index: p.index, Number: e.number}, e.host, p.layout)
	place.Receipt = answer.Receipt
	if err := f.check(place); err != nil {
		return grant{}, err
	}
	g := p2p.Grant{Number: e.number, State: answer.State, Offset: shares.DataLen(p.layout), Root: place.Root, Manifest: place.Manifest}
	return grant{Grant: g, host: e.host, place: &place}, nil
}

// stored adds the small shares that hosts have taken since placed was made.
func (p *put) stored(placed []ledger.Placement) []ledger.Placement {
	for number, g := range p.grants {
		if g.place == nil || isPlaced(placed, number) {
			continue
		}
		placed = append(placed, *g.place)
		if g.State == p2p.GrantNew {
			p.result.Sent += potluck.Size(len(p.small.data[number]))
		} else {
			p.result.Reused++
		}
	}
	return placed
}
