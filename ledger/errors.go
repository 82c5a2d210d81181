package ledger

import "errors"

// Errors of the books. They are wrapped with the operation and its numbers;
// match them with errors.Is. An operation that returns an error other than
// ErrFailed has changed nothing.
var (
	ErrNotFound = errors.New("not in the books")                     // no such row
	ErrNewer    = errors.New("books of a newer version")             // the directory's format marker is beyond this program
	ErrLocked   = errors.New("books are open in another process")    // the directory's lock is held
	ErrBusy     = errors.New("share is busy")                        // another owner writes it, or it is being deleted
	ErrConflict = errors.New("contradicts the books")                // an illegal transition, or other bytes than the books name
	ErrClosed   = errors.New("books are closed")                     // Close was called
	ErrFailed   = errors.New("books failed, their state is unknown") // a commit failed; open the books again to learn what holds
	ErrFull     = errors.New("no room for the books on their disk")  // nothing that grows is taken until there is room
	ErrTooBig   = errors.New("operation is too big")                 // more rows than one transaction takes; ask for less at once
	ErrDamaged  = errors.New("books are damaged")                    // a row is missing or can't be read; never taken for zero
	ErrCut      = errors.New("tail of the books was cut")            // the head file knows events that the books don't
	ErrImport   = errors.New("not a whole export of books")          // a line is damaged or missing; nothing was imported
	ErrInvalid  = errors.New("invalid value")                        // an argument out of its range

	ErrInviteUsed    = errors.New("invite was used")
	ErrInviteExpired = errors.New("invite has expired")
	ErrInviteRevoked = errors.New("invite was revoked")
)

func isMissing(err error) bool { return errors.Is(err, ErrNotFound) }
