package node

import (
	"errors"
	"maps"
	"sync"

	"potluck"
)

// refusals counts, since the start, how often new bytes were refused. The zero
// value is ready.
type refusals struct {
	mu sync.Mutex
	of map[potluck.Code]int64
}

// count counts an error that is a refusal.
func (r *refusals) count(err error) {
	var refusal *potluck.Refusal
	if !errors.As(err, &refusal) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = make(map[potluck.Code]int64)
	}
	r.of[refusal.Code]++
}

// Refusals tells how often this node refused new bytes since its start, by code.
func (n *Node) Refusals() map[potluck.Code]int64 {
	n.keep.refused.mu.Lock()
	defer n.keep.refused.mu.Unlock()
	return maps.Clone(n.keep.refused.of)
}
