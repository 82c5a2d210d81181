package node

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// OldBooksError says that the books are an old copy, or lost their end: this node
// signed a statement that names an event which they don't have.
type OldBooksError struct {
	Seq uint64  // the event's number
	By  peer.ID // who has the statement
}

// Error says what to do.
func (e *OldBooksError) Error() string {
	return fmt.Sprintf("the books of this node are an old copy: what it signed for %v names event %d, which they don't have, so it takes no new bytes and signs nothing; "+
		"cure: put the newest books back, or make the node anew with \"potluck recover\", or go on without what is missing: stop the node and run \"potluck ledger check --accept-cut\"", e.By, e.Seq)
}

// current tells whether the books are the newest that this node had, as far as its
// own signatures tell: nil, or why not. What ends the node ends this too.
func (n *Node) current() error {
	if seq, by, ok := n.book.Behind(context.Background()); ok {
		return &OldBooksError{Seq: seq, By: by}
	}
	return nil
}
