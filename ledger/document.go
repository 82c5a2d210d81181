package ledger

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"potluck"
	"potluck/ledger/signed"
)

// Outcome tells what the books did with a document.
type Outcome uint8

// Outcomes of Accept.
const (
	OutcomeNew      Outcome = 1 // it counts from now on
	OutcomeKnown    Outcome = 2 // it is in the books already
	OutcomeStale    Outcome = 3 // a higher number is in the books
	OutcomeConflict Outcome = 4 // its signer signed another one with this number; the proof is kept
)

// String gives the outcome's one word.
func (o Outcome) String() string {
	switch o {
	case OutcomeNew:
		return "new"
	case OutcomeKnown:
		return "known"
	case OutcomeStale:
		return "stale"
	case OutcomeConflict:
		return "conflict"
	}
	return "none"
}

// Frozen is what is left of the pointers from an issuer to one peer that ended
// while they carried (CREDIT.md section 5). It only shrinks.
type Frozen struct {
	To    peer.ID      `json:"to"`
	Limit potluck.Size `json:"limit"` // what it carries still
	Since int64        `json:"since"` // the pointer's age for ties, unix seconds
}

// DocumentRow is the newest document of one kind, issuer and other peer.
type DocumentRow struct {
	Kind     signed.Kind
	Issuer   peer.ID // order: issuer; repay: principal; consent: server; household: member; statement: host; conflict: signer
	Other    peer.ID // consent: principal; statement: owner; conflict: as what it is about; else ""
	Number   uint64  // of Document
	Document signed.Document
	Expires  int64            // unix seconds; 0: doesn't expire. Statements count for StatementLife
	Live     bool             // it counts: not expired when last looked at, no conflict, for a statement: signed by both
	Frozen   []Frozen         // orders: by beneficiary
	Declined []peer.ID        // orders: issuers whose pointers this peer doesn't take
	ByHost   *signed.Document // statements: a newer number, signed by the host alone
	ByOwner  *signed.Document // statements: a newer number, signed by the owner alone
	Conflict *signed.Document // proof that its signer signed two with one number, this one or one before it
}

// Accept takes a document into the books, if it is the newest of its kind. It
// may come from anybody: what counts is who signed it. Documents of this node's
// own are taken the same way, before they are sent to anyone.
//
// Errors: signed.ErrDocument; ErrNotFound when its issuer has no account and
// isn't this node; ErrInvalid when it has expired or hasn't begun (then also
// signed.ErrExpired or signed.ErrNotYet), when a server's consent is missing, or
// when this node's own order points to a peer that is unknown or denied;
// *potluck.Refusal when a loan of this node's own order isn't covered; ErrFull.
func (b *Book) Accept(ctx context.Context, d signed.Document) (Outcome, error) {
	return 0, ErrInvalid
}

// Document gives the newest document of a kind. For KindConflict it is the proof
// against issuer. Errors: ErrNotFound.
func (b *Book) Document(ctx context.Context, kind signed.Kind, issuer, other peer.ID) (row DocumentRow, err error) {
	return DocumentRow{}, ErrNotFound
}

// Documents visits the newest documents of a kind (0: of all kinds but proofs of
// conflict), by kind, issuer and other. visit may call methods of the book.
func (b *Book) Documents(ctx context.Context, kind signed.Kind, visit func(DocumentRow) error) error {
	return nil
}

// Refresh looks at all that ends with time: paid terms, orders, pointers, repay
// orders, consents and statements. Operations do that by themselves when
// something is due; call it now and then so that an idle node's figures fall too.
func (b *Book) Refresh(ctx context.Context) error { return nil }
