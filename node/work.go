package node

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"potluck"
	"potluck/files"
)

// WorkKind is what a node works on.
type WorkKind string

// The kinds of work.
const (
	WorkPut    WorkKind = "put"
	WorkGet    WorkKind = "get"
	WorkRepair WorkKind = "repair" // of a file, by the loop or by hand
	WorkCheck  WorkKind = "check"  // of a file, at the friends who hold it
	WorkCrawl  WorkKind = "crawl"  // comparing the store with the books
	WorkScrub  WorkKind = "scrub"  // reading all that is kept for others
)

// Work is one piece of work that runs now.
type Work struct {
	Kind  WorkKind     `json:"kind"`
	Name  string       `json:"name"`  // of the file; "" when it has none, or it is about no file
	Stage string       `json:"stage"` // as files.Progress has it; "" for crawl and scrub
	Done  potluck.Size `json:"done"`  // bytes of the stage
	Total potluck.Size `json:"total"` // 0: unknown
	Part  float64      `json:"part"`  // of the stage, from 0 to 1
	Began int64        `json:"began"` // unix seconds
}

// works are what runs. Its zero value is ready.
type works struct {
	mu   sync.Mutex
	last int
	all  map[int]Work
}

// begin notes work of which the caller tells the progress by tell, which hands it
// on to report if that isn't nil. end is called once.
func (w *works) begin(one Work, report func(files.Progress)) (tell func(files.Progress), end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[int]Work)
	}
	w.last++
	id := w.last
	w.all[id] = one
	tell = func(p files.Progress) {
		w.mu.Lock()
		if at, runs := w.all[id]; runs {
			at.Stage, at.Done, at.Total = p.Stage, p.Done, p.Total
			at.Part = partOf(p.Done, p.Total)
			w.all[id] = at
		}
		w.mu.Unlock()
		if report != nil {
			report(p)
		}
	}
	return tell, func() {
		w.mu.Lock()
		delete(w.all, id)
		w.mu.Unlock()
	}
}

func partOf(done, total potluck.Size) float64 {
	if total <= 0 {
		return 0
	}
	return min(float64(done)/float64(total), 1)
}

// list gives them, the oldest first.
func (w *works) list() []Work {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := make([]int, 0, len(w.all))
	for id := range w.all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	all := make([]Work, len(ids))
	for i, id := range ids {
		all[i] = w.all[id]
	}
	return all
}

// Works tells what this node works on now: files on their way, and the passes over
// all shares that are under way.
func (n *Node) Works() []Work {
	all := n.works.list()
	crawl, scrub := n.passes()
	for kind, pass := range map[WorkKind]PassView{WorkCrawl: crawl, WorkScrub: scrub} {
		if pass.Began != 0 {
			all = append(all, Work{Kind: kind, Part: pass.Share, Began: pass.Began})
		}
	}
	slices.SortStableFunc(all, func(a, b Work) int { return cmp.Compare(a.Began, b.Began) })
	return all
}

// work begins a piece of work on a file.
func (n *Node) work(kind WorkKind, name string, report func(files.Progress)) (tell func(files.Progress), end func()) {
	return n.works.begin(Work{Kind: kind, Name: name, Began: n.config.Clock().Unix()}, report)
}

// nameOf is what a file is called here; "" when that isn't known.
func (n *Node) nameOf(ctx context.Context, index potluck.StorageIndex) string {
	f, err := n.book.File(ctx, index)
	if err != nil {
		return ""
	}
	return f.Name
}
