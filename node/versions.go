package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
)

// FileVersion is what a name meant from one put on.
type FileVersion struct {
	Name    string                `json:"name"`
	Put     int64                 `json:"put"`              // unix seconds
	Until   int64                 `json:"until"`            // unix seconds at which the next version came, or the name was removed; 0: it still is what the name means
	Removed bool                  `json:"removed"`          // at Until the file was removed, so that its content can't be read by this node
	Size    potluck.Size          `json:"size"`             // bytes of the content
	Index   *potluck.StorageIndex `json:"index,omitempty"`  // none for one that lies in its cap
	Layout  *potluck.Layout       `json:"layout,omitempty"` // none when nothing is kept under the index any more
	Wanted  int                   `json:"wanted"`           // shares that should be placed
	Placed  int                   `json:"placed"`           // shares that are, by receipt
	Cap     string                `json:"cap,omitempty"`    // reads the content, if this node keeps it
}

// VersionsQuery selects versions.
type VersionsQuery struct {
	Name  string // all versions of this name, the newest first
	AsOf  int64  // without a name: what each name meant at this time, in unix seconds; 0: now
	After string // without a name: only names after this one
	Limit int    // without a name: at most so many; 0: all
}

// Versions tells what names meant, by name. A removed version is there as long as
// friends hold shares of it that they weren't told about yet.
func (n *Node) Versions(ctx context.Context, q VersionsQuery) ([]FileVersion, error) {
	rows, err := n.versionRows(ctx, q.Name)
	if err != nil {
		return nil, n.checked(err)
	}
	all, at := []FileVersion{}, cmp.Or(q.AsOf, n.config.Clock().Unix())
	for _, of := range rows {
		if q.Name == "" && of[0].Name <= q.After {
			continue
		}
		for _, v := range meant(of) {
			here := v.stood(at)
			if q.Name == "" && !here && !v.Removed {
				continue
			}
			if err := n.fillVersion(ctx, &v); err != nil {
				return nil, n.checked(err)
			}
			if q.Name != "" || here && !v.gone() || v.Put <= at && v.Removed && !v.gone() {
				all = append(all, v)
			}
		}
		if q.Limit > 0 && len(all) >= q.Limit {
			return all[:q.Limit], nil
		}
	}
	if q.Name != "" {
		slices.Reverse(all)
	}
	return all, nil
}

// versionRows gives versions by name, those of one name in order. Files of books
// that had no versions when they were put count as one.
func (n *Node) versionRows(ctx context.Context, name string) ([][]ledger.Version, error) {
	of := make(map[string][]ledger.Version)
	take := func(v ledger.Version) error { of[v.Name] = append(of[v.Name], v); return nil }
	if name != "" {
		if err := n.book.VersionsOf(ctx, name, take); err != nil {
			return nil, err
		}
	} else if err := n.book.Versions(ctx, take); err != nil {
		return nil, err
	}
	err := n.book.Files(ctx, func(f ledger.File) error {
		has := func(v ledger.Version) bool { return v.Index == f.Index }
		if f.Name != "" && (name == "" || f.Name == name) && !slices.ContainsFunc(of[f.Name], has) {
			of[f.Name] = append(of[f.Name], ledger.Version{Name: f.Name, Time: f.Put, Size: f.Layout.Size, Index: f.Index})
		}
		return nil
	})
	rows := make([][]ledger.Version, 0, len(of))
	for _, all := range of {
		slices.SortFunc(all, func(a, b ledger.Version) int { return cmp.Compare(a.Time, b.Time) })
		rows = append(rows, all)
	}
	slices.SortFunc(rows, func(a, b []ledger.Version) int { return cmp.Compare(a[0].Name, b[0].Name) })
	return rows, err
}

// meant tells from when until when a name had each of its versions.
func meant(of []ledger.Version) []FileVersion {
	all := make([]FileVersion, len(of))
	for i, v := range of {
		all[i] = FileVersion{Name: v.Name, Put: v.Time, Size: v.Size, Cap: v.Cap, Removed: v.Removed != 0, Until: v.Removed}
		if v.Index != (potluck.StorageIndex{}) {
			all[i].Index = &v.Index
		}
		if i+1 < len(of) { // what came after it is what the name meant, removed or not
			all[i].Until = of[i+1].Time
			if v.Removed != 0 {
				all[i].Until = min(v.Removed, of[i+1].Time)
			}
		}
	}
	return all
}

// stood tells whether a name had this version at a time.
func (v FileVersion) stood(at int64) bool { return v.Put <= at && (v.Until == 0 || at < v.Until) }

// gone tells whether nothing is left of a version that was removed.
func (v FileVersion) gone() bool { return v.Removed && v.Placed == 0 }

// fillVersion adds what the books say of the content now.
func (n *Node) fillVersion(ctx context.Context, v *FileVersion) error {
	if v.Index == nil {
		if v.Removed {
			v.Cap = ""
		}
		return nil
	}
	f, err := n.book.File(ctx, *v.Index)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		v.Removed = true // under another name
	case err != nil:
		return err
	default:
		v.Removed = false // or it was put again
		v.Layout, v.Wanted, v.Cap = &f.Layout, f.Wanted, f.Cap
	}
	placed, err := n.book.Placements(ctx, *v.Index)
	for _, p := range placed {
		if p.State == ledger.PlacedStable || v.Removed && p.State == ledger.PlacedGoing {
			v.Placed++
		}
	}
	return err
}

// noteSmall keeps the name of a file that lies in its cap: nothing else of it
// would be known here.
func (n *Node) noteSmall(ctx context.Context, o files.PutOptions, r files.PutResult) error {
	if o.Name == "" {
		return nil
	}
	return n.checked(n.book.PutSmall(ctx, ledger.Version{Name: o.Name, Time: n.config.Clock().Unix(), Size: r.Size, Cap: r.Cap}))
}

// dropSmall gives up the names of a file that lies in its cap.
func (n *Node) dropSmall(ctx context.Context, c caps.Literal) (files.RemoveResult, error) {
	gone, err := n.book.DropSmall(ctx, c.Text())
	if err == nil && gone == 0 {
		err = &NotFoundError{What: "file of this cap among those that this node put"}
	}
	return files.RemoveResult{Unreached: []peer.ID{}}, n.checked(err)
}

// forgetVersions drops what was removed long ago.
func (n *Node) forgetVersions(ctx context.Context) error {
	before := n.config.Clock().Add(-ledger.HistoryDays * 24 * time.Hour).Unix()
	for {
		gone, err := n.book.ForgetVersions(ctx, before)
		if err != nil || gone == 0 {
			return err
		}
	}
}
