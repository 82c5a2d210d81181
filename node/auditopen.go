package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/files"
	"potluck/internal/durable"
	"potluck/shares"
)

// The questions that hosts left open outlive the process, as a file of their own
// in the data directory. Else a host could be silent about what it has lost for as
// long as its owner is started anew within openFor. They are no part of the books:
// when the file is lost, they are asked by chance again.

// maxOpenFile bounds the file: the questions of many hosts.
const maxOpenFile = 64 * potluck.MiB

// leftOpen is what one host leaves open, in the form of the file: a list of these.
type leftOpen struct {
	Host peer.ID  `json:"host"`
	Open []asking `json:"open"`
}

// open reads what an earlier life left. A file that can't be read is none.
func (a *audit) open(path string) error {
	a.path, a.kept = path, make(map[peer.ID][]asking)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > int64(maxOpenFile) {
		return os.Remove(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []leftOpen
	if err := json.Unmarshal(text, &all); err != nil {
		a.n.log.Warn("the questions that hosts left open can't be read, and are forgotten", "file", path, "err", err)
		return nil
	}
	for _, l := range all {
		a.kept[l.Host] = l.Open
	}
	return nil
}

// left gives the questions that a host left open in an earlier life.
func (a *audit) left(host peer.ID) (open []question) {
	for _, q := range a.kept[host] {
		data := shares.DataLen(q.Layout)
		if q.Layout.Validate() != nil || q.First < 1 || q.Length < 1 || q.Offset < 0 || q.Offset > data || q.Length > data-q.Offset || len(open) >= maxOpen {
			continue
		}
		open = append(open, question{files.Slice{Host: host, Share: q.Share, Layout: q.Layout, Root: q.Root, Offset: q.Offset, Length: q.Length}, q.First})
	}
	return open
}

// keepOpen notes what a host leaves open now; save writes it.
func (a *audit) keepOpen(host peer.ID, open []question) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.kept[host]
	same := len(before) == len(open)
	for i := 0; same && i < len(open); i++ {
		same = before[i].Share == open[i].Share && before[i].Offset == open[i].Offset && before[i].First == open[i].first
	}
	if same {
		return
	}
	a.unsaved = true
	if delete(a.kept, host); len(open) == 0 {
		return
	}
	list := make([]asking, len(open))
	for i, q := range open {
		list[i] = asking{Share: q.Share, Layout: q.Layout, Root: q.Root, Offset: q.Offset, Length: q.Length, First: q.first}
	}
	a.kept[host] = list
}

// save writes what has changed. It is durable on return.
func (a *audit) save() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.unsaved {
		return nil
	}
	all := make([]leftOpen, 0, len(a.kept))
	for _, host := range slices.Sorted(maps.Keys(a.kept)) {
		all = append(all, leftOpen{host, a.kept[host]})
	}
	text, err := json.Marshal(all)
	if err == nil {
		err = durable.WriteFile(a.path, text, 0o600)
	}
	a.unsaved = err != nil
	return err
}
