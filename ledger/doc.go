// Package ledger holds a node's books: who may keep how much here, who keeps
// what here, and what others keep for this node. The books are rows in one
// Badger database; docs/spec/ledger.md gives them to the byte.
//
// Every change is an operation. One goroutine runs the operations of all
// callers one after the other, many in one Badger transaction, and answers them
// when that transaction is on the disk: what was acknowledged is durable. An
// operation that returns an error has left no trace, with one exception:
// ErrFailed means that a commit failed and nobody knows what the disk holds;
// the book takes nothing more, and must be opened again.
//
// Counters (Usage) change in the same transaction as the rows that they sum. A
// missing row is never read as zero. Every change writes an event; events form
// a hash chain whose head is kept in a file beside the database too, so that a
// tail that was silently cut is noticed when the books are opened.
package ledger
