package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"potluck"
	"potluck/gateway/api"
)

// The exit codes. They are part of the interface: scripts decide by them.
const (
	exitOK         = 0
	exitError      = 1
	exitUsage      = 2
	exitPartial    = 3
	exitNotRunning = 4
	exitNotAllowed = 5
	exitRefused    = 6
	exitNotFound   = 7
	exitDamage     = 8
)

// exitCodes is the table that --help and docs/cli.md show.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitError, "error"},
	{exitUsage, "wrong usage"},
	{exitPartial, "done in part"},
	{exitNotRunning, "the node isn't running"},
	{exitNotAllowed, "not allowed"},
	{exitRefused, "refused for lack of credit or room"},
	{exitNotFound, "not found"},
	{exitDamage, "damage found"},
}

// exitErr is an error that has its own exit code.
type exitErr struct {
	code int
	err  error
}

func (e *exitErr) Error() string { return e.err.Error() }
func (e *exitErr) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitErr{exitUsage, fmt.Errorf(format, args...)}
}

// kinds maps what a node reports to exit codes.
var kinds = map[api.Kind]int{
	api.KindUsage:      exitUsage,
	api.KindPartial:    exitPartial,
	api.KindNotAllowed: exitNotAllowed,
	api.KindRefused:    exitRefused,
	api.KindNotFound:   exitNotFound,
	api.KindDamage:     exitDamage,
	api.KindInternal:   exitError,
}

// exitCode gives the exit code of a verb's outcome.
func exitCode(err error) int {
	var own *exitErr
	var reported *api.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, api.ErrNotRunning):
		return exitNotRunning
	case errors.As(err, &reported) && kinds[reported.Kind] != exitOK:
		return kinds[reported.Kind]
	case errors.Is(err, os.ErrPermission):
		return exitNotAllowed
	case errors.Is(err, os.ErrNotExist):
		return exitNotFound
	}
	return exitError
}

// errReported ends a verb that has told the reason already.
var errReported = errors.New("reported")

// errorReport is the JSON of an error, on stderr.
type errorReport struct {
	Error struct {
		Exit    int              `json:"exit"`
		Kind    api.Kind         `json:"kind,omitempty"` // what the node reported, if it did
		Message string           `json:"message"`
		Refusal *potluck.Refusal `json:"refusal,omitempty"`
		Details json.RawMessage  `json:"details,omitempty"`
	} `json:"error"`
}

func errorJSON(err error) errorReport {
	var r errorReport
	r.Error.Exit, r.Error.Message = exitCode(err), err.Error()
	var reported *api.Error
	if errors.As(err, &reported) {
		r.Error.Kind, r.Error.Refusal, r.Error.Details = reported.Kind, reported.Refusal, reported.Details
	}
	return r
}
