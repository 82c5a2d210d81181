package ledger

import (
	"sync"

	"github.com/zeebo/blake3"

	"potluck"
	"potluck/ledger/signed"
)

// openedMost is how many papers are remembered: some MiB.
const openedMost = 4096

// opened remembers papers by the hash of what they were read from. The same rows
// are read every minute, and to verify a signature takes fifty times as long as
// to hash what it signs. Papers don't change.
type opened struct {
	mu     sync.Mutex
	papers map[potluck.Digest]*paper
}

// open reads a document as it stands in a row, and verifies it unless it did
// before. A nil opened remembers nothing.
func (o *opened) open(row []byte) (*paper, error) {
	if o == nil {
		return parsePaper(row)
	}
	sum := potluck.Digest(blake3.Sum256(row))
	o.mu.Lock()
	p := o.papers[sum]
	o.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := parsePaper(row)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.papers == nil || len(o.papers) >= openedMost {
		o.papers = make(map[potluck.Digest]*paper)
	}
	o.papers[sum] = p
	return p, nil
}

// parsePaper reads a document as it stands in a row, and verifies it.
func parsePaper(row []byte) (*paper, error) {
	d, err := signed.ParseDocument(row)
	if err != nil {
		return nil, err
	}
	return openPaper(d)
}
