package p2p

import (
	"errors"

	"potluck"
)

// Code is the reason of an error that crosses the wire, from a closed table:
// the refusal codes of package potluck, which come with numbers as a
// *potluck.Refusal, and those below, which come as an *Error.
type Code string

// The closed table of error codes that aren't refusals.
const (
	CodeBadRequest    Code = "bad-request"    // the request breaks a rule of its message
	CodeTooLarge      Code = "too-large"      // the request, or its answer, is over a ceiling: ask for less at once
	CodeNotFound      Code = "not-found"      // there is no such share here
	CodeConflict      Code = "conflict"       // what is here has another root or manifest
	CodeBusy          Code = "busy"           // somebody writes or deletes this share just now: try again later
	CodeDamaged       Code = "damaged"        // the share is here and fails its own check
	CodeNoSuchInvite  Code = "no-such-invite" // no such invite, or a wrong proof
	CodeInviteUsed    Code = "invite-used"    // the invite was used by somebody else
	CodeInviteExpired Code = "invite-expired" // the invite is past its end
	CodeInviteRevoked Code = "invite-revoked" // the inviter took the invite back
	CodeUnsupported   Code = "unsupported"    // this node doesn't serve that
	CodeInternal      Code = "internal"       // a fault at the other end; its log has the text
)

// Error is an answer of a peer that is not a refusal. Nothing but the code
// crosses the wire.
type Error struct {
	Code Code
}

// Error gives the code with a clause for people.
func (e *Error) Error() string {
	if text, ok := codeTexts[e.Code]; ok {
		return "peer answered " + string(e.Code) + ": " + text
	}
	return "peer answered " + string(e.Code)
}

// Is tells whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

var codeTexts = map[Code]string{
	CodeBadRequest:    "the request breaks a rule of its message",
	CodeTooLarge:      "the request or its answer is over a ceiling, ask for less at once",
	CodeNotFound:      "there is no such share",
	CodeConflict:      "another content is held under that name",
	CodeBusy:          "the share is being written or deleted, try again later",
	CodeDamaged:       "the share is damaged there",
	CodeNoSuchInvite:  "there is no such invite, ask for a new one",
	CodeInviteUsed:    "the invite was used already, ask for a new one",
	CodeInviteExpired: "the invite has expired, ask for a new one",
	CodeInviteRevoked: "the invite was revoked, ask for a new one",
	CodeUnsupported:   "it doesn't serve that",
	CodeInternal:      "a fault there, its log has the reason",
}

// Transport errors of client calls wrap one of these.
var (
	// ErrUnreachable: no connection could be made, or it broke. Whether the
	// request was carried out isn't known.
	ErrUnreachable = errors.New("peer unreachable")
	// ErrTimeout: the peer was too slow. Whether the request was carried out
	// isn't known.
	ErrTimeout = errors.New("peer timed out")
	// ErrProtocol: the peer broke the protocol: garbage, an oversized message,
	// bytes where none may be.
	ErrProtocol = errors.New("peer broke the protocol")
	// ErrClosed: the Host, the Writer or the body was closed.
	ErrClosed = errors.New("closed")
)

// CodeOf gives the code that err would cross the wire with.
func CodeOf(err error) Code {
	var r *potluck.Refusal
	var e *Error
	switch {
	case errors.As(err, &r):
		return Code(r.Code)
	case errors.As(err, &e):
		return e.Code
	}
	return CodeInternal
}

// isAnswer tells whether err is what a peer said, and not what the way to it did.
func isAnswer(err error) bool {
	var r *potluck.Refusal
	var e *Error
	return errors.As(err, &r) || errors.As(err, &e)
}
