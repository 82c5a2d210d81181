package node

import (
	"sync"

	"potluck"
)

// repair keeps files whole: it looks after those of which too little is left.
type repair struct {
	n *Node

	mu      sync.Mutex
	doubted map[potluck.StorageIndex]bool // files of which something was lost since the last look
}

func newRepair(n *Node) *repair {
	return &repair{n: n, doubted: make(map[potluck.StorageIndex]bool)}
}

// doubt is told that a share of a file was lost or found, and returns at once.
func (r *repair) doubt(index potluck.StorageIndex) {
	r.mu.Lock()
	r.doubted[index] = true
	r.mu.Unlock()
}
