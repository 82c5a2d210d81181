package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/p2p"
	"potluck/shares"
)

// Get writes the file of a cap, or a range of it, to dst in order. Nothing is
// written that isn't verified against the cap. Errors: *NotEnoughError,
// *DamageError, *UsageError, or what writing to dst gave. What a host sends
// wrongly is blamed on it and had from another. report may be nil; it is called
// from one goroutine at a time.
func (c *Client) Get(ctx context.Context, cp caps.Cap, dst io.Writer, o GetOptions, report func(Progress)) (GetResult, error) {
	start := c.c.Clock()
	var result GetResult
	var err error
	switch cp := cp.(type) {
	case caps.Literal:
		result, err = getLiteral(cp, dst, o)
	case caps.Read:
		result, err = c.getShares(ctx, cp, dst, o, newReporter(report, c.c.Clock))
	default:
		err = &UsageError{"this cap lets its holder check the file, not read it"}
	}
	result.Seconds = c.c.Clock().Sub(start).Seconds()
	return result, err
}

func getLiteral(cp caps.Literal, dst io.Writer, o GetOptions) (GetResult, error) {
	from, to, err := span(potluck.Size(len(cp.Data)), o)
	if err != nil {
		return GetResult{}, err
	}
	n, err := dst.Write(cp.Data[from:to])
	return GetResult{Size: potluck.Size(n), Hosts: []HostBytes{}}, err
}

// span checks a range against the size of a file.
func span(size potluck.Size, o GetOptions) (from, to potluck.Size, err error) {
	if o.Offset < 0 || o.Length < 0 || o.Offset > size || o.Length > size-o.Offset {
		return 0, 0, &UsageError{fmt.Sprintf("bytes %d to %d lie outside of the file, which has %d", o.Offset, o.Offset+o.Length, size)}
	}
	if o.Length == 0 {
		return o.Offset, size, nil
	}
	return o.Offset, o.Offset + o.Length, nil
}

// get is one read on its way.
type get struct {
	client   *Client
	file     caps.Verify
	key      caps.Key // for reading
	layout   potluck.Layout
	known    *peers
	report   *reporter
	manifest shares.Manifest
	pool     *sources
	buffers  *buffers
	from, to potluck.Size // of the file
	first    int64        // first stripe
	last     int64        // last stripe, included
	small    []morsel     // of a small read; nil: it is read by blocks
}

func (c *Client) getShares(ctx context.Context, cp caps.Read, dst io.Writer, o GetOptions, r *reporter) (GetResult, error) {
	from, to, err := span(cp.Layout.Size, o)
	if err != nil || from == to {
		return GetResult{Hosts: []HostBytes{}}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := &get{client: c, file: cp.Verify(), key: cp.Key, layout: cp.Layout, report: r, from: from, to: to}
	g.last = g.stripeAt(to - 1)
	g.small = g.morsels()
	hosts, known, err := c.candidates(ctx, nil)
	if err != nil {
		return GetResult{}, err
	}
	g.known = known
	g.pool = newSources(g.file.Index, known, len(hosts))
	if c.c.Local != nil {
		hosts = append(hosts, c.c.Self)
		known.name(c.c.Self, "this node")
	}
	r.stage("reading", to-from, len(hosts))
	if err := g.locate(ctx, hosts); err != nil {
		return g.result(0), err
	}
	var written potluck.Size
	if g.small != nil {
		n, few, err := g.nibble(ctx, dst)
		if !few {
			return g.result(n), err
		}
		written, g.from = n, g.from+n
	} else if err := g.fetchManifest(ctx); err != nil {
		return g.result(0), err
	}
	g.first = g.stripeAt(g.from)
	for {
		n, err := g.stream(ctx, dst)
		written += n
		if !g.goOn(n, err) {
			return g.result(written), err
		}
	}
}

// stripeAt is the stripe that has a byte of the file.
func (g *get) stripeAt(at potluck.Size) int64 {
	return int64(at / (potluck.Size(g.layout.K) * potluck.Size(g.layout.Block)))
}

// goOn tells whether a read that stopped may go on from where it stopped, and
// prepares that. Lanes that are far apart can run out of share numbers that
// neither has delivered, though enough hosts live: then all begin anew together.
func (g *get) goOn(written potluck.Size, err error) bool {
	var few *NotEnoughError
	if !errors.As(err, &few) || written == 0 || g.pool.distinct() < int(g.layout.K) {
		return false
	}
	g.from += written
	g.first = g.stripeAt(g.from)
	g.pool.restart()
	return true
}

// locate finds holders of at least k distinct shares. A small read doesn't wait
// for more than those whose shares it needs.
func (g *get) locate(ctx context.Context, hosts []peer.ID) error {
	found := g.client.search(ctx, g.file.Index, hosts, g.known)
	var late <-chan time.Time
	for open := true; open; {
		select {
		case held, more := <-found:
			open = more
			g.add(held)
			if g.pool.distinct() < int(g.layout.K) {
				continue
			}
			if g.small != nil && g.pool.reach(g.small) {
				go g.addLate(found) // ends when the search does
				return nil
			}
			if late == nil {
				late = time.After(patience)
			}
		case <-late:
			go g.addLate(found) // ends when the search does
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	g.pool.complete()
	if g.pool.distinct() < int(g.layout.K) {
		return g.pool.notEnough(int(g.layout.K))
	}
	return nil
}

// add takes in what one host says that it holds.
func (g *get) add(held []holding) {
	for _, h := range held {
		if h.Manifest == g.file.Manifest && h.Number < potluck.ShareNumber(g.layout.N) {
			g.pool.add(h)
		}
	}
}

func (g *get) addLate(found <-chan []holding) {
	for held := range found {
		g.add(held)
	}
	g.pool.complete()
}

// fetchManifest asks the holders in turn until one has the manifest that the
// cap names: last of all those that a small read asks for slivers, to which it
// looks like an audit then.
func (g *get) fetchManifest(ctx context.Context) error {
	for _, h := range g.strangersFirst(g.pool.list()) {
		b, err := g.client.fetch(ctx, h.host, p2p.ReadRequest{Index: g.file.Index, Number: h.Number, Part: p2p.PartManifest},
			potluck.Size(shares.ManifestLen(g.layout)))
		if err == nil && shares.Sum(b) != g.file.Manifest {
			err = &wrongError{"sent another manifest than the cap names"}
		}
		if err != nil {
			g.pool.drop(h, err)
			continue
		}
		m, err := shares.ParseManifest(b)
		if err != nil {
			return &DamageError{fmt.Sprintf("its manifest can't be read: %v", err)}
		}
		if m.Layout != g.layout || m.Index != g.file.Index {
			return &DamageError{"its manifest is for another file than the cap"}
		}
		g.manifest = m
		return nil
	}
	return g.pool.notEnough(int(g.layout.K))
}

func (g *get) result(n potluck.Size) GetResult {
	r := GetResult{Size: n, Hosts: []HostBytes{}}
	if g.pool == nil {
		return r
	}
	var bytes map[peer.ID]potluck.Size
	bytes, r.Blamed = g.pool.account()
	for host, b := range bytes {
		r.Hosts = append(r.Hosts, HostBytes{Host: host, Name: g.known.nameOf(host), Bytes: b})
	}
	slices.SortFunc(r.Hosts, func(a, b HostBytes) int { return cmp.Compare(b.Bytes, a.Bytes) })
	return r
}
