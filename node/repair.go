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
	spreads  map[potluck.StorageIndex]attempt // moves that nobody took; a repair doesn't wait for them
	up       map[peer.ID][2]int64             // how often each account was there, in millionths, and of how many windows; newest look

	spoilers spoilers
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
	r := &repair{n: n, doubted: make(map[potluck.StorageIndex]bool), tries: make(map[potluck.StorageIndex]attempt),
		spreads: make(map[potluck.StorageIndex]attempt)}
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

// patient is a file of which too little is left, or too much, or whose shares lie
// together.
type patient struct {
	file  caps.Verify
	name  string
	cost  potluck.Size // bytes that its repair moves, as far as the books know
	spare int          // numbers that are left above k
	whole bool         // nothing is missing: shares are only to be moved
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

// mendAll repairs files, the cheapest first, those of which nothing is missing last,
// and tells whether the budget was enough for all of them.
func (r *repair) mendAll(ctx context.Context, list []patient, gone []peer.ID, now time.Time) bool {
	slices.SortStableFunc(list, func(a, b patient) int {
		if a.whole != b.whole {
			if a.whole {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(a.spare, b.spare))
	})
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
			break // what follows costs no less, or matters less
		}
		g.Go(func() error {
			r.mend(ctx, p, gone, now)
			return nil
		})
	}
	_ = g.Wait() // none returns an error
	return enough
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
	failed := err != nil || done.Left > 0
	wait := note(r.tries, p.file.Index, now, failed && !p.whole)
	note(r.spreads, p.file.Index, now, failed && p.whole || p.whole && len(done.Moved) == 0)
	if err != nil && ctx.Err() == nil {
		r.n.log.Warn("a file can't be repaired", "index", p.file.Index, "name", p.name, "again_in", wait, "err", err)
	}
}

// note has a file wait, longer each time, after an attempt in vain, and forgets
// the earlier ones after another. It gives the time to wait.
func note(attempts map[potluck.StorageIndex]attempt, index potluck.StorageIndex, now time.Time, inVain bool) time.Duration {
	if !inVain {
		delete(attempts, index)
		return 0
	}
	a := attempts[index]
	wait := min(firstRepair<<min(a.failures, 10), lastRepair)
	attempts[index] = attempt{failures: a.failures + 1, next: now.Add(wait)}
	return wait
}

// mendFile repairs one file and writes down what came of it.
func (n *Node) mendFile(ctx context.Context, file caps.Verify, o files.RepairOptions, report func(files.Progress)) (files.RepairResult, error) {
	if err := n.writable(); err != nil && !o.DryRun {
		return files.RepairResult{}, err
	}
	n.repair.spoilers.tell(file.Index, &o)
	tell, end := n.work(WorkRepair, n.nameOf(ctx, file.Index), report)
	r, err := n.files.Repair(ctx, file, o, tell)
	end()
	if o.DryRun {
		return r, n.checked(err)
	}
	n.repair.spoilers.learn(r)
	n.blameRepaired(ctx, r)
	if len(r.Placed)+len(r.Reused)+len(r.Unplaced) == 0 {
		return r, n.checked(err)
	}
	n.shrunk()
	n.log.Info("repaired a file", "index", r.Index, "name", r.Name, "made", len(r.Placed), "reused", len(r.Reused), "moved", len(r.Moved),
		"unplaced", len(r.Unplaced), "left", r.Left, "bytes", int64(r.Read+r.Sent))
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	noted := n.book.Note(after, ledger.Event{Kind: ledger.KindRepair, Peer: o.Owner, Share: &potluck.ShareID{Index: r.Index}, Bytes: r.Read + r.Sent,
		Reason: fmt.Sprintf("%d shares made anew, %d used again, %d moved, %d copies given up; %d still missing",
			len(r.Placed), len(r.Reused), len(r.Moved), len(r.Unplaced), r.Left)})
	return r, n.checked(errors.Join(err, noted))
}

// blameRepaired is blame, and leaves what the repair itself made right meanwhile.
func (n *Node) blameRepaired(ctx context.Context, r files.RepairResult) {
	var wrong []files.Blame
	for _, b := range r.Blamed {
		if slices.ContainsFunc(r.Placed, func(p files.Placed) bool { return p.Host == b.Host && p.Number == b.Share.Number }) {
			n.accuse(context.WithoutCancel(ctx), b)
			continue
		}
		wrong = append(wrong, b)
	}
	n.blame(ctx, wrong)
}
