package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"potluck/internal/durable"
	"potluck/ledger/signed"
)

// A node has lives: each recovery from its words begins the next one, its epoch.
// What is left of an earlier one (the old machine that was only switched off, a
// copy of its disk) learns of it from the keepsakes at its friends, and writes
// nothing from then on: two that sign for one node would contradict each other.

// OlderCopyError says that this is what is left of an earlier life of the node.
type OlderCopyError struct{ Own, Seen uint64 }

// Error says what to do.
func (e *OlderCopyError) Error() string {
	return fmt.Sprintf("this is an older copy of the node: it was recovered elsewhere (epoch %d, this copy is of epoch %d), so this copy reads and writes nothing new; cure: use the other one, or make this machine the node again with \"potluck recover\" in an empty data directory", e.Seen, e.Own)
}

// errRecovering says that the node is being recovered just now.
var errRecovering = errors.New("this node is being recovered, and writes nothing until that is done")

// epoch is which life of the node this is. Its file in the data directory has
// two numbers: its own, and the highest that its friends' keepsakes showed.
type epoch struct {
	path string

	mu         sync.Mutex
	own, seen  uint64
	recovering bool
}

// epochForm is the file's one form.
const epochForm = "potluck epoch 1\nown %d\nseen %d\n"

// openEpoch reads the file; a node without one is in its first life. One whose
// recovery was cut off has no books yet, and isn't to run.
func openEpoch(dir string, recovering bool) (*epoch, error) {
	if _, err := os.Stat(filepath.Join(dir, recoverMark)); err == nil && !recovering {
		return nil, fmt.Errorf("%s: %w", dir, errHalfRecovered)
	}
	e := &epoch{path: filepath.Join(dir, "epoch"), own: 1, recovering: recovering}
	text, err := os.ReadFile(e.path)
	if errors.Is(err, os.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(string(text), epochForm, &e.own, &e.seen); err != nil || e.own < 1 || e.own > signed.MaxEpoch || e.text() != string(text) {
		return nil, fmt.Errorf("%s isn't what this program writes: %d bytes; cure: put it back from a backup, or recover the node in an empty data directory", e.path, len(text))
	}
	return e, nil
}

func (e *epoch) text() string { return fmt.Sprintf(epochForm, e.own, e.seen) }

// number is this copy's own epoch.
func (e *epoch) number() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.own
}

// life is the epoch of what these books say: while the node is being recovered one
// after all that it may meet.
func (e *epoch) life() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.recovering {
		return signed.MaxEpoch
	}
	return e.own
}

// writable tells whether this copy may write: nil, or why not.
func (e *epoch) writable() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.recovering:
		return errRecovering
	case e.seen > e.own:
		return &OlderCopyError{Own: e.own, Seen: e.seen}
	}
	return nil
}

// saw notes the epoch of a keepsake of this node, and tells whether that is news.
// It is durable on return.
func (e *epoch) saw(number uint64) (news bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if number <= max(e.seen, e.own) {
		return false, nil
	}
	before := e.seen
	e.seen = number
	if err := durable.WriteFile(e.path, []byte(e.text()), 0o600); err != nil {
		return before <= e.own, fmt.Errorf("write the epoch: %w", err) // it counts in this life all the same
	}
	return before <= e.own, nil
}

// raise begins a new life. It is durable on return, and ends the recovering.
func (e *epoch) raise(number uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := &epoch{own: number, seen: number}
	if err := durable.WriteFile(e.path, []byte(next.text()), 0o600); err != nil {
		return fmt.Errorf("write the epoch: %w", err)
	}
	e.own, e.seen, e.recovering = number, number, false
	return nil
}

// writable tells whether this node may put, keep, and sign anything: nil, or why
// not. Reads go on.
func (n *Node) writable() error {
	if err := n.epoch.writable(); err != nil {
		return err
	}
	return n.current()
}
