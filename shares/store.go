package shares

import (
	"context"
	"errors"
	"io"

	"potluck"
)

// Errors of stores. They are wrapped with the share and the operation.
var (
	ErrNotFound = errors.New("no such share")
	ErrExists   = errors.New("share exists already")
	ErrBusy     = errors.New("share is being written or deleted")
	// ErrDamaged: what is stored isn't a share as it was committed.
	ErrDamaged = errors.New("share is damaged")
	// ErrMismatch: what was sent doesn't fit its manifest. Nothing of it is kept.
	ErrMismatch = errors.New("share doesn't match its manifest")
	// ErrTooLong: more bytes than the layout allows. None of the write is taken.
	ErrTooLong = errors.New("more data than the share's length")
	// ErrFull: the disk has no room. Nothing of the share is kept.
	ErrFull = errors.New("no room left in the store")
	// ErrFailed: a sync failed, so it is unknown what is durable. The store
	// takes nothing new until it is opened again; reads go on.
	ErrFailed = errors.New("store failed and takes nothing new")
	ErrClosed = errors.New("store or share is closed")
)

// Store keeps shares. Every method is safe for concurrent use. A context that
// ends makes a method return early with the context's error.
type Store interface {
	// Create opens a share for writing. One that was suspended or cut off by a
	// crash is resumed if layout and owner are the same, and keeps its time of
	// creation; else it begins anew. Root and Manifest of the header are
	// ignored. ErrExists when the share is complete, damaged or not; ErrBusy
	// when it is open for writing; ErrFull, ErrFailed.
	Create(ctx context.Context, h Header) (Incoming, error)
	// Open opens a complete share for reading. It stays readable until its
	// Close, also when it is deleted meanwhile. ErrNotFound, ErrDamaged.
	Open(ctx context.Context, id potluck.ShareID) (Share, error)
	// Delete removes a share, complete or incomplete; nil when there is none.
	// Durable on return. ErrBusy when it is open for writing.
	Delete(ctx context.Context, id potluck.ShareID) error
	// List visits the complete shares after the given one in order of ID, until
	// visit returns an error, which it returns. The zero ID begins with the
	// first share, itself included. Shares that come or go meanwhile may be
	// visited or not. Damaged ones whose header can't be read are left out.
	List(ctx context.Context, after potluck.ShareID, visit func(Info) error) error
	// Names visits what lies in the places of complete shares, damaged or not,
	// as List does; nothing is opened, so it costs little. What isn't named may
	// still be damage: ask Stat.
	Names(ctx context.Context, after potluck.ShareID, visit func(potluck.ShareID) error) error
	// SetAside takes what lies in the place of a complete share out of the way,
	// so that the share is absent and can be created anew. It is kept beside the
	// shares, for people to look at, until another one of the same name follows.
	// Durable on return; nil when there is nothing. ErrBusy as with Delete.
	SetAside(ctx context.Context, id potluck.ShareID) error
	// Stat tells of a complete share. ErrNotFound, ErrDamaged.
	Stat(ctx context.Context, id potluck.ShareID) (Info, error)
	// Room is the bytes that this process could still write.
	Room(ctx context.Context) (potluck.Size, error)
	// Close ends the store: all that is called later returns ErrClosed. Shares
	// that are still open for writing are left as after a crash; those that are
	// open for reading stay readable.
	Close() error
}

// Incoming is a share that is being written, by one goroutine at a time. One of
// Commit, Suspend and Abort must end it. After the end Abort does nothing, so
// that it can be deferred, and all else returns ErrClosed.
type Incoming interface {
	// Offset is the bytes of data that are here. Those from before a resume are
	// durable.
	Offset() potluck.Size
	// Write appends data. ErrTooLong takes nothing and changes nothing. Any
	// other error ends the share, and nothing of it is kept.
	Write(p []byte) (int, error)
	// Commit completes the share: the data must be whole, its root must be the
	// manifest's, and the crosscheck must have the manifest's hash, or else it
	// returns ErrMismatch and keeps nothing. When it returns nil, the share is
	// durable. After ErrFailed it is unknown whether the share will be there
	// when the store is opened again; after all other errors it is gone. A
	// context that has ended already changes nothing.
	Commit(ctx context.Context, manifest, crosscheck []byte) (Header, error)
	// Suspend keeps what is here, durably, for a later Create.
	Suspend() error
	// Abort drops what is here.
	Abort() error
}

// Share is a complete share, open for reading. Its methods but Close are safe
// for concurrent use.
type Share interface {
	Header() Header
	// Manifest is the manifest's encoding; it is shared, and not to be changed.
	Manifest() []byte
	// Crosscheck reads the crosscheck and checks it against the manifest.
	Crosscheck(ctx context.Context) ([]byte, error)
	// Slice writes the Bao slice of n bytes of data from off (see Slice). It
	// doesn't verify what it reads: the reader does.
	Slice(ctx context.Context, dst io.Writer, off, n potluck.Size) error
	// Verify reads everything and returns ErrDamaged if anything differs from
	// what was committed.
	Verify(ctx context.Context) error
	Close() error
}

// Info tells of a complete share.
type Info struct {
	ID     potluck.ShareID
	Header Header
	Stored potluck.Size // bytes: StoredLen of the layout
}
