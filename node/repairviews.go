package node

import (
	"context"
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/ledger"
)

// HealthReport is the health of one file, or of all that this node put.
type HealthReport struct {
	Files      []files.CheckResult `json:"files"`
	Whole      int                 `json:"whole"`      // files of which every number is good or claimed
	Unknown    int                 `json:"unknown"`    // files of which hosts that can't be asked have the rest
	Short      int                 `json:"short"`      // files of which shares are lost
	Unreadable int                 `json:"unreadable"` // of these: fewer than k numbers can be had now
}

// RepairReport is what was repaired.
type RepairReport struct {
	Files  []files.RepairResult `json:"files"`
	Failed []FailedRepair       `json:"failed"` // files that couldn't be repaired
	Budget potluck.Size         `json:"budget"` // bytes that the background repair may still move now; -1: it doesn't run
	DryRun bool                 `json:"dry_run,omitempty"`
}

// FailedRepair is a file that couldn't be repaired.
type FailedRepair struct {
	Index  potluck.StorageIndex `json:"index"`
	Name   string               `json:"name,omitempty"`
	Reason string               `json:"reason"`
}

// AuthorityView is the leave of an owner to have a file repaired by a friend.
type AuthorityView struct {
	Index        potluck.StorageIndex `json:"index"`
	Size         potluck.Size         `json:"size"`
	Layout       potluck.Layout       `json:"layout"`
	Owner        peer.ID              `json:"owner"`
	OwnerName    string               `json:"owner_name"`
	Repairer     peer.ID              `json:"repairer"`
	RepairerName string               `json:"repairer_name"`
	Expires      int64                `json:"expires"`
}

// chosen lists the file of a cap, or without one all that this node put.
func (n *Node) chosen(ctx context.Context, c caps.Cap) ([]caps.Verify, error) {
	if c != nil {
		v, err := files.VerifyCap(c)
		return []caps.Verify{v}, err
	}
	var list []caps.Verify
	err := n.book.Files(ctx, func(f ledger.File) error {
		list = append(list, caps.Verify{Layout: f.Layout, Index: f.Index, Manifest: f.Manifest})
		return nil
	})
	return list, n.checked(err)
}

// Health checks the file of a cap, or without one all that this node put. What
// hosts turn out not to have counts as lost in the books at once.
func (n *Node) Health(ctx context.Context, c caps.Cap, o files.CheckOptions, report func(files.Progress)) (HealthReport, error) {
	r := HealthReport{Files: []files.CheckResult{}}
	list, err := n.chosen(ctx, c)
	if err != nil {
		return r, err
	}
	for _, v := range list {
		tell, end := n.work(WorkCheck, n.nameOf(ctx, v.Index), report)
		one, err := n.files.Check(ctx, v, o, tell)
		end()
		if err == nil {
			err = n.heed(ctx, one)
		}
		if err != nil {
			return r, n.checked(err)
		}
		switch {
		case one.Lost > 0 || one.Damaged > 0:
			r.Short++
		case one.Unknown > 0:
			r.Unknown++
		default:
			r.Whole++
		}
		if one.Now.Survives < 0 {
			r.Unreadable++
		}
		r.Files = append(r.Files, one)
	}
	return r, nil
}

// heed marks lost what a check found lost, and has it repaired.
func (n *Node) heed(ctx context.Context, r files.CheckResult) error {
	found := false
	for _, s := range r.Shares {
		if !s.Booked || s.State != files.HealthLost && s.State != files.HealthDamaged {
			continue
		}
		found = true
		id := potluck.ShareID{Index: r.Index, Number: s.Number}
		if err := n.lost(ctx, s.Host, id, s.Reason[:min(len(s.Reason), ledger.MaxReason)]); err != nil {
			return err
		}
	}
	if found {
		n.repair.doubt(r.Index)
		n.shrunk()
	}
	return nil
}

// Repair repairs the file of a cap, or without one all that this node put and all
// that it was given leave to repair, whatever the budget of the background repair
// says. A file that can't be repaired doesn't end it, unless it is the only one.
func (n *Node) Repair(ctx context.Context, c caps.Cap, dryRun bool, report func(files.Progress)) (RepairReport, error) {
	r := RepairReport{Files: []files.RepairResult{}, Failed: []FailedRepair{}, DryRun: dryRun, Budget: -1}
	if err := n.writable(); err != nil && !dryRun { // no file's fault
		return r, err
	}
	list, err := n.chosen(ctx, c)
	if err != nil {
		return r, err
	}
	now := n.config.Clock()
	if c == nil {
		for _, a := range n.authorities.live(now.Unix()) {
			list = append(list, a.file())
		}
	}
	gone, _, err := n.absent(ctx, now)
	if err != nil {
		return r, n.checked(err)
	}
	for _, v := range list {
		one, err := n.mendFile(ctx, v, n.inName(ctx, v, files.RepairOptions{DryRun: dryRun, Gone: gone}), report)
		if err != nil && (c != nil || ctx.Err() != nil) {
			return r, err
		}
		if err != nil {
			r.Failed = append(r.Failed, FailedRepair{v.Index, one.Name, err.Error()})
			continue
		}
		r.Files = append(r.Files, one)
	}
	if n.wish().RepairBudget >= 0 {
		r.Budget = n.repair.budget.left(now.Unix())
	}
	return r, nil
}

// inName adds the authority for a file that isn't this node's own, if there is one.
func (n *Node) inName(ctx context.Context, v caps.Verify, o files.RepairOptions) files.RepairOptions {
	if _, err := n.book.File(ctx, v.Index); !errors.Is(err, ledger.ErrNotFound) {
		return o
	}
	a := n.authorities.of(v.Index, n.config.Clock().Unix())
	if a == nil || a.file() != v {
		return o
	}
	o.Authority, o.Owner = slices.Clone(a.sealed), a.Owner
	return o
}
