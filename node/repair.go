package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/sync/errgroup"

	"potluck"
	"potluck/caps"
	"potluck/files"
	"potluck/internal/lifecycle"
	"potluck/ledger"
)

// repair keeps files whole: it brings back what hosts have lost, lazily, the
// cheapest first, and moves no more bytes a day than its budget has.
type repair struct {
	n      *Node
	cycle  *lifecycle.Cycle
	budget budget

	mu       sync.Mutex
	doubted  map[potluck.StorageIndex]bool // files of which something was lost or found since the last look
	surveyed time.Time                     // when all files were looked at last
	tries    map[potluck.StorageIndex]attempt
	up       map[peer.ID][2]int64 // how often each account was there, in millionths, and of how many windows; newest look
}

const (
	repairEvery  = time.Hour // between two looks at all files
	repairSettle = time.Hour // after a start, for friends to come back before any counts as gone
	repairAtOnce = 2         // files
	repairName   = "repair"
	firstRepair  = time.Hour // after a repair that didn't bring all back; then doubled
	lastRepair   = 24 * time.Hour
)

func newRepair(n *Node) *repair {
	r := &repair{n: n, doubted: make(map[potluck.StorageIndex]bool), tries: make(map[potluck.StorageIndex]attempt)}
	r.budget = budget{daily: func() potluck.Size { return max(n.wish().RepairBudget, 0) }, keep: func(ctx context.Context, at []byte) error { return n.book.SetCursor(ctx, repairName, at) }}
	r.cycle = lifecycle.NewCycle(r.turn)
	return r
}

// load reads how much of the budget an earlier life has used.
func (r *repair) load(ctx context.Context) error {
	at, err := r.n.book.Cursor(ctx, repairName)
	if err != nil {
		return err
	}
	r.budget.load(at, r.n.config.Clock().Unix())
	return r.measure(ctx)
}

// upDays is over how many days it is measured how often hosts are there.
const upDays = 30

// measure reads from the history how often each account was there.
func (r *repair) measure(ctx context.Context) error {
	accounts, err := r.n.book.Accounts(ctx)
	if err != nil {
		return err
	}
	up := make(map[peer.ID][2]int64, len(accounts))
	for _, a := range accounts {
		ppm, windows, err := r.n.book.Uptime(ctx, a.Peer, upDays)
		if err != nil {
			return err
		}
		up[a.Peer] = [2]int64{ppm, windows}
	}
	r.mu.Lock()
	r.up = up
	r.mu.Unlock()
	return nil
}

// uptime is what was measured of a host at the newest look.
func (r *repair) uptime(p peer.ID) (ppm, windows int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.up[p][0], r.up[p][1]
}

// doubt is told that a share of a file was lost or found, and returns at once.
func (r *repair) doubt(index potluck.StorageIndex) {
	r.mu.Lock()
	r.doubted[index] = true
	r.mu.Unlock()
	r.cycle.Trigger()
}

// patient is a file of which too little is left, or too much.
type patient struct {
	file  caps.Verify
	name  string
	cost  potluck.Size // bytes that its repair moves, as far as the books know
	spare int          // numbers that are left above k
	grant *authority   // nil: the file is this node's own
}

// turn repairs what needs it, as far as the budget goes.
func (r *repair) turn(ctx context.Context) time.Duration {
	if r.n.wish().RepairBudget < 0 || r.n.writable() != nil {
		return -1
	}
	now := r.n.config.Clock()
	list, gone, all, err := r.survey(ctx, now)
	if err != nil {
		r.n.tend.complain("look which files need repair", err)
		return repairSettle
	}
	if r.mendAll(ctx, list, gone, now) && all { // friends' files have what is left
		r.mendAll(ctx, r.n.wards(ctx, now), gone, now)
	}
	return repairEvery
}

// mendAll repairs files, the cheapest first, and tells whether the budget was
// enough for all of them.
func (r *repair) mendAll(ctx context.Context, list []patient, gone []peer.ID, now time.Time) bool {
	slices.SortStableFunc(list, func(a, b patient) int { return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.spare, b.spare)) })
	var g errgroup.Group
	g.SetLimit(repairAtOnce)
	enough := true
	for _, p := range list {
		if ctx.Err() != nil || r.waits(p.file.Index, now) {
			continue
		}
		if ok, err := r.budget.take(ctx, p.cost, now.Unix()); err != nil || !ok {
			r.n.tend.complain("charge the budget of repairs", err)
			enough = false
			break // what follows costs no less
		}
		g.Go(func() error {
			r.mend(ctx, p, gone, now)
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return enough
}

// survey lists the files that need repair by the books: all of them when that is
// due, else those of which something was heard. gone are the hosts that were away
// for too long.
func (r *repair) survey(ctx context.Context, now time.Time) (list []patient, gone []peer.ID, all bool, err error) {
	gone, here, err := r.n.absent(ctx, now)
	if err != nil {
		return nil, nil, false, err
	}
	r.mu.Lock()
	doubted := r.doubted
	r.doubted = make(map[potluck.StorageIndex]bool)
	all = now.Sub(r.surveyed).Abs() >= repairEvery && now.Sub(r.n.started) >= min(repairSettle, r.n.wish().RepairAfter)
	if all {
		r.surveyed = now
	}
	r.mu.Unlock()
	look := func(f ledger.File) error {
		p, needs, err := r.examine(ctx, f, gone, here)
		if needs {
			list = append(list, p)
		}
		return err
	}
	if all {
		err = errors.Join(r.measure(ctx), r.n.book.Files(ctx, func(f ledger.File) error {
			if !doubted[f.Index] && now.Sub(time.Unix(f.Put, 0)) < r.n.config.Coming {
				return nil // its put may still spread it
			}
			return look(f)
		}))
	} else {
		for index := range doubted {
			f, missing := r.n.book.File(ctx, index)
			if errors.Is(missing, ledger.ErrNotFound) {
				continue
			}
			if err = cmp.Or(err, missing); err == nil {
				err = look(f)
			}
		}
	}
	return list, gone, all, err
}

// examine tells by the books whether a file needs repair: fewer numbers are left
// than files.Enough asks for, or a number lies at two hosts that are here.
func (r *repair) examine(ctx context.Context, f ledger.File, gone []peer.ID, here map[peer.ID]bool) (patient, bool, error) {
	rows, err := r.n.book.Placements(ctx, f.Index)
	if err != nil {
		return patient{}, false, err
	}
	left, twice := make(map[potluck.ShareNumber]bool), false
	seen := make(map[potluck.ShareNumber]bool)
	for _, p := range rows {
		if p.State != ledger.PlacedStable || slices.Contains(gone, p.Host) {
			continue
		}
		left[p.Share.Number] = true
		if here[p.Host] {
			twice = twice || seen[p.Share.Number]
			seen[p.Share.Number] = true
		}
	}
	n := int(f.Layout.N)
	p := patient{file: caps.Verify{Layout: f.Layout, Index: f.Index, Manifest: f.Manifest}, name: f.Name, spare: len(left) - int(f.Layout.K)}
	needs := len(left) < files.Enough(f.Layout)
	if needs {
		p.cost = files.RepairCost(f.Layout, n-len(left))
	}
	return p, needs || twice, nil
}

// absent lists the hosts that were away for too long, and those that are here.
func (n *Node) absent(ctx context.Context, now time.Time) (gone []peer.ID, here map[peer.ID]bool, err error) {
	accounts, err := n.book.Accounts(ctx)
	if err != nil {
		return nil, nil, err
	}
	here = make(map[peer.ID]bool)
	settled := now.Sub(n.started) >= min(repairSettle, n.wish().RepairAfter)
	for _, a := range accounts {
		switch {
		case n.host.Connected(a.Peer):
			here[a.Peer] = true
		case settled && now.Sub(time.Unix(a.LastSeen, 0)) >= n.wish().RepairAfter:
			gone = append(gone, a.Peer)
		}
	}
	if len(here) == 0 {
		return nil, here, nil // it is this node that is away
	}
	return gone, here, nil
}

// waits tells whether a file was tried in vain a short while ago.
func (r *repair) waits(index potluck.StorageIndex, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.tries[index].next)
}

// mend repairs one file, whose cost is charged, and notes how it went.
func (r *repair) mend(ctx context.Context, p patient, gone []peer.ID, now time.Time) {
	o := files.RepairOptions{Gone: gone, Most: max(p.cost, 1), NoWait: true}
	if p.grant != nil {
		o.Authority, o.Owner = p.grant.sealed, p.grant.Owner
	}
	done, err := r.n.mendFile(ctx, p.file, o, nil)
	if err == nil && done.Cost > o.Most { // more is lost than the books knew
		if ok, charged := r.budget.take(ctx, done.Cost-p.cost, now.Unix()); ok && charged == nil {
			o.Most, p.cost = done.Cost, done.Cost
			done, err = r.n.mendFile(ctx, p.file, o, nil)
		}
	}
	if err := r.budget.give(context.WithoutCancel(ctx), p.cost-done.Read-done.Sent, now.Unix()); err != nil {
		r.n.tend.complain("charge the budget of repairs", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && done.Left == 0 {
		delete(r.tries, p.file.Index)
		return
	}
	a := r.tries[p.file.Index]
	wait := min(firstRepair<<min(a.failures, 10), lastRepair)
	r.tries[p.file.Index] = attempt{failures: a.failures + 1, next: now.Add(wait)}
	if err != nil && ctx.Err() == nil {
		r.n.log.Warn("a file can't be repaired", "index", p.file.Index, "name", p.name, "again_in", wait, "err", err)
	}
}

// mendFile repairs one file and writes down what came of it.
func (n *Node) mendFile(ctx context.Context, file caps.Verify, o files.RepairOptions, report func(files.Progress)) (files.RepairResult, error) {
	if err := n.writable(); err != nil && !o.DryRun {
		return files.RepairResult{}, err
	}
	r, err := n.files.Repair(ctx, file, o, report)
	if o.DryRun {
		return r, n.checked(err)
	}
	n.blame(ctx, r.Blamed)
	if len(r.Placed)+len(r.Reused)+len(r.Unplaced) == 0 {
		return r, n.checked(err)
	}
	n.shrunk()
	n.log.Info("repaired a file", "index", r.Index, "name", r.Name, "made", len(r.Placed), "reused", len(r.Reused), "unplaced", len(r.Unplaced),
		"left", r.Left, "bytes", int64(r.Read+r.Sent))
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	noted := n.book.Note(after, ledger.Event{Kind: ledger.KindRepair, Peer: o.Owner, Share: &potluck.ShareID{Index: r.Index}, Bytes: r.Read + r.Sent,
		Reason: fmt.Sprintf("%d shares made anew, %d used again, %d copies given up; %d still missing", len(r.Placed), len(r.Reused), len(r.Unplaced), r.Left)})
	return r, n.checked(errors.Join(err, noted))
}
