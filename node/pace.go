package node

import (
	"context"
	"errors"
	"time"

	"potluck/ledger"
	"potluck/ledger/signed"
)

// What one signer may add to the books in a clerkWindow: each document that is
// taken leaves an event for good, and a proof of a contradiction is long. What comes
// beyond waits: it isn't taken now, and is brought again.
const (
	paceDocuments  = 48 // orders and the like; a node signs one a week, and when its people change something
	paceStatements = 256
	paceConflicts  = 4
	paceKeepsakes  = 72   // of one friend; a node signs one when its friends change, each night, and each minute in which something is put
	paceNotices    = 64   // of one peer
	pacePublished  = 1024 // statements that one friend publishes
	paceAudiences  = 64   // of one friend; a node tells one when it meets it, and when its friends change
)

// paces tells whether a document may be added to the books now, or adds nothing.
// Who signed it is charged, whoever brought it.
func (n *Node) paces(ctx context.Context, p paper) (bool, error) {
	row, err := n.book.Document(ctx, p.id.Kind, p.id.Issuer, p.id.Other)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return false, n.checked(err)
	}
	t, most := &n.paced.documents, paceDocuments
	switch {
	case p.id.Kind == signed.KindStatement:
		t, most = &n.paced.statements, paceStatements
	case p.id.Number < row.Number, p.id.Number == row.Number && sameDocument(p.document, row.Document):
		return true, nil
	case p.id.Kind == signed.KindKeepsake:
		t, most = &n.paced.keepsakes, paceKeepsakes
	case p.id.Kind == signed.KindConflict, p.id.Number == row.Number:
		t, most = &n.paced.conflicts, paceConflicts
	}
	return t.charge(p.id.Issuer, 1, most, time.Now()) == nil, nil
}

// paced is what was added of late.
type paced struct{ documents, statements, conflicts, keepsakes, notices, published, audiences tally }
