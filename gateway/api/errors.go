package api

import (
	"encoding/json"
	"errors"

	"potluck"
)

// Kind is the kind of a failure. A command line makes its exit code of it.
type Kind string

// The closed table of kinds.
const (
	KindUsage      Kind = "usage"       // what was asked makes no sense
	KindRefused    Kind = "refused"     // no credit or no room; Refusal or Details have the numbers
	KindNotFound   Kind = "not-found"   // no such peer, invite or share
	KindPartial    Kind = "partial"     // some of it is there, not enough
	KindDamage     Kind = "damage"      // bytes that aren't what they should be
	KindNotAllowed Kind = "not-allowed" // the caller may not
	KindNoToken    Kind = "no-token"    // of the page's address: the caller didn't say who it is
	KindInternal   Kind = "internal"    // all else
)

// Error is a failure that the node reported.
type Error struct {
	Kind    Kind             `json:"kind"`
	Message string           `json:"message"` // one sentence, with numbers and cure
	Refusal *potluck.Refusal `json:"refusal,omitempty"`
	Details json.RawMessage  `json:"details,omitempty"` // of the kind's own form, see docs/spec/api.md
}

// Error gives the sentence.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the refusal, if the error is one.
func (e *Error) Unwrap() error {
	if e.Refusal == nil {
		return nil
	}
	return e.Refusal
}

// ErrNotRunning says that no node answers in the data directory.
var ErrNotRunning = errors.New("no node is running here; start one with \"potluck up\"")

// ErrCut says that a stream ended before its result: what came is not all.
var ErrCut = errors.New("the node's answer was cut off")
