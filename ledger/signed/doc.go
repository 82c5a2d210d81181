// Package signed holds the documents with which nodes move credit: standing
// orders (credit pointers), repay orders, consents, households, statements, and
// the proofs that somebody signed two things under one number (CREDIT.md,
// sections 3 and 8). A document is a libp2p signed envelope with a domain of its
// own and a payload in deterministic CBOR, so that a signature serves one
// purpose and a value has one encoding. docs/spec/credit.md has every byte.
//
// The package is pure: it knows neither a clock nor a book. Whether a number is
// the newest, whether an issuer is known and whether a server consented is for
// the books to say. What is read from strangers is bounded before it is parsed,
// and what comes out of an Open function is valid and signed by whom it names.
package signed

import (
	"errors"
	"time"

	"potluck"
)

// What a caller can conclude from an error of this package.
var (
	// ErrDocument: the bytes aren't a document, break one of its rules, or
	// aren't signed by whom they name. They never will be.
	ErrDocument = errors.New("not a valid document")
	// ErrNotYet: a valid document whose time hasn't come.
	ErrNotYet = errors.New("not valid yet")
	// ErrExpired: a valid document whose time is over.
	ErrExpired = errors.New("expired")
)

// Bounds of what is read. Above them nothing is parsed.
const (
	MaxSealed   = 32<<10 - 64 // bytes of one envelope, so that the proof of two fits into a document
	MaxDocument = 64 << 10    // bytes of a document
	MaxFile     = 256 << 10   // bytes of a document's file form
	MaxPointers = 256         // pointers of an order
	MaxDeclined = 256         // issuers that an order declines
	MaxAllotted = 64          // servers of a repay order
	MaxMembers  = 32          // other members of a household
	MaxLabel    = 64          // characters of a household's label
	MaxShares   = 1 << 40     // shares of a statement
	MaxNumber   = 1<<53 - 1   // of documents and events: exact in every reader of JSON
	MaxTime     = 1 << 40     // unix seconds: the year 36812
	WholePPM    = 1_000_000   // 100 percent
)

// Lifetimes of orders, repay orders and consents.
const (
	MaxLifetime     = 90 * 24 * time.Hour
	DefaultLifetime = 30 * 24 * time.Hour
	Tolerance       = 10 * time.Minute // how far two honest clocks may be apart
)

// A pointer that a bound is absent from has these in its place.
const (
	NoLimit potluck.Size = -1
	NoShare int64        = -1
)
