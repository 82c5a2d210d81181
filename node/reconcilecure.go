package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
	"potluck/ledger"
	"potluck/p2p"
	"potluck/shares"
)

// findings are differences with one host, by what is to be done about each.
type findings struct {
	lost      []p2p.Item         // these books count them, the host doesn't list them
	back      []ledger.Placement // marked as lost here, and the host says that it holds them
	repaired  []ledger.Placement // of files of this node, which these books don't place there
	orphans   []p2p.Item         // of nothing that this node knows
	differing []clash            // both count them, and not as the same
	pending   int                // under way: puts that aren't over, removals that the host isn't told
}

// clash is one share of which the two have different versions.
type clash struct {
	Share   potluck.ShareID `json:"share"`
	Mine    version         `json:"mine"`
	Theirs  version         `json:"theirs"`
	Receipt []byte          `json:"receipt,omitempty"` // the host signed mine with it
}

// version is what a book says of a share.
type version struct {
	Charge   potluck.Size   `json:"charge"`
	Root     potluck.Digest `json:"root"`
	Manifest potluck.Digest `json:"manifest"`
}

func versionOf(x p2p.Item) version { return version{x.Charge, x.Root, x.Manifest} }

// sort looks every difference up in the books as they are now: they may have
// changed since they were compared.
func (n *Node) sort(ctx context.Context, host peer.ID, found []difference) (f findings, err error) {
	for _, d := range found {
		if err := n.sortOne(ctx, host, d, &f); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (n *Node) sortOne(ctx context.Context, host peer.ID, d difference, f *findings) error {
	x := d.theirs
	if x == nil {
		x = d.mine
	}
	row, there, err := n.placed(ctx, host, x.Share)
	if err != nil {
		return err
	}
	stable := there && row.State == ledger.PlacedStable
	switch {
	case d.theirs == nil:
		if stable && row.Root == x.Root {
			f.lost = append(f.lost, *x)
		}
		return nil
	case !there:
		return n.sortUnknown(ctx, host, *x, f)
	case row.State == ledger.PlacedComing, row.State == ledger.PlacedGoing:
		f.pending++
	case row.Root == x.Root && row.Charge == x.Charge && row.Manifest == x.Manifest:
		if row.State == ledger.PlacedLost {
			f.back = append(f.back, row)
		}
	case stable && d.mine == nil: // it was placed since
	default:
		f.differing = append(f.differing, clash{x.Share, version{row.Charge, row.Root, row.Manifest}, versionOf(*x), row.Receipt})
	}
	return nil
}

// sortUnknown judges a share that these books don't place at the host. One of a
// file that this node has was put there by who may repair it, or its row was lost.
func (n *Node) sortUnknown(ctx context.Context, host peer.ID, x p2p.Item, f *findings) error {
	file, err := n.book.File(ctx, x.Share.Index)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
	case err != nil:
		return err
	case file.Manifest == x.Manifest && file.Layout == x.Layout && shares.Charge(x.Layout) == x.Charge:
		now := n.config.Clock().Unix()
		f.repaired = append(f.repaired, ledger.Placement{Share: x.Share, Host: host, Layout: x.Layout, Charge: x.Charge, Root: x.Root,
			Manifest: x.Manifest, Placed: now, LastGood: now, State: ledger.PlacedStable})
		return nil
	}
	f.orphans = append(f.orphans, x)
	return nil
}

// placed gives the row of a share at a host.
func (n *Node) placed(ctx context.Context, host peer.ID, id potluck.ShareID) (ledger.Placement, bool, error) {
	rows, err := n.book.Placements(ctx, id.Index)
	if err != nil {
		return ledger.Placement{}, false, err
	}
	i := slices.IndexFunc(rows, func(p ledger.Placement) bool { return p.Host == host && p.Share == id })
	if i < 0 {
		return ledger.Placement{}, false, nil
	}
	return rows[i], true, nil
}

// cure does what can be done: what the host doesn't hold is lost; what it holds
// after all, and can prove, counts. Orphans are left to the operator: somebody's
// only copy may be among them.
func (n *Node) cure(ctx context.Context, host peer.ID, f *findings) error {
	if err := n.cureLost(ctx, host, f); err != nil {
		return err
	}
	for _, p := range f.differing {
		if err := n.cureDiffering(ctx, host, p); err != nil {
			return err
		}
	}
	var whole []ledger.Placement
	for _, p := range f.repaired {
		err := n.genuine(ctx, p)
		if err == nil {
			whole = append(whole, p)
			continue
		}
		if !wrong(err) {
			return err // it is found again
		}
		f.orphans = append(f.orphans, p2p.Item{Share: p.Share, Layout: p.Layout, Charge: p.Charge, Root: p.Root, Manifest: p.Manifest})
	}
	f.repaired = whole
	back := f.back
	f.back = nil
	for _, p := range back {
		err := n.files.Prove(ctx, n.audit.again(p))
		switch {
		case err == nil:
			p.State, p.LastGood = ledger.PlacedStable, n.config.Clock().Unix()
			f.back = append(f.back, p)
		case !files.Missing(err):
			return err
		}
	}
	return n.recount(ctx, host, slices.Concat(f.back, f.repaired))
}

// recount writes placements that a host has proved.
func (n *Node) recount(ctx context.Context, host peer.ID, ps []ledger.Placement) error {
	for part := range slices.Chunk(ps, ledger.MaxBatch) {
		if err := n.book.Place(ctx, part); err != nil {
			return err
		}
		for _, p := range part {
			n.repair.doubt(p.Share.Index) // there may be too many now
		}
	}
	if len(ps) > 0 {
		n.log.Info("a host has shares after all", "host", host, "shares", len(ps))
		n.shrunk() // the figures changed
	}
	return nil
}

// cureLost asks the host once more for what it didn't list, and marks what it
// doesn't have.
func (n *Node) cureLost(ctx context.Context, host peer.ID, f *findings) error {
	var gone []p2p.Item
	for part := range slices.Chunk(f.lost, haveBatch) {
		has, err := n.holds(ctx, host, part)
		if err != nil {
			return err
		}
		for _, x := range part {
			if !has[x.Share] {
				gone = append(gone, x)
			}
		}
	}
	f.lost = gone
	ids := each(gone, func(x p2p.Item) potluck.ShareID { return x.Share })
	for part := range slices.Chunk(ids, p2p.MaxCancel) {
		if _, err := n.mourn(ctx, host, part, "the host says that it doesn't hold it"); err != nil {
			return err
		}
	}
	return nil
}

// haveBatch is of how many shares a host is asked at once whether it has them: an
// answer has at most p2p.MaxHeld, and each may be one of a whole set.
const haveBatch = p2p.MaxHeld / potluck.MaxShares

// holds asks a host which of some shares it has for this node.
func (n *Node) holds(ctx context.Context, host peer.ID, items []p2p.Item) (map[potluck.ShareID]bool, error) {
	q := p2p.HaveRequest{Indexes: slices.Compact(each(items, func(x p2p.Item) potluck.StorageIndex { return x.Share.Index }))}
	a, err := n.host.Have(ctx, host, q)
	if err != nil {
		return nil, err
	}
	has := make(map[potluck.ShareID]bool)
	for i, set := range a.Sets {
		for _, s := range set.Shares {
			has[potluck.ShareID{Index: q.Indexes[i], Number: s.Number}] = s.Mine
		}
	}
	return has, nil
}

// cureDiffering has the host prove the share as these books have it: when it
// can't, it holds something else, and ours is lost.
func (n *Node) cureDiffering(ctx context.Context, host peer.ID, c clash) error {
	p, there, err := n.placed(ctx, host, c.Share)
	if err != nil || !there || p.State != ledger.PlacedStable || c.Mine.Root == c.Theirs.Root {
		return err
	}
	if err = n.files.Prove(ctx, slice(p)); err == nil || !files.Missing(err) {
		return nil // its books are wrong, or it can't be known: the dispute stands
	}
	_, err = n.mourn(ctx, host, []potluck.ShareID{c.Share}, "the host holds other bytes under its name")
	return err
}

// slice is a random unit of a placement's data.
func slice(p ledger.Placement) files.Slice {
	return files.Slice{Host: p.Host, Share: p.Share, Layout: p.Layout, Root: p.Root}.Unit(rand.Int64N(shares.Units(shares.DataLen(p.Layout))))
}

// errForged says that a host lists a share of a file under a root that isn't in
// the file's manifest.
var errForged = errors.New("its root isn't the one in the file's manifest")

// wrong tells whether an error says that what a host lists isn't there or isn't so.
func wrong(err error) bool { return errors.Is(err, errForged) || files.Missing(err) }

// genuine has a host prove a share that these books don't place there: by the
// manifest, whose hash the file's row has, and by a slice.
func (n *Node) genuine(ctx context.Context, p ledger.Placement) error {
	length, body, err := n.host.Read(ctx, p.Host, p2p.ReadRequest{Index: p.Share.Index, Number: p.Share.Number, Part: p2p.PartManifest})
	if err != nil {
		return err
	}
	defer body.Close()
	if want := potluck.Size(shares.ManifestLen(p.Layout)); length != want {
		return fmt.Errorf("manifest of %d bytes, want %d: %w", length, want, errForged)
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(body, b); err != nil {
		return err
	}
	m, err := shares.ParseManifest(b)
	if err != nil || m.Digest() != p.Manifest || m.Layout != p.Layout || m.Roots[p.Share.Number] != p.Root {
		return fmt.Errorf("share %v: %w", p.Share, errForged)
	}
	return n.files.Prove(ctx, slice(p))
}
